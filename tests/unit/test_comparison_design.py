"""The design stage: pool, order of covariates, exact strata, weights and pairs; no outcome anywhere."""

import numpy as np
import polars as pl
import pytest

from evaluation.matching import Settings, affordable_terms, compare, pool
from evaluation.matching.covariates import terms_of
from evaluation.matching.pool import sampled_pool

SITES = pl.DataFrame({"population": ["site:north", "site:south"], "site_id": ["north", "south"]})
COVARIATES = ("emergency_admissions_12_months", "age_at_index", "sex", "outpatient_attendances_12_months")
SETTINGS = Settings(exact=("pool", "sex", "is_in_hospital"), covariates=COVARIATES, ratio=2, seed=3)


def cohort(*, cases: int = 120, others: int = 2000, seed: int = 1) -> pl.DataFrame:
    """Cases are older and were admitted more often; half of them at either site."""
    rng = np.random.default_rng(seed)
    people = cases + others
    is_case = np.arange(people) < cases
    return pl.DataFrame(
        {
            "person_id": [f"p{number:05d}" for number in rng.permutation(people)],
            "is_treated": is_case,
            "site_id": [("north", "south")[number % 2] if case else None for number, case in enumerate(is_case)],
            "pool": [None if case else "outside" for case in is_case],
            "sex": rng.choice(["1", "2"], people),
            "age_band": "70-74",
            "index_date": pl.Series([None] * people, dtype=pl.Date),
            "index_month": 1,
            "is_in_hospital": rng.random(people) < 0.02,
            "emergency_admissions_12_months": rng.poisson(np.where(is_case, 1.2, 0.5)),
            "outpatient_attendances_12_months": rng.poisson(2.0, people),
            "age_at_index": rng.integers(60, 90, people) + np.where(is_case, 2, 0),
        }
    )


def designed(people: pl.DataFrame, settings: Settings = SETTINGS):
    return compare(people, site_populations=SITES, settings=settings)


def row_of(found, population: str = "all_sites") -> dict:
    return found.designs.filter(pl.col("population") == population).row(0, named=True)


def test_weighted_people_have_the_cases_means_of_covariates_squares_and_interactions():
    found = designed(cohort())
    after = found.balance.filter(pl.col("stage") == "after_weighting", pl.col("population") == "all_sites")
    names = set(after["covariate"])
    assert {"log1p(emergency_admissions_12_months)^2", "log1p(emergency_admissions_12_months) x age_at_index"} <= names
    assert after["standardised_mean_difference"].abs().max() < 1e-6
    before = found.balance.filter(pl.col("stage") == "before", pl.col("population") == "all_sites")
    assert before["standardised_mean_difference"].abs().max() > 0.4
    assert before["comparison_people"].to_list() == [2000] * before.height


def test_each_population_has_weights_that_sum_to_its_own_cases():
    sums = designed(cohort()).weights.group_by("population").agg(pl.col("weight").sum()).sort("population")
    assert sums["population"].to_list() == ["all_sites", "site:north", "site:south"]
    assert sums["weight"].to_list() == pytest.approx([120, 60, 60])


def test_pairs_are_equal_in_the_exact_columns_and_within_the_caliper():
    people = cohort()
    found = designed(people)
    columns = people.select("person_id", "sex", "is_in_hospital")
    pairs = found.pairs.join(columns, left_on="case_id", right_on="person_id").join(
        columns, left_on="control_id", right_on="person_id", suffix="_control"
    )
    assert (pairs["sex"] == pairs["sex_control"]).all()
    assert (pairs["is_in_hospital"] == pairs["is_in_hospital_control"]).all()
    assert pairs["distance"].max() <= row_of(found)["caliper"]
    assert pairs["match_number"].max() == 2
    assert row_of(found)["exact"] == "sex, is_in_hospital"
    assert pairs["control_id"].n_unique() == pairs.height


def test_row_order_changes_nothing():
    people = cohort()
    once, again = designed(people), designed(people.sample(fraction=1, shuffle=True, seed=8))
    assert once.pairs.equals(again.pairs)
    assert once.designs.equals(again.designs)
    assert once.weights["person_id"].equals(again.weights["person_id"])
    np.testing.assert_allclose(once.weights["weight"], again.weights["weight"], rtol=1e-9)


def test_exact_matching_that_leaves_over_a_tenth_without_an_equal_is_given_up_in_a_fixed_order():
    month = pl.when(pl.col("is_treated") == (pl.col("sex") == "1")).then(1).otherwise(2)
    people = cohort().with_columns(index_month=month)
    found = designed(people, Settings(exact=("sex", "index_month"), covariates=COVARIATES))
    assert row_of(found)["exact"] == "sex"
    assert "not matched exactly on index_month" in row_of(found)["matching_caution"]


