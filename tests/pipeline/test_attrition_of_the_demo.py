"""The steps of `attrition` lead to the very numbers of people that the design and the estimates stand on."""

import duckdb
import polars as pl
import pytest

KNOWN = {
    "emergency_admissions": "admissions known",
    "outpatient_attendances": "outpatient attendances known",
    "ae_attendances": "A&E attendances known",
}


@pytest.fixture(scope="module")
def tables(published_demo) -> dict[str, pl.DataFrame]:
    with duckdb.connect(published_demo, read_only=True) as evaluation:
        return {
            name: evaluation.sql(f"from {name}").pl()
            for name in ("attrition", "comparison_designs", "metric_estimates")
        }


def people(attrition: pl.DataFrame, *, arm: str, population: str, design: str, step: str) -> int:
    found = attrition.filter(
        pl.col("arm") == arm, pl.col("population") == population, pl.col("design") == design, pl.col("step") == step
    )
    return int(found["people"].item())


def test_every_step_is_the_one_before_less_who_was_lost(tables):
    steps = tables["attrition"]
    keys = ("arm", "population", "step_number")
    before = steps.select(*keys, "people", of="design").rename(
        {"step_number": "previous_step_number", "people": "were"}
    )
    joined = steps.join(before, on=("arm", "population", "previous_step_number"), how="left").filter(
        pl.col("of").is_null() | pl.col("of").is_in(["all"]) | (pl.col("of") == pl.col("design"))
    )
    assert joined.height == steps.height
    assert joined.filter(pl.col("previous_step_number").is_null())["step_number"].unique().to_list() == [1]
    known = joined.drop_nulls("previous_step_number")
    assert (known["were"] - known["people_lost"] == known["people"]).all()
    assert (steps["people_lost"] >= 0).all()


def test_the_steps_that_all_designs_share_end_at_the_people_who_may_be_compared(tables):
    designs = tables["comparison_designs"].filter(
        (pl.col("population") == "all_sites") | pl.col("population").str.starts_with("site:")
    )
    for design in designs.iter_rows(named=True):
        one = {"population": design["population"], "design": "all"}
        pilot = people(tables["attrition"], arm="pilot", step="index date within the data", **one)
        assert pilot == design["pilot_people"]
    others = people(
        tables["attrition"], arm="comparison", population="all_sites", design="all", step="of the pool that is compared"
    )
    assert others == designs.filter(pl.col("population") == "all_sites")["comparison_people"].item()


def test_pairs_are_those_of_the_design(tables):
    for design in tables["comparison_designs"].iter_rows(named=True):
        if design["population"] == "all_sites" or design["population"].startswith("site:"):
            one = {"arm": "pilot", "population": design["population"], "design": "matched_cohort"}
            matched = people(tables["attrition"], step="matched within the caliper", **one)
            assert matched == design["pilot_people_matched"]


@pytest.mark.parametrize("design", ["weighted_cohort", "matched_cohort"])
@pytest.mark.parametrize("metric", KNOWN)
def test_the_last_step_is_the_number_of_people_of_the_estimate(tables, design, metric):
    estimates = tables["metric_estimates"].filter(
        pl.col("design") == design,
        pl.col("metric_id") == metric,
        pl.col("change").is_not_null(),
        (pl.col("population") == "all_sites") | pl.col("population").str.starts_with("site:"),
    )
    assert "all_sites" in estimates["population"]
    for row in estimates.iter_rows(named=True):
        one = {"population": row["population"], "design": design, "step": KNOWN[metric]}
        assert people(tables["attrition"], arm="pilot", **one) == row["n_pilot"]
        if row["population"] == "all_sites":
            assert people(tables["attrition"], arm="comparison", **one) == row["n_comparator"]
