"""Area designs in a whole run: rows beside the others, recounted from the published tables."""

import duckdb
import polars as pl
import pytest

DESIGNS = {
    ("its", "segmented_poisson_with_comparison"),
    ("area_did", "group_time_never_treated"),
    ("area_did", "group_time_not_yet_treated"),
    ("area_did", "imputation"),
    ("synthetic_control", "simplex_weights"),
}


@pytest.fixture(scope="module")
def published(published_demo) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def rows(published) -> pl.DataFrame:
    return published.sql("from metric_estimates where estimand = 'att_residents'").pl()


def test_every_rate_has_the_five_rows_of_all_sites_and_none_is_the_default(rows, published):
    rates = published.sql("select distinct metric_id from metric_estimates where unit like '%person-year%'").pl()
    by_metric = rows.group_by("metric_id").agg(pl.struct("design", "estimator").alias("designs"))
    assert set(by_metric["metric_id"]) == set(rates["metric_id"])
    for designs in by_metric["designs"]:
        assert {(one["design"], one["estimator"]) for one in designs} == DESIGNS
    assert rows["population"].unique().to_list() == ["all_sites"]
    assert not rows["is_default"].any()
    assert rows["p_adjusted"].null_count() == rows.height


def test_an_estimate_has_its_interval_and_whatever_is_null_its_reason(rows):
    for row in rows.iter_rows(named=True):
        if row["change"] is None:
            assert "No estimate: " in row["caution"]
        elif row["design"] == "synthetic_control":
            assert row["change_low"] is None
            assert "No interval" in row["caution"]
        else:
            assert row["change_low"] < row["change"] < row["change_high"]
            relative = row["relative_low_pct"], row["relative_change_pct"], row["relative_high_pct"]
            assert relative[0] is not None or "No interval of the relative change" in row["caution"]
            assert relative[0] is None or relative[0] < relative[1] < relative[2]
            assert (row["cluster_level"], row["n_clusters"]) == ("area", 40)
    assert rows.filter(metric_id="emergency_admissions")["change"].null_count() == 0


def test_levels_of_pilot_areas_can_be_rebuilt_from_area_months(rows, published):
    before, after = published.sql(
        """select
            365.25 * sum(emergency_admissions) filter (where months between -12 and -1)
            / sum(person_days) filter (where months between -12 and -1),
            365.25 * sum(emergency_admissions) filter (where months >= 0) / sum(person_days) filter (where months >= 0)
        from (
            select *, date_diff('month', go_live_date, month_start_date) as months
            from area_months where unit_level = 'area' and unit_role = 'pilot'
        )"""
    ).fetchone()
    row = rows.filter(metric_id="emergency_admissions", estimator="imputation").row(0, named=True)
    assert row["pilot_baseline"] == pytest.approx(before)
    # Areas count by their mean person-years, not by each month's.
    assert row["pilot_follow_up"] == pytest.approx(after, rel=0.01)
    assert row["change"] == pytest.approx(row["pilot_follow_up"] - row["comparator_follow_up"])


def test_areas_hold_everyone_with_an_area_and_pilot_areas_their_enrolled_people(published, demo_study):
    roles = dict(
        published.sql(
            "select unit_role, count(distinct unit_code) from area_months where unit_level = 'area' group by 1"
        ).fetchall()
    )
    assert roles == {"pilot": demo_study.sites["area"].n_unique(), "comparison": 24}
    everyone, enrolled = published.sql(
        """select sum(person_days), sum(enrolled_person_days) from area_months
        where unit_level = 'area' and month_start_date between '2010-04-01' and '2011-05-31'"""
    ).fetchone()
    counted = published.sql(
        """select sum(greatest(date_diff('day', greatest(index_date, observed_from_date, date '2010-04-01'),
        least(observed_until_date, date '2011-06-01')), 0)) from people where is_pilot"""
    ).fetchone()
    assert enrolled == counted[0]
    assert 0.02 < enrolled / everyone < 0.06  # one person in 21 joins


def test_both_levels_of_area_months_count_the_same_admissions(published):
    columns = "unit_level, sum(emergency_admissions), sum(ae_attendances), sum(person_days)"
    sums = published.sql(f"select {columns} from area_months group by unit_level").fetchall()
    assert len(sums) == 2
    assert sums[0][1:] == sums[1][1:]


def test_the_event_study_shows_leads_flat_months_and_what_came_after(published):
    study = published.sql(
        "from area_event_study where metric_id = 'emergency_admissions' order by estimator, event_month"
    ).pl()
    did = study.filter(estimator="group_time_never_treated")
    assert set(did["month_role"]) == {"before", "flat_by_construction", "after"}
    base = did.filter(month_role="flat_by_construction")
    assert base["event_month"].to_list() == list(range(-12, 0))
    assert base["change"].mean() == pytest.approx(0, abs=1e-12)
    assert did.filter(event_month=0)["n_pilot_areas"].to_list() == [16]
    assert study.filter(estimator="imputation")["event_month"].min() == 0
    gaps = study.filter(pl.col("estimator") == "simplex_weights", pl.col("event_month") >= 0)["change"]
    row = published.sql(
        "from metric_estimates where metric_id = 'emergency_admissions' and design = 'synthetic_control'"
    ).pl()
    assert gaps.mean() == pytest.approx(row["change"][0])


def test_the_weights_of_a_mix_add_up_and_are_of_comparison_areas(published):
    weights = published.sql(
        """select metric_id, sum(weight) as total, min(weight) as least, count(*) as areas
        from synthetic_control_weights inner join (select distinct unit_code from area_months
        where unit_level = 'area' and unit_role = 'comparison') as areas on area = unit_code group by 1"""
    ).pl()
    assert weights["total"].to_list() == pytest.approx([1.0] * weights.height)
    assert weights["least"].min() >= 0
    assert weights["areas"].unique().to_list() == [24]


def test_bounds_begin_at_the_estimate_and_widen_with_the_differences_in_trend_that_are_allowed(published, rows):
    bounds = published.sql("from area_trend_bounds order by metric_id, estimator, relative_magnitude").pl()
    assert bounds.height == 2 * 5 * rows["metric_id"].n_unique()
    parallel = bounds.filter(relative_magnitude=0.0).join(rows, on=["metric_id", "estimator"])
    for name in ("change", "change_low", "change_high"):
        assert parallel[name].to_list() == pytest.approx(parallel[f"{name}_right"].to_list(), nan_ok=True)
    for _, one in bounds.group_by("metric_id", "estimator"):
        assert one["relative_magnitude"].to_list() == [0, 0.5, 1, 1.5, 2]
        assert (one["change_high"] - one["change_low"]).is_sorted()
        assert one["change_low"].null_count() == 0 or one["caution"].str.contains("No estimate: ").all()
    admissions = bounds.filter(metric_id="emergency_admissions")
    assert admissions["change_low"].null_count() == 0
    assert admissions["changes_before"].unique().to_list() == [1]  # the first area went live after two years of records


def test_the_largest_change_before_can_be_rebuilt_from_the_months(published):
    by_hand = published.sql(
        """select
            abs(
                avg(change) filter (where event_month between -12 and -1)
                - avg(change) filter (where event_month between -24 and -13)
            )
        from area_event_study
        where metric_id = 'emergency_admissions' and estimator = 'group_time_never_treated'"""
    ).fetchone()
    stated = published.sql(
        """select any_value(largest_change_before) from area_trend_bounds
        where metric_id = 'emergency_admissions' and estimator = 'group_time_never_treated'"""
    ).fetchone()
    assert stated[0] == pytest.approx(by_hand[0])
