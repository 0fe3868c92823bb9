"""Deaths, use until death and use by month in the demo study's published file, beside sums made there anew."""

import math
import shutil

import duckdb
import polars as pl
import pytest

from pipelines.metrics import activity_metrics
from pipelines.over_time import months_of_compared, use_after_index
from pipelines.warehouse import Warehouse

LIMITS = {
    "relative_change_pct": ("relative_low_pct", "relative_high_pct"),
    "change_a_year_pct": ("change_a_year_low_pct", "change_a_year_high_pct"),
}
TABLES = ("mortality_ratios", "mean_cumulative_counts", "days_alive_out_of_hospital", "event_study", "lead_tests")
ADMISSIONS = "emergency_admissions"


@pytest.fixture(scope="module")
def published(published_demo) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


def one(published: duckdb.DuckDBPyConnection, query: str) -> dict:
    return published.sql(query).pl().row(0, named=True)


@pytest.mark.parametrize("table", TABLES)
def test_deaths_are_of_every_population_and_the_rest_not_of_models_and_subgroups_with_a_caution_on_each_row(
    published, table
):
    rows = published.sql(f"select population, caution from {table}").pl()
    kinds = rows["population"].str.split(":").list.first().unique()
    assert {"all_sites", "case_management"} <= set(kinds)
    assert ({"model", "subgroup"} <= set(kinds)) == (table == "mortality_ratios")
    assert (rows["caution"].str.len_chars() > 0).all()


def test_pilot_deaths_in_the_first_90_days_are_those_of_people(published):
    row = one(
        published,
        """from mortality_ratios where population = 'all_sites' and design = 'weighted_cohort'
        and observed_window = 'first_90_days'""",
    )
    seen = one(
        published,
        """select count(*) filter (date_of_death < index_date + 90 and date_of_death < observed_until_date) as deaths,
        sum(least(observed_until_date - index_date, 90)) / 365.25 as years
        from people where is_pilot and observed_until_date > index_date""",
    )
    assert row["person_years_pilot"] == pytest.approx(seen["years"])
    assert row["pilot_rate"] == pytest.approx(seen["deaths"] / seen["years"])


def test_every_controlled_estimate_has_a_row_of_early_deaths_of_the_same_people(published):
    missing = published.sql(
        """from metric_estimates as estimates
        anti join (from mortality_ratios where observed_window = 'first_90_days') as ratios
            on ratios.population = estimates.population
            and ratios.design = replace(estimates.design, 'matched_did', 'matched_cohort')
        where estimates.design in ('weighted_cohort', 'matched_cohort', 'matched_did')"""
    )
    assert missing.fetchall() == []


def test_a_ratio_without_enough_deaths_has_no_interval_and_no_verdict(published):
    rows = published.sql("from mortality_ratios where mortality_ratio_low is null").pl()
    assert rows.height > 0
    assert not rows["caution"].str.contains("Groups not comparable").any()


def test_the_caution_on_early_deaths_stands_on_exactly_the_controlled_estimates_that_call_for_it(published):
    rows = published.sql(
        """select contains(estimates.caution, 'Groups not comparable') as is_said,
            coalesce(ratios.mortality_ratio_low > 1 or ratios.mortality_ratio_high < 1, false) as is_called_for
        from metric_estimates as estimates left join mortality_ratios as ratios
            on ratios.population = estimates.population and ratios.observed_window = 'first_90_days'
            and ratios.design = replace(estimates.design, 'matched_did', 'matched_cohort')"""
    ).pl()
    assert rows["is_said"].equals(rows["is_called_for"].rename("is_said"))


def test_where_few_leave_early_the_pilots_cumulative_count_is_near_its_plain_mean(published):
    row = one(
        published,
        f"""from mean_cumulative_counts where population = 'all_sites' and metric_id = '{ADMISSIONS}'
        and is_end_of_follow_up""",
    )
    query = f"select avg({ADMISSIONS}) as mean from person_periods where is_pilot and period = 'follow_up'"
    mean = one(published, query)
    # 182 days against up to 184, and a few who leave
    assert row["pilot"] == pytest.approx(mean["mean"], rel=0.06)
    assert row["pilot_low"] < row["pilot"] < row["pilot_high"]
    assert row["difference"] == pytest.approx(row["pilot"] - row["comparator"])


