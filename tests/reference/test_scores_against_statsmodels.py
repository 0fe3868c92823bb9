"""Propensity and prognostic scores agree with statsmodels' GLM; separation is found where it has no estimate."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.matching import (
    DesignMatrix,
    MatchingError,
    SeparationError,
    Terms,
    design_matrix,
    propensity_scores,
)
from evaluation.matching.draws import folds
from evaluation.matching.prognostic import scores_by_fold

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


def outcomes(cohort: pl.DataFrame) -> pl.DataFrame:
    return cohort.select("person_id", "events", "person_years", is_fitted_on=~pl.col("is_treated"))


def scored(design: DesignMatrix, known: pl.DataFrame) -> pl.DataFrame:
    return scores_by_fold(design, outcomes=known, fold=folds(design.person_id, seed=3, number=5))


def fitted(values: np.ndarray, outcome: np.ndarray, family: object, **options: np.ndarray):
    return sm.GLM(outcome, sm.add_constant(values), family=family, **options).fit(tol=1e-14)


def test_propensity_scores_are_those_of_a_logistic_regression(cohort):
    design = design_matrix(cohort, terms=TERMS)
    found = propensity_scores(design, cohort=cohort)
    theirs = fitted(design.values, cohort["is_treated"].to_numpy().astype(float), sm.families.Binomial())
    np.testing.assert_allclose(found.model.coefficients, theirs.params[1:], atol=1e-10)
    np.testing.assert_allclose(found.scores["propensity_score"], theirs.fittedvalues, atol=1e-10)
    assert found.cautions == ()


def test_prognostic_scores_are_fitted_without_the_fold_they_are_for(cohort):
    design = design_matrix(cohort, terms=TERMS)
    found = scored(design, outcomes(cohort))
    fold = folds(cohort["person_id"], seed=3, number=5)
    years, events = cohort["person_years"].to_numpy(), cohort["events"].to_numpy()
    rows = ~cohort["is_treated"].to_numpy() & (fold != 2) & (years > 0)
    theirs = fitted(design.values[rows], events[rows], sm.families.Poisson(), offset=np.log(years[rows]))
    predicted = theirs.params[0] + design.values[fold == 2] @ theirs.params[1:]
    ours = found.filter(pl.col("fold") == 2)
    np.testing.assert_allclose(ours["prognostic_score"], predicted, atol=1e-9)
    assert found["fold"].n_unique() == 5
    assert found["prognostic_score"].is_finite().all()


def test_nobodys_own_outcome_is_in_their_prognostic_score(cohort):
    design = design_matrix(cohort, terms=TERMS)
    before = scored(design, outcomes(cohort))
    person = cohort.filter(~pl.col("is_treated") & (pl.col("person_years") == 1))["person_id"][0]
    is_the_person = pl.col("person_id") == person
    changed = cohort.with_columns(
        pl.when(is_the_person).then(pl.col("events") + 50).otherwise("events").alias("events")
    )
    after = scored(design, outcomes(changed))
    assert not before.equals(after)
    same_fold = before["fold"] == before.filter(pl.col("person_id") == person)["fold"][0]
    assert before.filter(same_fold).equals(after.filter(same_fold))


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
        scored(design, outcomes(cohort.with_columns(events=0)))
