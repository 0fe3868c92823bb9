"""Up to when the data are complete: what a provider's earlier months let expect, and the last month that is so."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.sql.small_study import SmallStudy, appointment, enrolment

MONTHS = [date(2009 + number // 12, number % 12 + 1, 1) for number in range(30)]  # January 2009 to June 2011
TWO_YEARS = "select provider_code, month, records, expected_records, is_expected from provider_month_expectations"
ENDS = (
    "select complete_until_date, data_needed_until_date, providers_judged, providers_not_as_expected, "
    "is_number_withheld, is_data_until_supported, caution from end_of_data where extract = 'outpatients'"
)


def study(counts: Mapping[str, Mapping[date, int]], *, received: str = "2011-12-31", **given: Any) -> SmallStudy:
    """Appointments by provider and month, delivered at once; data until June 2011."""
    covered = given.pop("covered", MONTHS)
    design = given.pop("design", {"data_until": "2011-06-30"})
    return SmallStudy(
        outpatients=[
            appointment(f"{month:%Y-%m}-{number % 28 + 1:02}", person_id=f"{provider}{number}", procode3=provider)
            for provider, months in counts.items()
            for month, count in months.items()
            for number in range(count)
        ],
        population=[{"person_id": "p1", "dob": date(1940, 1, 1), "sex": "2"}],
        coverage={"outpatients": covered},
        deliveries_read=[
            {
                "delivery_id": "d1",
                "extract": "outpatients",
                "file_name": "a.csv",
                "received_at": f"{received} 12:00:00",
                "status": "accepted",
            }
        ],
        design=design,
        **given,
    )


def every_month(count: int, **changed: int) -> dict[date, int]:
    """The same number a day in every month, 30 days taken for a month's; `changed` by month as m2011_06."""
    days = {month: ([*MONTHS[1:], date(2011, 7, 1)][at] - month).days for at, month in enumerate(MONTHS)}
    usual = {month: round(count * days[month] / 30) for month in MONTHS}
    return usual | {date(int(name[1:5]), int(name[6:]), 1): number for name, number in changed.items()}


def months_of(provider: str, found: SmallStudy) -> dict[date, tuple[Any, ...]]:
    return {month: tuple(rest) for code, month, *rest in found.query(TWO_YEARS) if code == provider}


def test_with_twelve_months_before_the_records_a_day_of_these_are_expected() -> None:
    # 365 records in the 365 days of 2009 are one a day; without a second year there is no season.
    found = months_of("RAA", study({"RAA": every_month(30)}, covered=MONTHS[:14]))
    assert found[date(2009, 12, 1)] == (31, None, None)
    assert found[date(2010, 1, 1)] == (31, 31.0, True)
    assert found[date(2010, 2, 1)] == (28, 28.0, True)


def test_with_two_years_before_the_season_of_the_last_year_is_expected() -> None:
    # January 2010 has twice the records a day of 2009, so January 2011 is expected to have twice those of 2010:
    # 2010 has 365 + 31 = 396 records in 365 days, 31 days of these 33.6 records; times 2 are 67.3.
    months = every_month(30, m2010_01=62)
    ((records, expected, _),) = [months_of("RAA", study({"RAA": months}))[date(2011, 1, 1)]]
    assert (records, round(expected, 1)) == (31, 67.3)


def test_a_month_that_is_missing_does_not_lower_what_is_expected_afterwards() -> None:
    months = every_month(30, m2010_03=2)
    found = months_of("RAA", study({"RAA": months}, covered=MONTHS[:17]))
    assert found[date(2010, 3, 1)][2] is False
    assert found[date(2010, 4, 1)] == (30, 30.0, True)


def test_within_five_errors_of_counting_a_month_is_as_expected() -> None:
    # 30 expected from 365: the error is sqrt(30 + 30 x 30 / 365) = 5.70, five of them are 28.5.
    for records, verdict in ((2, True), (1, False), (58, True), (59, False)):
        months = every_month(30, m2010_04=records)
        assert months_of("RAA", study({"RAA": months}, covered=MONTHS[:16]))[date(2010, 4, 1)][2] is verdict


def test_large_numbers_are_held_to_five_per_cent() -> None:
    # Put into the table that is counted from records: a million records would say no more.
    counted = study({})
    counted.query("select * from provider_month_records")
    counted.connection.execute("delete from provider_month_records")
    for month in MONTHS[:13]:
        days = ((MONTHS[MONTHS.index(month) + 1]) - month).days
        row = ["outpatients", "hes_op", "RAA", month, 1000 * days, 30000.0, True]
        counted.connection.execute("insert into provider_month_records values (?, ?, ?, ?, ?, ?, ?)", row)
    verdicts = {}
    for records in (29449, 29450, 32550, 32551):  # 31,000 expected; 5 per cent are 1,550, five errors some 920
        counted.connection.execute(
            "update provider_month_records set records = ? where month = date '2010-01-01'", [records]
        )
        counted.connection.execute("drop table if exists provider_month_expectations")
        counted._done.discard("provider_month_expectations")
        verdicts[records] = months_of("RAA", counted)[date(2010, 1, 1)][2]
    assert verdicts == {29449: False, 29450: True, 32550: True, 32551: False}


