"""Rates of quarantined, nulled and repaired records: each record is counted once, where it belongs."""

from tests.sql.small_study import SmallStudy, appointment, enrolment, episode, person

BY_ARM = """select extract, arm, site_id, provider_code, period, records, records_quarantined, records_nulled,
    records_repaired from record_quality order by all"""


def quarantined(**columns: object) -> dict:
    known = {"delivery_id": "d1", "extract": "admissions", "rule_id": "impossible_date", "provider_code": "RAA"}
    return known | {"person_id": "p1", "activity_date": "2010-08-01"} | columns


def rows_of(**tables: object) -> list[tuple]:
    people = {"enrolments": [enrolment("2010-07-01")], "population": [person("p1"), person("c1")]}
    # The delivery d1 of admissions counts because it has one accepted record, of a provider that is left out below.
    delivered = {"admissions": [episode("2001-01-01", "2001-01-02", procode3="R00")]}
    rows = SmallStudy(**(people | delivered | tables)).query(BY_ARM)
    return [row for row in rows if row[3] != "R00"]


def test_accepted_records_count_with_what_was_nulled_and_repaired():
    rows = rows_of(
        admissions=[
            episode("2010-08-01", "2010-08-05", nulled_fields="unknown_code:sex"),
            episode("2010-09-01", "2010-09-05", repaired_fields="padded:admimeth"),
        ]
    )
    assert [row[:5] for row in rows] == [("admissions", "pilot", rows[0][2], rows[0][3], "follow_up")]
    assert rows[0][5:] == (2, 0, 1, 1)


def test_rates_are_shares_of_the_records_of_a_row_quarantined_ones_included():
    study = SmallStudy(
        enrolments=[enrolment("2010-07-01")],
        population=[person("p1")],
        admissions=[
            episode("2010-08-01", "2010-08-05", nulled_fields="unknown_code:sex"),
            episode("2010-09-01", "2010-09-05", repaired_fields="padded:admimeth"),
            episode("2010-10-01", "2010-10-05", nulled_fields="unknown_code:sex"),
        ],
        lake_quarantine=[quarantined(record=4)],
    )
    rates = "select records, quarantined_pct, nulled_pct, repaired_pct from record_quality"
    assert study.query(rates) == [(4, 25.0, 50.0, 25.0)]


def test_a_quarantined_record_counts_in_the_period_of_its_date_and_the_arm_of_its_person():
    rows = rows_of(lake_quarantine=[quarantined(record=1, activity_date="2010-06-30")])
    assert [(row[1], row[4], row[6]) for row in rows] == [("pilot", "baseline", 1)]


def test_a_quarantined_record_of_nobody_on_no_date_is_unknown():
    rows = rows_of(lake_quarantine=[quarantined(record=1, person_id=None, activity_date=None, provider_code=None)])
    assert [row[:5] for row in rows] == [("admissions", "unknown", "none", "unknown", "unknown")]


def test_records_long_before_the_baseline_are_outside():
    rows = rows_of(outpatients=[appointment("2009-01-01")])
    assert [(row[0], row[4]) for row in rows] == [("outpatients", "outside")]


def test_duplicates_and_superseded_records_are_not_counted():
    once = episode("2010-08-01", "2010-08-05", epikey="1")
    assert rows_of(admissions=[once, once])[0][5] == 1


def test_people_who_opted_out_are_not_counted():
    rows = rows_of(lake_quarantine=[quarantined(record=1, person_id="c1")], opt_outs=[{"person_id": "c1"}])
    assert rows == []
