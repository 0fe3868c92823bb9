"""Where early deaths show that groups are not comparable, every table of what was found about them says so."""

import shutil
from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from assets.effects import effect_statements, effects_across_sites, subgroup_interactions
from assets.estimates import estimates_by_horizon, metric_estimates
from assets.sensitivity import robustness, sensitivity_estimates
from pipelines.warehouse import Warehouse

SAID = "Groups not comparable"
AFTER_DEATHS = [
    *(metric_estimates, estimates_by_horizon, sensitivity_estimates, robustness),
    *(effects_across_sites, effect_statements, subgroup_interactions),
]


@pytest.fixture(scope="module")
def warehouse(demo_study, tmp_path_factory) -> Iterator[Warehouse]:
    """The demo, had more of the pilot's died early than of weighted people: of everyone, of one site, of one age."""
    copy = tmp_path_factory.mktemp("deaths") / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        opened.connection.execute("update mortality_ratios set mortality_ratio_low = null, mortality_ratio_high = null")
        opened.connection.execute(
            """update mortality_ratios set mortality_ratio_low = 1.2, mortality_ratio_high = 2
            where design = 'weighted_cohort' and observed_window = 'first_90_days'
                and (population in ('all_sites', 'subgroup:age=75_and_over') or population = (
                    select min(population) from mortality_ratios where population like 'site:%'))"""
        )
        resources = {"warehouse": opened, "study": demo_study}
        assert dg.materialize(AFTER_DEATHS, resources=resources).success
        yield opened


def said(warehouse: Warehouse, table: str, *, where: str = "true") -> list[bool]:
    found = warehouse.connection.sql(f"select contains(caution, '{SAID}') as said from {table} where {where}").pl()
    assert found.height > 0
    return found["said"].unique().to_list()


@pytest.mark.parametrize("table", ["estimates_by_horizon", "effect_statements"])
def test_estimates_of_the_people_concerned_say_it_and_of_others_do_not(warehouse, table):
    of = "design = 'weighted_cohort'"
    assert said(warehouse, table, where=f"population = 'all_sites' and {of}") == [True]
    assert said(warehouse, table, where=f"population = 'case_management' and {of}") == [False]


@pytest.mark.parametrize("table", ["sensitivity_estimates", "robustness"])
def test_sensitivity_and_verdict_say_it_on_every_row(warehouse, table):
    assert said(warehouse, table) == [True]


def test_the_plan_has_the_caution_of_the_default_word_for_word(warehouse):
    query = """select distinct plan.caution = estimates.caution as same from sensitivity_estimates as plan
        inner join metric_estimates as estimates using (metric_id, population, design)
        where plan.analysis = 'as_planned'"""
    assert warehouse.connection.sql(query).pl()["same"].to_list() == [True]


def test_the_site_concerned_says_it_and_the_mean_across_sites_says_it_of_everyone(warehouse):
    first = warehouse.connection.sql("select min(site_id) from site_effects").fetchall()[0][0]
    assert said(warehouse, "site_effects", where=f"site_id = '{first}'") == [True]
    assert said(warehouse, "site_effects", where=f"site_id <> '{first}'") == [False]
    assert said(warehouse, "site_pooling") == [True]


def test_a_test_between_subgroups_names_the_value_concerned(warehouse):
    rows = warehouse.read("subgroup_interactions")
    of_age = rows.filter(pl.col("subgroup") == "age")["caution"].to_list()
    assert of_age
    assert all(one.endswith(f"{SAID}, by deaths within 90 days of the index date, in: 75_and_over.") for one in of_age)
    assert said(warehouse, "subgroup_interactions", where="subgroup <> 'age'") == [False]
    assert said(warehouse, "metric_estimates", where="population = 'subgroup:age=75_and_over'") == [True]
