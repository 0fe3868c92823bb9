"""What comes out of a clean demo study equals what the simulator knows to be true."""

import duckdb
import polars as pl
import pytest

from pipelines.study import Study
from tests.demo_truth import assert_person_periods_are_true, true_person_periods

DAYS_PER_YEAR = 365.25


@pytest.fixture(scope="module")
def published(published_demo) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def truth(demo_study: Study) -> pl.DataFrame:
    return true_person_periods(demo_study)


def test_person_periods_equal_the_truth_for_every_person_and_column(demo_study):
    assert_person_periods_are_true(demo_study)


def test_the_truth_is_not_trivial(truth):
    for column in truth.columns[6:]:
        assert truth[column].sum() > 0, f"{column} never happens in the demo"
    assert truth.filter("is_pilot").height == 400


def test_published_levels_and_uncontrolled_changes_equal_those_computed_from_the_truth(published, truth):
    estimates = published.sql(
        "from metric_estimates where design = 'uncontrolled' and population = 'all_sites' and unit like '%person-year%'"
    ).pl()
    assert estimates.height >= 12
    for estimate in estimates.iter_rows(named=True):
        before, after = (_rate(truth, estimate["metric_id"], period) for period in ("baseline", "follow_up"))
        assert estimate["pilot_baseline"] == pytest.approx(before, rel=1e-9), estimate["metric_id"]
        assert estimate["pilot_follow_up"] == pytest.approx(after, rel=1e-9), estimate["metric_id"]
        if before and after:
            assert estimate["change"] == pytest.approx(after - before, rel=1e-9, abs=1e-12)
            assert estimate["relative_change_pct"] == pytest.approx(100 * (after / before - 1), rel=1e-9)
        else:
            assert estimate["relative_change_pct"] is None


def test_published_levels_by_site_equal_those_computed_from_the_truth(published, truth):
    estimates = published.sql(
        """from metric_estimates
        where design = 'uncontrolled' and population like 'site:%' and metric_id = 'emergency_admissions'"""
    ).pl()
    assert estimates.height == truth.filter("is_pilot")["site_id"].n_unique() == 16
    for estimate in estimates.iter_rows(named=True):
        site = truth.filter(pl.col("site_id") == estimate["population"].removeprefix("site:"))
        assert estimate["pilot_baseline"] == pytest.approx(_rate(site, "emergency_admissions", "baseline"), rel=1e-9)


def test_the_unmatched_comparison_is_the_difference_of_the_two_arms_changes(published, truth):
    estimate = (
        published.sql(
            """from metric_estimates where design = 'unmatched_did' and population = 'all_sites'
        and metric_id = 'outpatient_attendances'"""
        )
        .pl()
        .row(0, named=True)
    )
    rates = {
        (arm, period): _rate(truth.filter(pl.col("is_pilot") == arm), "outpatient_attendances", period, pilot=arm)
        for arm in (True, False)
        for period in ("baseline", "follow_up")
    }
    changes = {arm: rates[arm, "follow_up"] - rates[arm, "baseline"] for arm in (True, False)}
    ratios = {arm: rates[arm, "follow_up"] / rates[arm, "baseline"] for arm in (True, False)}
    assert estimate["change"] == pytest.approx(changes[True] - changes[False], rel=1e-9)
    assert estimate["relative_change_pct"] == pytest.approx(100 * (ratios[True] / ratios[False] - 1), rel=1e-9)


def _rate(periods: pl.DataFrame, metric: str, period: str, *, pilot: bool = True) -> float:
    rows = periods.filter((pl.col("is_pilot") == pilot) & (pl.col("period") == period))
    return rows[metric].sum() / (rows["person_days"].sum() / DAYS_PER_YEAR)


def test_the_demo_raises_no_alarm_about_spell_rules_or_key_fields(published):
    found = published.execute(
        """select contract_id, rule_id, status from data_quality
        where rule_id in ('continuous_spells_agree', 'provider_month_filled') order by all"""
    ).fetchall()
    assert ("hes_apc", "continuous_spells_agree", "pass") in found
    assert {rule_id for _, rule_id, _ in found} == {"continuous_spells_agree", "provider_month_filled"}
    assert not {status for *_, status in found} & {"fail", "error"}
