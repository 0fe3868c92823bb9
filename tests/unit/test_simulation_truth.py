"""The simulator's own count of each person's hospital use, on lives made by hand."""

from datetime import date

import polars as pl
import pytest

from evaluation.simulation.admissions import admissions
from evaluation.simulation.calendar import NEVER, epoch_day, financial_years, shift_month
from evaluation.simulation.conditions import CONDITIONS
from evaluation.simulation.truth import comparison_index_days, person_period_counts, windows

LAST_DAY = epoch_day(date(2010, 12, 31))
PRICES = {
    "emergency_spell": 1000.0,
    "elective_spell": 500.0,
    "elective_day_case": 200.0,
    "outpatient_attendance": 10.0,
    "ae_attendance": 1.0,
    "hrg:DZ11A": 7.0,
}
PERSON = {
    "person": 0,
    "person_id": "p0",
    "is_pilot": True,
    "site_id": "s1",
    "index_day": epoch_day(date(2010, 1, 1)),
    "dob": epoch_day(date(1940, 1, 1)),
    "death": NEVER,
    "reg_start": epoch_day(date(1990, 1, 1)),
    "reg_end": NEVER,
}
SPELL = {
    "person": 0,
    "kind": "emergency",
    "hrg": "EB01Z",
    "is_day_case": False,
    "is_chemotherapy": False,
    "is_cancer": False,
    "is_sensitive": False,
    "is_death": False,
    "is_readmission": False,
}
SPELLS = {**dict.fromkeys(SPELL, pl.Boolean), "person": pl.Int64, "kind": pl.String, "hrg": pl.String}


def day(text: str) -> int:
    return epoch_day(date.fromisoformat(text))


def spell(start: str, end: str | None, **fields: object) -> dict[str, object]:
    return {**SPELL, "start": day(start), "end": None if end is None else day(end), **fields}


def follow_up(*, person=None, spells=(), appointments=(), attendances=(), prices=None, period="follow_up") -> dict:
    """The row of one person, index date 1 January 2010, three months either side."""
    window = windows(pl.DataFrame([{**PERSON, **(person or {})}]), period, months=3, last_day=LAST_DAY)
    rows = person_period_counts(
        window,
        admissions=pl.DataFrame(list(spells), schema={**SPELLS, "start": pl.Int64, "end": pl.Int64}),
        appointments=pl.DataFrame(
            [(0, day(on), attended, firstatt) for on, attended, firstatt in appointments],
            schema={"person": pl.Int64, "day": pl.Int64, "attended": pl.String, "firstatt": pl.String},
            orient="row",
        ),
        attendances=pl.DataFrame(
            [(0, day(on), category) for on, category in attendances],
            schema={"person": pl.Int64, "day": pl.Int64, "category": pl.String},
            orient="row",
        ),
        prices=PRICES if prices is None else prices,
    )
    return rows.row(0, named=True)


def test_an_event_counts_from_the_index_date_to_the_day_before_the_window_ends():
    spells = [spell(on, on) for on in ("2009-12-31", "2010-01-01", "2010-03-31", "2010-04-01")]
    assert follow_up(spells=spells)["emergency_admissions"] == 2
    assert follow_up(spells=spells, period="baseline")["emergency_admissions"] == 1


def test_zero_nights_and_one_night_or_more_are_told_apart_and_an_open_stay_is_neither():
    row = follow_up(
        spells=[spell("2010-01-05", "2010-01-05"), spell("2010-01-10", "2010-01-11"), spell("2010-03-30", None)]
    )
    assert row["emergency_admissions"] == 3
    assert row["emergency_admissions_zero_night"] == 1
    assert row["emergency_admissions_overnight"] == 1
    assert row["emergency_bed_days"] == 1


def test_bed_days_are_clipped_to_the_window_and_belong_to_the_kind_of_admission():
    row = follow_up(
        spells=[
            spell("2009-12-25", "2010-01-03"),
            spell("2010-03-28", "2010-04-20", kind="elective"),
            spell("2010-02-01", "2010-02-09", kind="transfer"),
        ]
    )
    assert (row["emergency_bed_days"], row["elective_bed_days"]) == (2, 4)
    assert (row["emergency_admissions"], row["elective_admissions"]) == (0, 1)


def test_regular_attendances_and_chemotherapy_stand_apart():
    row = follow_up(
        spells=[
            spell("2010-01-05", "2010-01-05", kind="regular"),
            spell("2010-01-06", "2010-01-06", kind="elective", is_day_case=True, is_chemotherapy=True),
            spell("2010-01-07", "2010-01-08", kind="elective"),
        ]
    )
    assert row["regular_attendances"] == 1
    assert row["elective_admissions"] == 2
    assert row["elective_admissions_excluding_chemotherapy"] == 1
    assert row["cost_gbp"] == 700


