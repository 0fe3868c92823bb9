"""Propensity and prognostic scores agree with statsmodels' GLM; separation is found where it has no estimate."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.matching import (
    MatchingError,
    SeparationError,
    Terms,
    design_matrix,
    propensity_scores,
)
from evaluation.matching.draws import folds
from evaluation.matching.prognostic import coefficients_by_fold
from evaluation.matching.terms import covariate_columns

PEOPLE = 1_500
TERMS = Terms(
    counts=("admissions",),
    squared=("age",),
    categories=("sex", "deprivation"),
    interactions=(("admissions", "age"),),
)


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    rng = np.random.default_rng(20090401)
    admissions, age = rng.poisson(rng.gamma(0.7, 1.5, PEOPLE)), rng.normal(75, 8, PEOPLE)
    treated = rng.random(PEOPLE) < 1 / (1 + np.exp(2 - 0.8 * np.log1p(admissions) - 0.03 * (age - 75)))
    years = rng.choice([0.0, 0.5, 1.0], PEOPLE, p=[0.05, 0.15, 0.8])
    return pl.DataFrame(
        {
            "person_id": [f"p{number:04d}" for number in range(PEOPLE)],
            "is_treated": treated,
            "admissions": admissions,
            "age": age,
            "sex": rng.choice(["1", "2"], PEOPLE),
            "deprivation": rng.choice(["1", "2", "3", "4", "5"], PEOPLE),
            "events": rng.poisson(np.exp(-1 + 0.7 * np.log1p(admissions)) * years),
            "person_years": years,
        }
    )


def others(cohort: pl.DataFrame) -> pl.DataFrame:
    return cohort.filter(~pl.col("is_treated"), pl.col("person_years") > 0)


def fitted_by_fold(known: pl.DataFrame) -> np.ndarray:
    design = design_matrix(known, terms=TERMS)
    fold = folds(design.person_id, seed=3, number=5)
    return coefficients_by_fold(design, outcomes=known, fold=fold, number=5)


def fitted(values: np.ndarray, outcome: np.ndarray, family: object, **options: np.ndarray):
    return sm.GLM(outcome, sm.add_constant(values), family=family, **options).fit(tol=1e-14)


def test_propensity_scores_are_those_of_a_logistic_regression(cohort):
    design = design_matrix(cohort, terms=TERMS)
    found = propensity_scores(design, cohort=cohort)
    theirs = fitted(design.values, cohort["is_treated"].to_numpy().astype(float), sm.families.Binomial())
    np.testing.assert_allclose(found.model.coefficients, theirs.params[1:], atol=1e-10)
    np.testing.assert_allclose(found.scores["propensity_score"], theirs.fittedvalues, atol=1e-10)
    assert found.cautions == ()


def test_prognostic_models_are_poisson_regressions_without_the_fold_they_are_for(cohort):
    known = others(cohort).sort("person_id")
    rows = folds(known["person_id"], seed=3, number=5) != 2
    columns = {one.name: one.values[rows] for one in covariate_columns(known, terms=TERMS)}
    names = design_matrix(known, terms=TERMS).names
    years, events = (known[name].to_numpy()[rows] for name in ("person_years", "events"))
    values = np.column_stack([columns[name] for name in names])
    theirs = fitted(values, events, sm.families.Poisson(), offset=np.log(years))
    ours = fitted_by_fold(known)
    assert ours.shape == (5, 1 + len(names))
    np.testing.assert_allclose(ours[2], theirs.params, rtol=1e-6)


def test_nobodys_own_outcome_is_in_the_model_of_their_fold(cohort):
    known = others(cohort).sort("person_id")
    before, person = fitted_by_fold(known), known["person_id"][0]
    more = pl.when(pl.col("person_id") == person).then(pl.col("events") + 50).otherwise("events")
    after, own = fitted_by_fold(known.with_columns(events=more)), folds([person], seed=3, number=5)[0]
    assert [np.array_equal(before[fold], after[fold]) for fold in range(5)] == [fold == own for fold in range(5)]


def test_a_covariate_that_tells_the_arms_apart_is_named_or_left_out_with_a_caution(cohort):
    separated = cohort.with_columns(new_flag=~pl.col("is_treated") & (pl.col("sex") == "1"))
    terms = Terms(counts=("admissions",), squared=("age",), linear=("new_flag",))
    design = design_matrix(separated, terms=terms)
    with pytest.raises(SeparationError, match="new_flag tell") as error:
        propensity_scores(design, cohort=cohort)
    assert error.value.covariates == ("new_flag",)
    found = propensity_scores(design, cohort=cohort, drop_separating=True)
    without = Terms(counts=("admissions",), squared=("age",))
    alone = propensity_scores(design_matrix(cohort, terms=without), cohort=cohort)
    np.testing.assert_allclose(found.scores["propensity_score"], alone.scores["propensity_score"], atol=1e-12)
    assert found.cautions[0].startswith("Propensity leaves out new_flag:")


def test_complete_separation_is_an_error(cohort):
    design = design_matrix(
        cohort.with_columns(score=pl.col("is_treated") * 10 + pl.col("age") / 100), terms=Terms(linear=("score",))
    )
    with pytest.raises(SeparationError, match="score tell"):
        propensity_scores(design, cohort=cohort)


def test_nearly_separated_people_still_have_an_estimate(cohort):
    treated = cohort["is_treated"].to_numpy()
    rare = np.zeros(PEOPLE)
    rare[np.flatnonzero(~treated)[:120]] = 1
    rare[np.flatnonzero(treated)[:1]] = 1
    design = design_matrix(cohort.with_columns(rare=rare), terms=Terms(counts=("admissions",), linear=("rare",)))
    found = propensity_scores(design, cohort=cohort)
    theirs = fitted(design.values, treated.astype(float), sm.families.Binomial())
    np.testing.assert_allclose(found.model.coefficients, theirs.params[1:], atol=1e-9)


def test_without_cases_or_events_there_is_nothing_to_fit(cohort):
    design = design_matrix(cohort, terms=TERMS)
    with pytest.raises(MatchingError, match="both cases and comparison people"):
        propensity_scores(design, cohort=cohort.with_columns(is_treated=False))
    with pytest.raises(MatchingError, match="no events"):
        fitted_by_fold(others(cohort.with_columns(events=0)))
