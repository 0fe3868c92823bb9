"""A difference between the arms in what was refused or changed is told, and only then."""

import polars as pl

from evaluation.estimation import record_quality_cautions, with_site_quality_cautions

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


SITES = ["extract", "arm", "site_id", "period", "records", "records_quarantined", "records_nulled", "records_repaired"]
OTHERS = ("admissions", "comparison", "none", "follow_up", 1000, 10, 0, 0)
SAID = (
    "Records of admissions after the index date were quarantined more often among this site's pilot people than among "
    "comparison people (by more than 0.5 points)."
)


def site_caution(*rows: tuple, population: str = "site:S1", metric: str = "emergency_admissions") -> str:
    estimates = pl.DataFrame({"population": [population], "metric_id": [metric], "caution": ["Said before."]})
    quality = pl.DataFrame(rows, schema=SITES, orient="row")
    extracts = {"emergency_admissions": ["admissions"], "outpatient_attendances": ["outpatients"]}
    return with_site_quality_cautions(estimates, quality, extracts=extracts)["caution"].item()


def test_a_site_whose_records_are_worse_says_so_on_its_own_results_only():
    quality = [
        ("admissions", "pilot", "S1", "follow_up", 400, 20, 0, 0),
        ("admissions", "pilot", "S2", "follow_up", 4000, 24, 0, 0),
        OTHERS,
    ]
    assert site_caution(*quality) == f"Said before. {SAID}"
    assert site_caution(*quality, population="site:S2") == "Said before."
    assert site_caution(*quality, population="all_sites") == "Said before."
    assert site_caution(*quality, metric="outpatient_attendances") == "Said before."
    assert cautions(*[(row[0], row[1], *row[3:]) for row in quality])["admissions"] == ()


def test_providers_of_a_site_are_added_up_before_its_rate_is_compared():
    assert (
        site_caution(
            ("admissions", "pilot", "S1", "follow_up", 100, 4, 0, 0),
            ("admissions", "pilot", "S1", "follow_up", 900, 5, 0, 0),
            OTHERS,
        )
        == "Said before."
    )


def test_a_difference_of_fewer_than_eight_of_the_sites_records_is_not_told():
    # 1% is what comparison people have: 9 of 100 are 8 records more, 8 of 100 are 7 more.
    assert site_caution(("admissions", "pilot", "S1", "follow_up", 100, 8, 0, 0), OTHERS) == "Said before."
    assert site_caution(("admissions", "pilot", "S1", "follow_up", 100, 9, 0, 0), OTHERS) == f"Said before. {SAID}"


def test_without_sites_or_comparison_people_nothing_is_added():
    assert site_caution(OTHERS) == "Said before."
    assert site_caution(("admissions", "pilot", "S1", "follow_up", 100, 50, 0, 0)) == "Said before."
