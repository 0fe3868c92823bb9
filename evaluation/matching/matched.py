"""Matched pairs for everybody: exact strata that hold enough people, then the nearest within a propensity caliper."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from evaluation.matching.covariates import (
    CASES_PER_COLUMN,
    FIRST_GIVEN_UP,
    POOL,
    affordable_terms,
    in_order,
    is_risk_of_planned_care,
)
from evaluation.matching.design import DesignMatrix, design_matrix
from evaluation.matching.errors import MatchingError
from evaluation.matching.logistic import LogisticRegression
from evaluation.matching.methods import pairs_by_method
from evaluation.matching.pairs import PAIRS
from evaluation.matching.propensity import caliper_width, propensity_scores
from evaluation.matching.settings import Settings
from evaluation.matching.terms import Terms, covariate_columns
from evaluation.matching.weighted import FEWEST_CASES
from evaluation.matching.words import NEAR_IN_PLANNED_CARE, NOBODY, TOO_FEW, given_up_caution, left_out_caution

LEAST_WITH_EQUALS = 0.9
NO_SCORE = "What is known of people tells pilot people from comparison people with certainty: nobody was matched."
LOGIT = "propensity_logit"


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Pairs with the columns of `PAIRS`, and how they were found; no rows where nobody could be matched.

    `caliper` is the width in log odds, `terms` those of the propensity score. `logits`: its log odds of whoever is in a
    stratum with a case.
    """

    pairs: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAIRS))
    exact: tuple[str, ...] = ()
    caliper: float | None = None
    terms: Terms = field(default_factory=Terms)
    caution: str = ""
    logits: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"person_id": pl.String, LOGIT: pl.Float64})
    )


def matched_pairs(
    cohort: pl.DataFrame, *, sample: pl.DataFrame, covariates: Sequence[str], settings: Settings
) -> Matched:
    """Up to `settings.ratio` controls per case, equal in the exact columns and the nearest by `settings.method`.

    The score is fitted on the cases and the `sample` of their pool (drawing fewer controls moves its intercept
    alone; Prentice and Pyke 1979), then read for everyone in a stratum with a case. The caliper is
    `settings.caliper` standard deviations of the logit among the people fitted on. `cohort` has the column `draw`,
    which breaks ties. Raises `TooLargeError` where `optimal` pairs are asked for and a stratum is too large for them.
    """
    cases = cohort.filter("is_treated")
    if cases.height < FEWEST_CASES or not covariates:
        return Matched(caution=TOO_FEW)
    if sample.is_empty():
        return Matched(caution=NOBODY)
    exact, given_up = _exact(cohort, [name for name in settings.exact if name != POOL])
    people = _in_strata_of(cases, cohort, exact)
    fitted_on = pl.concat([cases, sample])
    terms = affordable_terms(fitted_on, covariates, most_columns=cases.height // CASES_PER_COLUMN)
    if not terms.covariates:
        return Matched(caution=TOO_FEW)
    design = design_matrix(fitted_on, terms=terms)
    try:
        scores = propensity_scores(design, cohort=fitted_on, drop_separating=True)
    except MatchingError:
        return Matched(caution=NO_SCORE)
    width = caliper_width(
        scores.scores[LOGIT],
        scores.scores["is_treated"],
        standard_deviations=settings.caliper,
        definition=settings.caliper_definition,
    )
    with_logit = _with_logit(people, design, scores.model, terms)
    pairs = pairs_by_method(
        with_logit,
        score=LOGIT,
        covariates=in_order(covariates, terms),
        exact=exact,
        caliper=width,
        settings=settings,
    )
    left_out = left_out_caution([name for name in covariates if name not in terms.covariates])
    near = NEAR_IN_PLANNED_CARE if is_risk_of_planned_care(settings.prognostic_score) else ""
    sentences = (given_up_caution(given_up), left_out, near, *scores.cautions)
    return Matched(
        pairs=pairs,
        exact=tuple(exact),
        caliper=width,
        terms=terms,
        caution=" ".join(sentence for sentence in sentences if sentence),
        logits=with_logit.select("person_id", LOGIT),
    )


def _exact(cohort: pl.DataFrame, asked: list[str]) -> tuple[list[str], list[str]]:
    """The exact columns under which nine of ten cases have an equal in the pool, and those given up for that.

    Columns that the rule does not know go first, the last one first; then those of `FIRST_GIVEN_UP`.
    """
    own = [name for name in reversed(asked) if name not in FIRST_GIVEN_UP]
    order = [*own, *(name for name in FIRST_GIVEN_UP if name in asked)]
    given_up, kept = list[str](), asked
    while order and _share_with_equals(cohort, kept) < LEAST_WITH_EQUALS:
        given_up.append(order.pop(0))
        kept = [name for name in asked if name not in given_up]
    return kept, given_up


def _share_with_equals(cohort: pl.DataFrame, exact: list[str]) -> float:
    cases, pool = cohort.filter("is_treated"), cohort.filter(~pl.col("is_treated"))
    return cases.join(pool.select(exact).unique(), on=exact, how="semi", nulls_equal=True).height / cases.height


def _in_strata_of(cases: pl.DataFrame, cohort: pl.DataFrame, exact: list[str]) -> pl.DataFrame:
    if not exact:
        return cohort
    return cohort.join(cases.select(exact).unique(), on=exact, how="semi", nulls_equal=True)


def _with_logit(people: pl.DataFrame, design: DesignMatrix, model: LogisticRegression, terms: Terms) -> pl.DataFrame:
    """Everyone's log odds, added up column by column: no matrix of the whole pool is held."""
    places = {name: place for place, name in enumerate(design.names)}
    total = np.full(people.height, model.intercept)
    for column in covariate_columns(people, terms=terms):
        place = places.get(column.name)
        if place is not None and model.coefficients[place]:
            standardised = (column.values - design.means[place]) / design.scales[place]
            total += standardised * model.coefficients[place]
    return people.with_columns(pl.Series(LOGIT, total))