def test_cumulative_counts_never_fall(published):
    rows = published.sql(
        "from mean_cumulative_counts where pilot is not null order by population, metric_id, month"
    ).pl()
    for part in rows.partition_by("population", "metric_id"):
        for arm in ("pilot", "comparator"):
            assert (part[arm].diff().drop_nulls() >= 0).all()


def test_days_alive_are_made_of_days_in_and_out_of_hospital(published):
    rows = published.sql("from days_alive_out_of_hospital where pilot is not null").pl()
    assert rows.height >= 6
    for part in rows.partition_by("population"):
        days = {row["measure"]: row for row in part.iter_rows(named=True)}
        for arm in ("pilot", "comparator", "difference"):
            inside, alive = days["days_in_hospital"][arm], days["days_alive"][arm]
            assert days["days_alive_out_of_hospital"][arm] == pytest.approx(alive - inside)
        assert 170 < days["days_alive"]["pilot"] <= days["days_alive"]["days_from_index"] == 182


@pytest.mark.parametrize("month", [-24, -1, 0, 5])
def test_rates_of_a_month_are_weighted_sums_over_person_months(published, month):
    row = one(
        published,
        f"""from event_study where population = 'all_sites' and metric_id = '{ADMISSIONS}'
        and month_from_index = {month}""",
    )
    seen = one(
        published,
        f"""with weights as (
            select person_id, 1.0 as weight from people where is_pilot
            union all select person_id, weight from comparison_weights where population = 'all_sites')
        select
            365.25 * sum(weight * {ADMISSIONS}) filter (is_pilot)
            / sum(weight * person_days) filter (is_pilot) as pilot,
            365.25 * sum(weight * {ADMISSIONS}) filter (not is_pilot)
            / sum(weight * person_days) filter (not is_pilot) as comparator
        from person_months inner join weights using (person_id)
        where month_from_index = {month} and {ADMISSIONS} is not null""",
    )
    assert (row["pilot_rate"], row["comparator_rate"]) == pytest.approx((seen["pilot"], seen["comparator"]))
    assert row["log_rate_ratio"] == pytest.approx(math.log(seen["pilot"] / seen["comparator"]))


def test_every_month_has_its_role_and_emergency_admissions_none_held_out(published):
    roles = published.sql(
        f"""select month_from_index, role, is_used_for_matching from event_study
        where population = 'all_sites' and metric_id = '{ADMISSIONS}' order by 1"""
    ).pl()
    assert roles["month_from_index"].to_list() == list(range(-24, 6))
    assert roles["role"].to_list() == ["used_for_matching"] * 18 + ["crisis_window"] * 6 + ["follow_up"] * 6
    assert roles.filter(pl.col("month_from_index") < 0)["is_used_for_matching"].all()
    tests = published.sql(f"from lead_tests where population = 'all_sites' and metric_id = '{ADMISSIONS}'").pl()
    assert set(tests["design"]) == {"weighted_cohort", "matched_did"}
    assert tests.select("months_held_out", "p_value").rows() == [(0, None)] * 2


def test_no_month_that_was_used_is_tested(published):
    rows = published.sql(
        """select tests.months_tested, tests.months_held_out, coalesce(held_out.months, 0) as held_out
        from lead_tests as tests left join (
            select population, metric_id, count(*) as months from event_study
            where role = 'held_out' and not is_used_for_matching group by all
        ) as held_out using (population, metric_id)
        where tests.months_held_out is not null and tests.design = 'weighted_cohort'"""
    ).pl()
    assert rows["months_held_out"].equals(rows["held_out"].rename("months_held_out"))
    assert (rows["months_tested"] <= rows["months_held_out"]).all()


