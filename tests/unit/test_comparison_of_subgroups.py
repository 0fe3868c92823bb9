"""Subgroups as populations of a design: weights of their own, no pairs, and nothing changed for the others."""

import polars as pl
import pytest

from evaluation.matching import with_subgroups
from tests.compared_cohort import cohort, designed, row_of


def with_parts(people: pl.DataFrame) -> pl.DataFrame:
    """People with subgroups; two cases in the fifth quintile, nobody's ethnic group or frailty known."""
    quintile = pl.when("is_treated").then(pl.int_range(pl.len()) % 2 + 1).otherwise(pl.int_range(pl.len()) % 5 + 1)
    rare = people.with_columns(imd_quintile=pl.when(pl.int_range(pl.len()) < 2).then(5).otherwise(quintile))
    unknown = {"ethnic_group": pl.lit(None, dtype=pl.String), "hospital_frailty_score": pl.lit(None, dtype=pl.Float64)}
    return with_subgroups(rare.with_columns(**unknown))


def test_each_known_value_of_a_subgroup_is_a_population_with_weights_of_people_of_that_value():
    people = with_parts(cohort(cases=240))
    found = designed(people)
    parts = [name for name in found.designs["population"] if name.startswith("subgroup:")]
    ages, quintiles = ["75_and_over", "under_75"], [1, 2, 5]
    assert parts == [*(f"subgroup:age={age}" for age in ages), *(f"subgroup:deprivation={n}" for n in quintiles)]
    weighted = found.weights.filter(pl.col("population") == "subgroup:deprivation=1").join(people, on="person_id")
    assert weighted["imd_quintile"].unique().to_list() == [1]
    cases = people.filter("is_treated", pl.col("imd_quintile") == 1)
    assert weighted["weight"].sum() == pytest.approx(cases.height)
    mean_age = (weighted["weight"] * weighted["age_at_index"]).sum() / weighted["weight"].sum()
    assert mean_age == pytest.approx(cases["age_at_index"].mean())


def test_a_subgroup_is_called_exploratory_and_has_no_pairs():
    row = row_of(designed(with_parts(cohort(cases=240))), "subgroup:age=under_75")
    assert row["has_weights"]
    assert row["pilot_people_matched"] == 0
    assert "exploratory" in row["weighting_caution"]
    assert "by weights alone" in row["matching_caution"]


def test_a_subgroup_too_small_has_no_weights_and_says_why():
    row = row_of(designed(with_parts(cohort(cases=240))), "subgroup:deprivation=5")
    assert (row["has_weights"], row["pilot_people"]) == (False, 2)
    assert "Too few pilot people" in row["weighting_caution"]


def test_subgroups_change_nothing_for_other_populations():
    people = with_parts(cohort())
    plain, parted = designed(cohort()), designed(people)
    assert parted.designs.filter(~pl.col("population").str.starts_with("subgroup:")).equals(plain.designs)
    assert parted.pairs.equals(plain.pairs)


@pytest.mark.parametrize(
    ("age", "frailty", "expected"),
    [
        (74, 4.9, ("under_75", "low")),
        (75, 5.0, ("75_and_over", "intermediate")),
        (90, 15.0, ("75_and_over", "intermediate")),
        (None, 15.1, (None, "high")),
        (80, None, ("75_and_over", None)),
    ],
)
def test_limits_of_the_subgroups(age, frailty, expected):
    types = {"age_at_index": pl.Int64, "imd_quintile": pl.Int8, "ethnic_group": pl.String}
    row = pl.DataFrame(
        [(age, 3, "white", frailty)], schema=types | {"hospital_frailty_score": pl.Float64}, orient="row"
    )
    found = with_subgroups(row).row(0, named=True)
    assert (found["subgroup_age"], found["subgroup_frailty"]) == expected
    assert (found["subgroup_deprivation"], found["subgroup_ethnic_group"]) == ("3", "white")
