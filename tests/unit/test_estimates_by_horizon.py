"""Rows of `estimates_by_horizon` by hand: the same weights at every horizon, and what nobody reached."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.estimation import (
    ComparedPeople,
    ComparedPopulation,
    Horizon,
    Metric,
    controlled_estimates,
    estimates_by_horizon,
)

ADMISSIONS = Metric(
    metric_id="admissions", label="Admissions", domain="utilisation", unit="per person-year", priority="primary"
)
IDS = pl.Series([f"p{number:02d}" for number in range(40)])
PEOPLE = ComparedPeople(person_id=IDS, is_treated=np.arange(40) < 20, weights=np.ones(40), covariates=np.zeros((40, 0)))
COMPARED = ComparedPopulation(
    population="all_sites",
    pilot_people=20,
    weighted=PEOPLE,
    matched=None,
    weighting_caution="Weights are odd.",
    matching_caution="",
)


def counts(of_cases: int, days: int) -> pl.DataFrame:
    """12 of 20 cases had `of_cases` admissions each, 12 of 20 others two."""
    admissions = [of_cases] * 12 + [0] * 8 + [2] * 12 + [0] * 8
    return pl.DataFrame({"person_id": IDS, "person_days": days, "admissions": admissions})


BEFORE = counts(1, 540).with_columns(admissions=pl.Series(([0] * 8 + [1] * 12) + ([0] * 8 + [2] * 12)))


def horizon(months: int, of_cases: int, *, is_primary: bool = False, is_reached: bool = True) -> Horizon:
    return Horizon(months=months, is_primary=is_primary, is_reached=is_reached, follow_up=counts(of_cases, 30 * months))


def rows(*horizons: Horizon, compared: ComparedPopulation = COMPARED) -> list[dict]:
    found = estimates_by_horizon(
        iter([compared]),
        horizons=horizons,
        earlier=BEFORE,
        metrics=[ADMISSIONS],
        protocol_hash="hash",
        run_id="run",
    )
    return found.rows(named=True)


def test_each_horizon_has_its_own_effect_and_one_is_primary():
    three, six, twelve = rows(horizon(3, 2), horizon(6, 1, is_primary=True), horizon(12, 4))
    assert [row["horizon_months"] for row in (three, six, twelve)] == [3, 6, 12]
    changes = [row["relative_change_pct"] for row in (three, six, twelve)]
    assert changes == pytest.approx([0, -50, 100], abs=1e-9)
    assert [row["is_primary_horizon"] for row in (three, six, twelve)] == [False, True, False]
    assert six["person_years_pilot"] == pytest.approx(20 * 180 / 365.25)


def test_the_absolute_change_is_per_person_year_up_to_the_horizon():
    three, twelve = rows(horizon(3, 1), horizon(12, 4, is_primary=True))
    # 12 of 20 people, one against two each in 90 days: 12 x (1 - 2) / (20 x 90 / 365.25); four against two in 360
    assert three["change"] == pytest.approx(-12 / (20 * 90 / 365.25))
    assert twelve["change"] == pytest.approx(24 / (20 * 360 / 365.25))
    assert three["change_low"] < three["change"] < three["change_high"]


def test_the_change_since_before_stands_beside_it_up_to_the_same_horizon():
    pairs = replace(PEOPLE, set_ids=np.tile(np.arange(20), 2))
    both = replace(COMPARED, matched=pairs)
    three, six = rows(horizon(3, 2), horizon(6, 8, is_primary=True), compared=both)
    # before, cases had one each and others two: half as many; after, as many (a ratio of 2) and four times as many (8)
    assert [row["matched_did_change_pct"] for row in (three, six)] == pytest.approx([100, 700], rel=1e-6)
    assert [row["relative_change_pct"] for row in (three, six)] == pytest.approx([0, 300], rel=1e-6, abs=1e-6)
    (same,) = (
        row
        for row in controlled_estimates(
            [both],
            follow_up=counts(8, 180),
            earlier=BEFORE,
            metrics=[ADMISSIONS],
            follow_up_months=6,
            protocol_hash="hash",
            run_id="run",
        ).rows(named=True)
        if row["design"] == "matched_did"
    )
    assert [six[f"matched_did_{part}_pct"] for part in ("change", "low", "high")] == [
        same[f"relative_{part}_pct"] for part in ("change", "low", "high")
    ]
    inside = six["matched_did_low_pct"] <= 300 <= six["matched_did_high_pct"]
    assert six["designs_agree"] == (inside and six["relative_low_pct"] <= 700 <= six["relative_high_pct"])
    assert len(rows(horizon(3, 2), compared=both)) == 1


def test_without_pairs_there_is_no_second_design_beside_it():
    (row,) = rows(horizon(6, 1, is_primary=True))
    assert [row[name] for name in ("matched_did_change_pct", "matched_did_low_pct", "designs_agree")] == [None] * 3


def test_below_twelve_months_a_result_is_early_and_says_so():
    eleven, twelve = rows(horizon(11, 1), horizon(12, 1, is_primary=True))
    assert (eleven["is_early"], twelve["is_early"]) == (True, False)
    assert "an early result" in eleven["caution"]
    assert "an early result" not in twelve["caution"]


def test_a_horizon_that_nobody_reached_has_no_estimate_and_says_why():
    (row,) = rows(horizon(24, 1, is_reached=False))
    assert row["relative_change_pct"] is row["relative_low_pct"] is row["relative_high_pct"] is None
    assert row["matched_did_change_pct"] is row["designs_agree"] is None
    assert row["change"] is row["change_low"] is row["change_high"] is None
    assert row["caution"].startswith("No estimate: the data end before anybody's 24 months are over. Compared")
    assert row["person_years_pilot"] == pytest.approx(20 * 720 / 365.25)


def test_the_row_is_that_of_the_controlled_estimates():
    (row,) = rows(horizon(6, 1, is_primary=True))
    frame = counts(1, 180)
    same = controlled_estimates(
        [COMPARED],
        follow_up=frame,
        earlier=frame,
        metrics=[ADMISSIONS],
        follow_up_months=6,
        protocol_hash="hash",
        run_id="run",
    ).row(0, named=True)
    shared = row.keys() & same.keys()
    assert {name: row[name] for name in shared} == {name: same[name] for name in shared}


def test_subgroups_have_no_horizons_and_nobody_compared_says_why():
    subgroup = ComparedPopulation(
        population="subgroup:age=75-84",
        pilot_people=20,
        weighted=PEOPLE,
        matched=None,
        weighting_caution="",
        matching_caution="",
        is_subgroup=True,
    )
    assert rows(horizon(6, 1), compared=subgroup) == []
    nobody = ComparedPopulation(
        population="site:a", pilot_people=5, weighted=None, matched=None, weighting_caution="Few.", matching_caution=""
    )
    (row,) = rows(horizon(6, 1), compared=nobody)
    assert (row["relative_change_pct"], row["n_pilot"], row["person_years_pilot"]) == (None, 0, None)
    assert "Few." in row["caution"]