def test_appointments_count_when_attended_and_administrative_events_never():
    row = follow_up(
        appointments=[
            ("2010-01-04", "5", "1"),
            ("2010-01-05", "6", "3"),
            ("2010-01-06", "5", "5"),
            ("2010-01-07", "3", "2"),
            ("2010-01-08", "7", ""),
            ("2010-01-11", "2", "1"),
            ("2010-01-12", "5", ""),
        ]
    )
    assert row["outpatient_attendances"] == 3
    assert row["outpatient_tele_attendances"] == 1
    assert row["outpatient_did_not_attend"] == 2
    assert row["cost_gbp"] == 30


def test_planned_follow_ups_in_a_and_e_are_not_counted():
    row = follow_up(attendances=[("2010-01-04", "1"), ("2010-01-05", "2"), ("2010-01-06", "3"), ("2010-01-07", "")])
    assert row["ae_attendances"] == 3
    assert row["cost_gbp"] == 3


def test_a_stay_costs_its_groups_price_or_else_the_flat_price_and_other_stays_nothing():
    priced = [
        spell("2010-01-05", "2010-01-06", hrg="DZ11A"),
        spell("2010-01-10", "2010-01-11"),
        spell("2010-01-20", "2010-01-21", kind="maternity"),
    ]
    assert follow_up(spells=priced)["cost_gbp"] == 1007


def test_the_cost_is_unknown_without_prices_and_where_something_that_happened_has_none():
    stay = [spell("2010-01-10", "2010-01-11")]
    assert follow_up(spells=stay, prices={})["cost_gbp"] is None
    assert follow_up(spells=stay, prices={"ae_attendance": 1.0})["cost_gbp"] is None
    assert follow_up(prices={"ae_attendance": 1.0})["cost_gbp"] == 0


@pytest.mark.parametrize(
    ("person", "days", "died"),
    [
        ({}, 90, False),
        ({"death": day("2010-01-10")}, 10, True),
        ({"death": day("2010-04-01")}, 90, False),
        ({"reg_end": day("2010-01-31")}, 31, False),
        ({"reg_end": day("2009-12-31")}, 0, False),
        ({"reg_end": day("2009-12-01")}, 0, False),
        ({"reg_start": day("2010-03-22")}, 10, False),
        ({"reg_end": day("2010-01-10"), "death": day("2010-02-01")}, 10, True),
    ],
)
def test_days_are_observed_from_registration_to_death_or_departure(person, days, died):
    row = follow_up(person=person)
    assert (row["person_days"], row["died"]) == (days, died)


def test_days_end_with_the_data():
    assert follow_up(person={"index_day": day("2010-12-01")})["person_days"] == 31


def test_what_happens_on_days_that_are_not_observed_is_not_counted():
    row = follow_up(
        person={"reg_end": day("2010-01-10")},
        spells=[spell("2010-01-08", "2010-01-20"), spell("2010-01-25", "2010-01-26")],
        appointments=[("2010-01-10", "5", "1"), ("2010-01-11", "5", "1")],
    )
    assert row["emergency_admissions"] == 1
    assert row["emergency_bed_days"] == 3
    assert row["outpatient_attendances"] == 1


def test_months_clip_to_the_end_of_the_month_and_years_run_from_april():
    assert shift_month(day("2010-08-31"), -6) == day("2010-02-28")
    assert shift_month(day("2012-08-31"), -6) == day("2012-02-29")
    assert shift_month(day("2010-10-31"), 1) == day("2010-11-30")
    years = financial_years(day("2009-05-01"), day("2011-06-30"))
    assert [(year.fyear, year.partyear) for year in years] == [
        ("0910", "200999"),
        ("1011", "201099"),
        ("1112", "201106"),
    ]
    assert (years[0].first_day, years[2].last_day) == (day("2009-04-01"), day("2011-06-30"))


def test_comparison_index_dates_follow_the_hash_of_seed_and_person():
    # First 15 hexadecimal digits of md5 of "20090401:p1", "20090401:p2", "20090401:p3", from another program.
    digits = ("8b201893d382a42", "40787879f7b85a6", "aafb45076547cb2")
    expected = [(10, 20, 30, 40, 50, 60, 70)[int(digit, 16) % 7] for digit in digits]
    days = comparison_index_days(["p1", "p2", "p3"], pilot_index_days=[10, 20, 30, 40, 50, 60, 70], seed=20090401)
    assert days == expected