@pytest.mark.parametrize(("column", "later"), [("relative_change_pct", (-18, -13)), ("change_a_year_pct", (-12, -7))])
def test_the_change_that_pairs_show_before_anybody_was_treated_is_that_of_their_months(published, column, later):
    test = one(
        published,
        """from lead_tests where population = 'all_sites' and metric_id = 'outpatient_attendances'
        and design = 'matched_did'""",
    )
    assert (test["months_held_out"], test["months_tested"], test["degrees_of_freedom"]) == (18, 12, 1)
    seen = one(
        published,
        f"""with rows as (
            select distinct pilot_person_id as person_id, 1.0 as weight, true as is_pilot from matched_pairs
            union all select comparison_person_id, weight, false from matched_pairs
        ),
        halves as (
            select person_id, is_pilot, month_from_index > -19 as is_later,
                sum(outpatient_attendances) as attendances, sum(person_days) as days
            from person_months
            where month_from_index between -24 and -19 or month_from_index between {later[0]} and {later[1]}
            group by all
        ),
        seen_in_both as (
            select person_id from halves group by person_id having min(days) > 0 and count(attendances) = 2
        ),
        rates as (
            select is_pilot, is_later, sum(weight * attendances) / sum(weight * days) as rate
            from rows inner join halves using (person_id, is_pilot) semi join seen_in_both using (person_id)
            group by all
        )
        select
            any_value(rate) filter (is_pilot and is_later) / any_value(rate) filter (is_pilot and not is_later)
            / any_value(rate) filter (not is_pilot and is_later)
            * any_value(rate) filter (not is_pilot and not is_later) as ratio
        from rates""",
    )
    assert test[column] == pytest.approx(100 * (seen["ratio"] - 1))
    low, high = (test[name] for name in LIMITS[column])
    assert low < test[column] < high


def test_a_change_before_anybody_was_treated_stands_as_a_caution_on_the_design_that_finds_it_alone(published):
    rows = published.sql(
        """select contains(estimates.caution, 'the groups were on different courses') as is_said,
            coalesce(tests.relative_low_pct > 0 or tests.relative_high_pct < 0, false) as is_called_for
        from metric_estimates as estimates left join lead_tests as tests
            on tests.population = estimates.population and tests.metric_id = estimates.metric_id
            and tests.design = estimates.design and estimates.design = 'matched_did'"""
    ).pl()
    assert rows["is_said"].equals(rows["is_called_for"].rename("is_said"))


def test_a_site_too_small_for_weights_has_rows_that_say_so_and_no_months(published):
    counts = published.sql("from mean_cumulative_counts where population like 'site:%' and pilot is null").pl()
    assert counts.height > 0
    assert counts["caution"].str.contains("Too few pilot people").all()
    months = published.sql("select distinct population from event_study").pl()["population"]
    assert not set(counts["population"]) & set(months)


def test_whatever_count_a_protocol_names_is_read_by_day_and_by_month_as_it_is_counted_by_period(demo_study, tmp_path):
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    counted = [metric.metric_id for metric in activity_metrics(demo_study) if metric.domain == "utilisation"]
    assert len(counted) > 10
    with Warehouse(copy) as warehouse:
        use, months = use_after_index(warehouse, counted), months_of_compared(warehouse, counted)
        sums = ", ".join(f"sum({name})" for name in counted)
        (of_periods,) = warehouse.connection.execute(
            f"select {sums} from person_periods semi join design_people using (person_id) where period = 'follow_up'"
        ).fetchall()
        days = warehouse.connection.sql(
            "select person_id, cast(index_date + interval 6 month as date) - index_date as days from people"
        ).pl()
    within = use.by_day.join(days, on="person_id").filter(pl.col("day_from_index") < pl.col("days"))
    assert [within[name].sum() for name in counted] == [int(number) for number in of_periods]
    after = months.months >= 0
    assert [int(months.counts[name][:, after].sum()) for name in counted] == [int(number) for number in of_periods]
    assert use.known.columns == ["person_id", *counted]
