"""A difference between the arms in what was refused or changed is told, and only then."""

import polars as pl

from evaluation.estimation import record_quality_cautions

COLUMNS = ["extract", "arm", "period", "records", "records_quarantined", "records_nulled", "records_repaired"]


def cautions(*rows: tuple) -> dict:
    return dict(record_quality_cautions(pl.DataFrame(rows, schema=COLUMNS, orient="row")))


def test_a_difference_of_more_than_half_a_point_is_told_without_a_count():
    found = cautions(
        ("admissions", "pilot", "baseline", 1000, 16, 0, 0), ("admissions", "comparison", "baseline", 1000, 10, 0, 0)
    )
    assert found["admissions"] == (
        "Records of admissions before the index date were quarantined more often among pilot people than among "
        "comparison people (by more than 0.5 points).",
    )


def test_half_a_point_exactly_is_tolerated():
    found = cautions(
        ("admissions", "pilot", "baseline", 1000, 15, 0, 0), ("admissions", "comparison", "baseline", 1000, 10, 0, 0)
    )
    assert found["admissions"] == ()


def test_providers_and_sites_are_added_up_before_rates_are_compared():
    found = cautions(
        ("admissions", "pilot", "follow_up", 100, 0, 9, 0),
        ("admissions", "pilot", "follow_up", 900, 0, 1, 0),
        ("admissions", "comparison", "follow_up", 1000, 0, 10, 0),
    )
    assert found["admissions"] == ()


def test_fewer_repairs_among_pilot_people_are_told_too():
    found = cautions(
        ("outpatients", "pilot", "follow_up", 100, 0, 0, 1), ("outpatients", "comparison", "follow_up", 100, 0, 0, 5)
    )
    assert "repaired less often among pilot people" in found["outpatients"][0]


def test_records_outside_the_periods_or_of_one_arm_only_are_not_compared():
    assert not any(
        cautions(
            ("admissions", "pilot", "outside", 100, 50, 0, 0),
            ("admissions", "comparison", "outside", 100, 0, 0, 0),
            ("outpatients", "pilot", "baseline", 100, 50, 0, 0),
        ).values()
    )