def test_with_fewer_than_twenty_cases_nobody_is_weighted_or_matched_and_it_says_why():
    found = designed(cohort(cases=19))
    assert (found.weights.height, found.pairs.height) == (0, 0)
    assert found.designs["has_weights"].to_list() == [False] * 3
    assert all("Too few pilot people" in caution for caution in found.designs["weighting_caution"])


def test_with_nobody_to_compare_with_tables_are_empty_and_it_says_so():
    found = designed(cohort(others=0))
    assert (found.weights.height, found.pairs.height, found.balance.height) == (0, 0, 0)
    assert row_of(found)["weighting_caution"] == "There is nobody to compare with."


def test_few_cases_keep_the_first_covariates_and_the_rest_is_named():
    found = designed(cohort(cases=20))
    assert row_of(found)["weighted_covariates"] == "emergency_admissions_12_months, age_at_index"
    assert "Too few people to make alike: sex, outpatient_attendances_12_months." in row_of(found)["weighting_caution"]


def test_where_no_weights_reach_the_cases_later_covariates_are_left_out():
    people = cohort().with_columns(
        pl.when("is_treated").then(50).otherwise("outpatient_attendances_12_months")
        .alias("outpatient_attendances_12_months")
    )  # fmt: skip
    found = designed(people)
    assert row_of(found)["weighted_covariates"] == "emergency_admissions_12_months, age_at_index, sex"
    assert "outpatient_attendances_12_months" in row_of(found)["weighting_caution"]


def test_a_covariate_known_of_nobody_is_left_out_for_everybody_with_a_caution():
    people = cohort().with_columns(outpatient_attendances_12_months=pl.lit(None, dtype=pl.Int64))
    caution = row_of(designed(people))["weighting_caution"]
    assert "Not known of anybody, so not made alike: outpatient_attendances_12_months." in caution


def test_a_covariate_unknown_of_some_is_balanced_with_an_indicator():
    people = cohort().with_columns(pl.when(pl.int_range(pl.len()) % 7 > 0).then("age_at_index").alias("age_at_index"))
    after = designed(people).balance.filter(pl.col("stage") == "after_weighting", pl.col("population") == "all_sites")
    row = after.filter(pl.col("covariate") == "age_at_index=unknown").row(0, named=True)
    assert row["comparison_mean"] == pytest.approx(row["pilot_mean"], abs=1e-6)
    assert row["pilot_mean"] > 0.1


def test_people_from_the_pilots_own_areas_come_with_a_caution():
    people = cohort().with_columns(pl.col("pool").str.replace("outside", "local"))
    row = row_of(designed(people))
    assert row["pool"] == "local"
    assert "could have joined and did not" in row["weighting_caution"]
    assert "could have joined and did not" in row["matching_caution"]


def test_columns_are_counted_in_the_order_of_the_covariates():
    people = cohort()
    assert affordable_terms(people, COVARIATES, most_columns=4) == terms_of(COVARIATES[:2], interactions=False)
    assert affordable_terms(people, COVARIATES, most_columns=3) == terms_of(COVARIATES[:1])
    assert affordable_terms(people, COVARIATES, most_columns=99) == terms_of(COVARIATES)
    assert affordable_terms(people, COVARIATES, most_columns=7).interactions == ()


def test_of_very_many_a_sample_is_drawn_whose_people_do_not_depend_on_row_order(monkeypatch):
    monkeypatch.setattr(pool, "FEWEST_SAMPLED", 10)
    monkeypatch.setattr(pool, "MOST_PER_CASE", 3)
    people = pool.with_draws(cohort(cases=4, others=50), seed=1)
    cases, others = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    drawn = sampled_pool(others, cases)
    assert drawn.height == 12
    assert set(drawn["person_id"]) == set(sampled_pool(others.reverse(), cases)["person_id"])


def test_only_people_of_the_cases_sexes_age_bands_and_months_are_in_the_sample():
    people = pool.with_draws(cohort(cases=4, others=50), seed=1)
    cases = people.filter("is_treated").with_columns(sex=pl.lit("2"))
    others = people.filter(~pl.col("is_treated"))
    assert sampled_pool(others, cases)["sex"].unique().to_list() == ["2"]
    assert sampled_pool(others.with_columns(index_month=pl.lit(2)), cases).is_empty()
