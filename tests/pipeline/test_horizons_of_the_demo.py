"""Effects by follow-up horizon: the primary one is that of `metric_estimates`, others count by the same models."""

import shutil
from collections.abc import Iterator

import duckdb
import polars as pl
import pytest

from pipelines.horizons import counts_to_months, follow_up_to_horizons
from pipelines.results import results
from pipelines.warehouse import Warehouse

EFFECT = ("relative_change_pct", "relative_low_pct", "relative_high_pct", "change", "change_low", "change_high")
SHARED = (*EFFECT, "n_pilot", "n_comparator")
YEARS = ("person_years_pilot", "person_years_comparator")


@pytest.fixture(scope="module")
def warehouse(demo_study, tmp_path_factory) -> Iterator[Warehouse]:
    copy = tmp_path_factory.mktemp("horizons") / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        yield opened


@pytest.fixture(scope="module")
def counts(warehouse) -> dict[int, pl.DataFrame]:
    return {months: frame.sort("person_id") for months, frame in counts_to_months(warehouse, [3, 6, 12]).items()}


def compared(warehouse: Warehouse, query: str) -> pl.DataFrame:
    return warehouse.connection.sql(f"{query} order by person_id").pl()


def test_the_primary_horizon_is_the_estimate_of_metric_estimates(published_demo):
    with duckdb.connect(published_demo, read_only=True) as connection:
        found = connection.sql("from estimates_by_horizon where is_primary_horizon").pl()
        same = connection.sql("from metric_estimates where design = 'weighted_cohort'").pl()
    both = found.join(same, on=["metric_id", "population"], suffix="_same")
    assert both.height == found.height > 4 * 10
    assert both["relative_change_pct"].is_not_null().any()
    for name in (*SHARED, *YEARS):
        assert both[name].is_null().equals(both[f"{name}_same"].is_null())
        known = both.drop_nulls(name)
        assert known[name].to_list() == pytest.approx(known[f"{name}_same"].to_list(), rel=1e-9, abs=1e-9)
    assert (both["caution"] == both["caution_same"]).all()
    assert found["is_early"].all()


def test_the_demo_names_horizons_and_each_has_an_estimate_of_every_outcome(demo_study, published_demo):
    assert demo_study.protocol.periods.horizons_months == (3, 6, 12)
    with duckdb.connect(published_demo, read_only=True) as connection:
        found = connection.sql(
            """select horizon_months, is_primary_horizon, is_early, count(*) as outcomes
            from estimates_by_horizon where population = 'all_sites' and relative_low_pct is not null
            group by all order by all"""
        ).fetchall()
    assert found == [(3, False, True, 4), (6, True, True, 4), (12, False, False, 4)]


def test_icp_results_shows_the_horizons_of_the_demo(published_demo, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    page = " ".join(results(published_demo, output_format="table").split())
    assert "Protocol outcomes by length of follow-up: all_sites" in page
    assert "3 months (early) 6 months (primary, early) 12 months" in page


def test_the_models_count_the_same_as_person_periods_where_the_horizon_is_the_follow_up(warehouse, counts):
    names = ", ".join(counts[6].columns)
    same = compared(
        warehouse,
        f"select {names} from use_by_period semi join design_people using (person_id) where period = 'follow_up'",
    )
    assert counts[6].equals(same)


def test_three_months_are_the_first_three_of_person_months(warehouse, counts):
    same = compared(
        warehouse,
        """select person_id, sum(person_days)::bigint as person_days,
            sum(emergency_admissions)::bigint as emergency_admissions
        from person_months semi join design_people using (person_id)
        where month_from_index between 0 and 2 group by person_id""",
    )
    assert counts[3].select(same.columns).equals(same)


def test_twelve_months_are_counted_as_far_as_each_person_is_observed(warehouse, counts):
    same = compared(
        warehouse,
        """with windows as (
            select person_id, index_date, observed_until_date, index_date + interval 12 month as end_date
            from index_dates semi join design_people using (person_id)
        )
        select
            windows.person_id,
            date_diff('day', any_value(index_date), any_value(least(end_date, observed_until_date))) as person_days,
            count(appointment_key) filter (
                where is_attended and appointment_date >= index_date
                and appointment_date < least(end_date, observed_until_date)
            ) as outpatient_attendances
        from windows left join appointments using (person_id) group by windows.person_id""",
    )
    assert counts[12].select(same.columns).equals(same)
    assert counts[12]["person_days"].max() >= 365
    assert (counts[12]["person_days"] < 365).any()  # the data end before


def test_nothing_published_has_a_month_more(warehouse, counts):
    assert counts[12].height
    assert warehouse.connection.sql("select max(month_from_index) from activity_by_month").fetchall() == [(5,)]
    assert warehouse.connection.sql("select max(month_from_index) from index_months").fetchall() == [(5,)]


def test_whether_anybody_was_followed_to_a_horizon_is_known(warehouse, demo_study):
    asked = demo_study.protocol.periods.model_copy(update={"horizons_months": (3, 12, 60)})
    found = follow_up_to_horizons(warehouse, asked)
    assert [(one.months, one.is_primary, one.is_reached) for one in found] == [
        (3, False, True),
        (6, True, True),
        (12, False, True),
        (60, False, False),
    ]
