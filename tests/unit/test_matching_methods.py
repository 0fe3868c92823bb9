"""How a protocol's method of matching reaches the pairs, and which numbers Mahalanobis distance is taken in."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.matching import Settings, compare, mahalanobis_pairs
from evaluation.matching.distances import key_columns
from evaluation.matching.methods import pairs_by_method
from evaluation.matching.pool import with_draws

SITES = pl.DataFrame(schema={"population": pl.String, "site_id": pl.String})
COVARIATES = ("emergency_admissions_12_months", "sex", "age_at_index", "charlson_score")
SETTINGS = Settings(exact=("sex",), covariates=COVARIATES, ratio=2, seed=3)
METHODS = (
    SETTINGS,
    replace(SETTINGS, with_replacement=True),
    replace(SETTINGS, method="mahalanobis"),
    replace(SETTINGS, method="mahalanobis", with_replacement=True),
    replace(SETTINGS, method="optimal"),
    replace(SETTINGS, method="prognostic", prognostic_score="predictive_risk_visits"),
    replace(SETTINGS, method="prognostic", prognostic_score="predictive_risk_visits", with_replacement=True),
)
BY_RISK = Settings(exact=("sex",), method="prognostic", prognostic_score="predictive_risk_visits", ratio=1)


def cohort(cases: int = 60, others: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    number = cases + others
    is_case = np.arange(number) < cases
    return pl.DataFrame(
        {
            "person_id": [f"p{one:04d}" for one in rng.permutation(number)],
            "is_treated": is_case,
            "site_id": ["north" if case else None for case in is_case],
            "pool": [None if case else "outside" for case in is_case],
            "index_date": pl.Series([None] * number, dtype=pl.Date),
            "index_month": 1,
            "age_band": "70-74",
            "sex": rng.choice(["1", "2"], number),
            "emergency_admissions_12_months": rng.poisson(np.where(is_case, 1.2, 0.6)),
            "age_at_index": rng.integers(65, 90, number),
            "charlson_score": rng.poisson(1.0, number),
            "predictive_risk_visits": rng.normal(0, 1, number).round(1),
        }
    )


def designed(people: pl.DataFrame, settings: Settings):
    return compare(people, site_populations=SITES, settings=settings)


@pytest.mark.parametrize("settings", METHODS, ids=lambda one: f"{one.method} {one.with_replacement}")
def test_the_order_of_rows_changes_no_pairs_of_any_method(settings):
    people = cohort()
    once = designed(people, settings)
    again = designed(people.sample(fraction=1, shuffle=True, seed=4), settings)
    assert once.pairs.equals(again.pairs)
    assert once.pairs.height > 60
    assert once.designs.select("matching_method", "with_replacement").row(0) == (
        settings.method,
        settings.with_replacement,
    )


def test_the_definition_of_the_caliper_that_the_protocol_names_is_the_one_that_is_used():
    people = cohort()
    pooled, everyone = (
        designed(people, replace(SETTINGS, caliper_definition=definition)) for definition in ("pooled", "everyone")
    )
    assert pooled.designs["caliper"][0] != everyone.designs["caliper"][0]
    assert everyone.pairs["distance"].max() <= everyone.designs["caliper"][0]


def test_keys_are_the_first_eight_numbers_as_they_enter_models_that_add_something():
    people = pl.DataFrame(
        {
            "is_treated": [True, True, False, False, False],
            "emergency_admissions_12_months": [0, 3, 1, 0, 2],
            "sex": ["1", "2", "1", "2", "1"],
            "emergency_admissions_24_months": [0, 3, 1, 0, 2],
            "is_in_hospital": [True, True, False, False, False],
            "age_at_index": [70, None, 80, 75, 75],
        }
    )
    found = key_columns(people, people.columns[1:])
    assert found.columns == ["key emergency_admissions_12_months", "key age_at_index"]
    np.testing.assert_allclose(found.to_series(0), np.log1p([0, 3, 1, 0, 2]))
    assert found.to_series(1).to_list() == [70, 75, 80, 75, 75]
    numbers = ("index_day", "charlson_score", "hospital_frailty_score", "long_term_conditions", "diagnoses_24_months")
    many = (*numbers, "episodes_24_months", "elixhauser_score", "age_at_index", "emergency_bed_days_12_months")
    rng = np.random.default_rng(1)
    wide = pl.DataFrame({"is_treated": rng.random(50) < 0.5} | {name: rng.poisson(4, 50) for name in many})
    assert key_columns(wide, many).columns == [f"key {name}" for name in many[:8]]


def test_mahalanobis_pairs_of_a_design_are_those_in_its_keys_within_the_caliper_of_the_score():
    people = with_draws(cohort(), seed=3).with_columns(score=pl.col("charlson_score") / 10)
    asked = {"score": "score", "exact": ["sex"], "caliper": 0.1}
    found = pairs_by_method(people, covariates=COVARIATES, settings=replace(SETTINGS, method="mahalanobis"), **asked)
    keys = key_columns(people, COVARIATES)
    by_hand = mahalanobis_pairs(
        people.hstack(keys), covariates=keys.columns, ratio=2, seed=3, tie_breaker="draw", **asked
    )
    assert found.equals(by_hand)


def test_without_any_number_to_measure_a_distance_in_the_nearest_in_the_score_are_paired():
    people = with_draws(cohort(), seed=3).with_columns(score=pl.col("age_at_index").cast(pl.Float64))
    asked = {"score": "score", "exact": [], "caliper": 5.0, "covariates": ["sex"]}
    by_distance = pairs_by_method(people, settings=replace(SETTINGS, method="mahalanobis"), **asked)
    assert by_distance.equals(pairs_by_method(people, settings=SETTINGS, **asked))


def test_prognostic_pairs_are_the_nearest_in_the_risk_within_the_caliper_of_the_score():
    people = pl.DataFrame(
        {
            "person_id": ["a", "b", "w", "x", "y", "z"],
            "is_treated": [True, True, False, False, False, False],
            "draw": [1, 2, 3, 4, 5, 6],
            "sex": "1",
            "logit": [1.0, 0.8, 3.0, 1.0, 1.3, 0.6],
            "predictive_risk_visits": [0.0, 5.1, 0.0, 5.0, 0.2, 1.9],
        }
    )
    asked = {"score": "logit", "covariates": [], "exact": ["sex"], "caliper": 0.5}
    by_score = pairs_by_method(people, settings=replace(BY_RISK, method="nearest"), **asked)
    assert by_score.select("case_id", "control_id").rows() == [("a", "x"), ("b", "z")]
    by_risk = pairs_by_method(people, settings=BY_RISK, **asked)
    # w has the very risk of a and is outside the caliper. Squares about the arms' means: 13.005 and 16.0475.
    assert by_risk.select("case_id", "control_id").rows() == [("a", "y"), ("b", "x")]
    spread = ((13.005 + 16.0475) / 4) ** 0.5
    assert by_risk["distance"].to_list() == pytest.approx([0.2 / spread, 0.1 / spread])


@pytest.mark.parametrize(
    ("outcome", "is_said"), [("visits", False), ("elective_admissions", True), ("outpatient_attendances", True)]
)
def test_pairs_by_the_risk_of_planned_care_say_what_that_leaves_to_matched_did(outcome, is_said):
    score = f"predictive_risk_{outcome}"
    settings = replace(METHODS[5], prognostic_score=score)
    found = designed(cohort().rename({"predictive_risk_visits": score}), settings)
    assert ("in a predictive risk that is made of planned care" in found.designs["matching_caution"][0]) == is_said


def test_a_risk_that_is_the_same_for_everybody_leaves_it_to_the_score():
    people = with_draws(cohort(), seed=3).with_columns(score=pl.col("age_at_index").cast(pl.Float64))
    same = people.with_columns(predictive_risk_visits=1.5)
    asked = {"score": "score", "exact": ["sex"], "caliper": 5.0, "covariates": ["age_at_index"]}
    found = pairs_by_method(same, settings=BY_RISK, **asked)
    assert found.equals(pairs_by_method(people, settings=replace(BY_RISK, method="nearest"), **asked))


@pytest.mark.parametrize("seed", range(5))
def test_among_many_who_are_equally_near_the_lowest_draw_is_taken(seed):
    alike, rng = 100, np.random.default_rng(seed)
    order = rng.permutation(alike)
    people = pl.DataFrame(
        {
            "person_id": ["case", "other case", *(f"c{number:03d}" for number in range(alike)), "far"],
            "is_treated": [True, True, *[False] * (alike + 1)],
            "draw": [0, 0, *order.tolist(), 0],
            "sex": ["1", "2", *["1"] * (alike + 1)],
            "logit": 0.0,
            "predictive_risk_visits": [1.0, 2.0, *[1.5] * alike, 9.0],
        }
    )
    asked = {"score": "logit", "covariates": [], "exact": ["sex"], "caliper": 1.0}
    found = pairs_by_method(people, settings=replace(BY_RISK, ratio=3), **asked)
    assert found["control_id"].to_list() == [f"c{np.flatnonzero(order == place).item():03d}" for place in range(3)]
