"""Balancing weights of one population: as many covariates as its cases and its pool can carry."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from evaluation.matching.covariates import CASES_PER_COLUMN, affordable_terms, fewer_terms
from evaluation.matching.design import design_matrix
from evaluation.matching.entropy import EntropyBalance, entropy_balance
from evaluation.matching.errors import MatchingError
from evaluation.matching.terms import Terms
from evaluation.matching.words import NOBODY, TOO_FEW, left_out_caution

FEWEST_CASES = 20
FEWEST_EFFECTIVE = 20.0
EFFECTIVE_PER_COLUMN = 2.0
NOT_FOUND = "No weights make comparison people like these pilot people."
NO_ROWS = pl.DataFrame(schema={"person_id": pl.String, "weight": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """Weights of comparison people (`person_id`, `weight`, above 0), what they balance, and what to know of them.

    `effective_people` is Kish's number of the comparison people; None where there are no weights.
    """

    weights: pl.DataFrame = field(default_factory=lambda: NO_ROWS)
    terms: Terms = field(default_factory=Terms)
    effective_people: float | None = None
    caution: str = ""

    def frame(self, population: str) -> pl.DataFrame:
        """The weights as rows of a population."""
        return self.weights.select(pl.lit(population).alias("population"), "person_id", "weight")


def balanced_weights(cases: pl.DataFrame, pool: pl.DataFrame, *, covariates: Sequence[str]) -> Weighted:
    """Entropy-balancing weights of `pool`, under which it has the means of `cases` in all columns of the covariates.

    A column costs five cases. Where no weights reach the cases' means, or they rest on too few people (fewer than
    20 in effect, or two for each column), the last quarter of the covariates is left out and weights are sought
    again; with fewer than 20 cases, or none of the covariates left, there are none. Covariates alone decide.
    """
    if cases.height < FEWEST_CASES or not covariates:
        return Weighted(caution=TOO_FEW)
    if pool.is_empty():
        return Weighted(caution=NOBODY)
    people = pl.concat([cases, pool])
    terms = affordable_terms(people, covariates, most_columns=cases.height // CASES_PER_COLUMN)
    while terms.covariates:
        found = _attempt(people, terms)
        if found is not None:
            left_out = [name for name in covariates if name not in terms.covariates]
            return _weighted(found, terms, caution=left_out_caution(left_out))
        terms = fewer_terms(terms, covariates)
    return Weighted(caution=NOT_FOUND)


def weights_of(cases: pl.DataFrame, pool: pl.DataFrame, *, terms: Terms) -> Weighted:
    """Weights of `pool` that balance exactly `terms`, by the rules of `balanced_weights`; empty where there are none.

    For estimates that differ from the planned one in one respect: nothing else may change with it, so no covariate
    is left out to find weights after all.
    """
    if cases.is_empty() or pool.is_empty() or not terms.covariates:
        return Weighted(caution=NOBODY if terms.covariates else TOO_FEW)
    found = _attempt(pl.concat([cases, pool]), terms)
    return Weighted(caution=NOT_FOUND) if found is None else _weighted(found, terms)


def _weighted(found: EntropyBalance, terms: Terms, *, caution: str = "") -> Weighted:
    weights = found.weights.filter(~pl.col("is_treated"), pl.col("weight") > 0)
    return Weighted(
        weights=weights.select("person_id", "weight"),
        terms=terms,
        effective_people=found.effective_controls,
        caution=caution,
    )


def _attempt(people: pl.DataFrame, terms: Terms) -> EntropyBalance | None:
    design = design_matrix(people, terms=terms)
    try:
        found = entropy_balance(design, cohort=people)
    except MatchingError:
        return None
    needed = max(FEWEST_EFFECTIVE, EFFECTIVE_PER_COLUMN * len(design.names))
    return found if found.effective_controls >= needed else None