PEOPLE = pl.DataFrame({"person": [0], "has_cancer": [False], "has_copd": [True]})


def stays_and_spells(*stays: tuple[str, str, list[tuple[int, str, str]]], is_death: bool = False):
    """Latent stays (kind, diagnosis, parts of number, start and end) as the simulator holds them."""
    codes = [condition.diagnosis for condition in CONDITIONS]
    stay_rows = [
        {"stay": number, "person": 0, "kind": kind, "condition": codes.index(code), "is_day_case": False}
        for number, (kind, code, _) in enumerate(stays)
    ]
    spell_rows = [
        {"stay": number, "person": 0, "part": part, "start": day(start), "end": day(end), "is_death": is_death}
        for number, (_, _, parts) in enumerate(stays)
        for part, start, end in parts
    ]
    return pl.DataFrame(stay_rows), pl.DataFrame(spell_rows)


def continuous(*stays: tuple[str, str, list[tuple[int, str, str]]], is_death: bool = False) -> list[dict]:
    stay_rows, spell_rows = stays_and_spells(*stays, is_death=is_death)
    return admissions(stay_rows, spell_rows, PEOPLE, last_day=LAST_DAY).rows(named=True)


def test_transfers_are_one_admission_from_the_first_to_the_last_hospital_and_a_late_return_is_another_stay():
    stay = ("emergency", "R55X", [(1, "2010-01-01", "2010-01-03"), (2, "2010-01-05", "2010-01-09")])
    late = ("emergency", "R55X", [(1, "2010-03-01", "2010-03-02"), (4, "2010-03-05", "2010-03-06")])
    rows = continuous(stay, late)
    assert [(row["kind"], row["start"], row["end"]) for row in rows] == [
        ("emergency", day("2010-01-01"), day("2010-01-09")),
        ("emergency", day("2010-03-01"), day("2010-03-02")),
        ("transfer", day("2010-03-05"), day("2010-03-06")),
    ]


def test_a_stay_that_goes_on_after_the_data_has_no_known_end_and_a_part_that_starts_later_is_not_seen():
    going_on, seen = continuous(
        ("emergency", "R55X", [(1, "2010-11-01", "2010-11-02"), (2, "2010-11-03", "2011-01-05")]),
        ("emergency", "R55X", [(1, "2010-12-20", "2010-12-31"), (2, "2011-01-01", "2011-01-05")]),
    )
    assert going_on["end"] is None
    assert seen["end"] == day("2010-12-31")


@pytest.mark.parametrize(
    ("earlier", "start", "is_death", "expected"),
    [
        (("emergency", "R55X"), "2010-02-09", False, True),
        (("emergency", "R55X"), "2010-02-10", False, False),
        (("elective", "M169"), "2010-01-20", False, True),
        (("transfer", "R55X"), "2010-01-20", False, True),
        (("maternity", "O800"), "2010-01-20", False, False),
        (("regular", "N185"), "2010-01-20", False, False),
        (("emergency", "C349"), "2010-01-20", False, False),
        (("emergency", "R55X"), "2010-01-20", True, False),
    ],
)
def test_a_readmission_is_0_to_29_days_after_an_ordinary_discharge(earlier, start, is_death, expected):
    kind, code = earlier
    first = (kind, code, [(1, "2010-01-05", "2010-01-11")])
    second = ("emergency", "R55X", [(1, start, start)])
    _, row = continuous(first, second, is_death=is_death)
    assert row["is_readmission"] is expected


def test_any_earlier_discharge_can_make_a_readmission_not_only_the_last_one():
    rows = continuous(
        ("emergency", "R55X", [(1, "2010-01-05", "2010-01-11")]),
        ("emergency", "C349", [(1, "2010-01-15", "2010-01-16")]),
        ("emergency", "R55X", [(1, "2010-01-20", "2010-01-21")]),
    )
    assert [row["is_readmission"] for row in rows] == [False, False, True]


def test_acute_bronchitis_is_ambulatory_care_sensitive_only_beside_copd():
    stay_rows, spell_rows = stays_and_spells(("emergency", "J209", [(1, "2010-01-05", "2010-01-06")]))
    for has_copd in (True, False):
        people = PEOPLE.with_columns(has_copd=pl.lit(has_copd))
        assert admissions(stay_rows, spell_rows, people, last_day=LAST_DAY)["is_sensitive"].to_list() == [has_copd]