def test_a_provider_with_one_per_cent_of_the_records_or_less_is_not_judged() -> None:
    # 35 of 35 + 3,465 records are 1 per cent.
    small = dict.fromkeys(MONTHS[:12], 0) | {MONTHS[0]: 35, MONTHS[12]: 1}
    large = dict.fromkeys(MONTHS[:11], 289) | {MONTHS[11]: 286, MONTHS[12]: 289}
    found = study({"RAA": small, "RBB": large}, covered=MONTHS[:13])
    assert months_of("RAA", found)[MONTHS[12]][2] is None
    assert months_of("RBB", found)[MONTHS[12]][2] is True
    found = study({"RAA": small | {MONTHS[1]: 1}, "RBB": large}, covered=MONTHS[:13])
    assert months_of("RAA", found)[MONTHS[12]][2] is not None


def test_data_that_are_complete_support_data_until_and_carry_no_caution() -> None:
    found = study({"RAA": every_month(60), "RBB": every_month(90)})
    assert found.query(ENDS) == [(date(2011, 6, 30), date(2011, 6, 30), 2, 0, False, True, None)]
    assert found.query(
        "select is_data_until_supported, complete_until_date from end_of_data where extract = 'study'"
    ) == [(True, date(2011, 6, 30))]


def test_a_provider_that_is_short_at_the_end_sets_the_end_to_the_month_before() -> None:
    found = study({"RAA": every_month(60), "RBB": every_month(90, m2011_05=20, m2011_06=20)})
    ((until, needed, judged, number, withheld, supported, caution),) = found.query(ENDS)
    assert (until, needed, judged) == (date(2011, 4, 30), date(2011, 6, 30), 2)
    assert (number, withheld, supported) == (None, True, False)
    assert caution == (
        "Known to be complete up to 2011-04-30 only, data are needed up to 2011-06-30: later counts may miss records."
    )


def test_a_short_month_that_was_followed_by_a_complete_one_is_not_the_end() -> None:
    found = study({"RAA": every_month(60), "RBB": every_month(90, m2011_05=20)})
    assert found.query(ENDS)[0][0] == date(2011, 6, 30)


def test_eight_providers_that_are_short_are_told_as_a_number() -> None:
    short = {f"R{letter}{letter}": every_month(60, m2011_06=5) for letter in "ABCDEFGH"}
    assert study(short).query(ENDS)[0][2:5] == (8, 8, False)


def test_months_that_ended_less_than_60_days_before_the_newest_delivery_are_not_settled() -> None:
    counts = {"RAA": every_month(60)}
    on_the_day = study(counts, received="2011-08-29")  # 60 days after 30 June
    assert on_the_day.query(ENDS)[0][0] == date(2011, 6, 30)
    a_day_earlier = study(counts, received="2011-08-28")
    assert a_day_earlier.query(ENDS)[0][:2] == (date(2011, 5, 31), date(2011, 6, 30))
    assert a_day_earlier.query("select settled_until_date from end_of_data where extract = 'study'") == [
        (date(2011, 6, 29),)
    ]


def test_only_months_that_someones_follow_up_needs_are_asked_for() -> None:
    # Index date 1 November 2010, six months of follow-up: the last day is 30 April 2011.
    counts = {"RAA": every_month(60, m2011_05=2, m2011_06=2)}
    found = study(counts, enrolments=[enrolment("2010-11-01")])
    assert found.query(ENDS)[0][:2] == (date(2011, 4, 30), date(2011, 4, 30))
    assert found.query(ENDS)[0][5] is True
    found = study(counts, enrolments=[enrolment("2010-12-01")])
    assert found.query(ENDS)[0][5] is False


def test_the_month_in_which_follow_up_ends_is_asked_for_as_a_whole() -> None:
    # Index date 15 November 2010: the last day is 14 May 2011, and two weeks of a short May count.
    found = study({"RAA": every_month(60, m2011_05=2, m2011_06=2)}, enrolments=[enrolment("2010-11-15")])
    assert found.query(ENDS)[0][:3] == (date(2011, 4, 30), date(2011, 5, 14), 1)
    assert found.query(ENDS)[0][5] is False


def test_a_month_in_which_the_data_end_early_is_not_asked_for() -> None:
    counts = {"RAA": every_month(60, m2011_06=2)}
    found = study(counts, enrolments=[enrolment("2011-01-01")], design={"data_until": "2011-06-10"})
    assert found.query(ENDS)[0][:2] == (date(2011, 5, 31), date(2011, 6, 10))
    assert found.query(ENDS)[0][5] is True


def test_months_that_were_never_delivered_are_not_complete() -> None:
    assert study({"RAA": every_month(60)}, covered=MONTHS[:28]).query(ENDS)[0][:6] == (
        date(2011, 4, 30), date(2011, 6, 30), 0, 0, False, False
    )  # fmt: skip


def test_without_twelve_earlier_months_nothing_is_judged_and_the_row_says_so() -> None:
    ((until, *_, supported, caution),) = study({"RAA": every_month(60)}, covered=MONTHS[-12:]).query(ENDS)
    assert (until, supported) == (None, None)
    assert "could not be judged" in caution
