"""How alike cases and controls are before and after matching or weighting, covariate by covariate."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.populations import Population, Stage, among, stages
from evaluation.matching.terms import Column, Terms, covariate_columns

Floats = NDArray[np.float64]
Row = dict[str, str | float | int | bool | None]
MOST_STANDARDISED_DIFFERENCE = 0.1
NOISE = 3.0
COVARIATE_BALANCE = {
    "population": pl.String(),
    "covariate": pl.String(),
    "stage": pl.String(),
    "pilot_mean": pl.Float64(),
    "comparison_mean": pl.Float64(),
    "standardised_mean_difference": pl.Float64(),
    "variance_ratio": pl.Float64(),
    "kolmogorov_smirnov": pl.Float64(),
    "share_in_common_support": pl.Float64(),
    "pilot_people": pl.Int64(),
    "comparison_people": pl.Int64(),
    "comparison_effective_people": pl.Float64(),
    "is_unbalanced": pl.Boolean(),
}


def covariate_balance(
    cohort: pl.DataFrame, *, terms: Terms, populations: Sequence[Population], where_known: Sequence[str] = ()
) -> pl.DataFrame:
    """One row per population, covariate and stage; `cohort` has one row per person with `is_treated` and covariates.

    Covariates are all columns of `terms`, with squares, splines, interactions and every category. Those of
    `where_known` are numbers that not everybody has, compared among the people who have one, with the weights that
    these people have; the numbers of people are theirs.
    `standardised_mean_difference`: difference of means over the cases' standard deviation before matching (Stuart
    2010); null where that is 0. `variance_ratio`: cases over controls, null for flags; weighted variances have divisor
    (sum w)^2 - sum w^2 over sum w. `kolmogorov_smirnov`: largest distance between the weighted distributions, null in
    parts of the cases; `share_in_common_support`: share of the cases within the range of the controls. Both are null
    for flags and for columns that follow from others. `is_unbalanced`: |difference| above 0.1, in a part of the cases
    only if it is also above three standard errors of chance, since there are many parts and covariates.

    By hand: cases 1, 3 (mean 2, variance 2), controls 0, 2 (mean 1): difference 1 / 2 ** 0.5 = 0.707, ratio 1. The
    same where known, with a further case and control whose numbers are null.
    """
    ordered = cohort.sort("person_id")
    compared = stages(ordered, populations)
    rows = []
    for column in covariate_columns(ordered, terms=terms):
        for population, theirs in compared:
            rows += _rows(column, population, theirs)
    for name in where_known:
        has_one = ordered[name].is_not_null().to_numpy()
        column = Column(name=name, values=ordered[name].cast(pl.Float64).to_numpy())
        for population, theirs in compared:
            rows += _rows(column, population, [among(stage, has_one) for stage in theirs])
    return pl.DataFrame(rows, schema=COVARIATE_BALANCE, orient="row")


def _rows(column: Column, population: Population, theirs: Sequence[Stage]) -> list[Row]:
    before = theirs[0]
    is_plain = not (column.is_derived or column.is_binary)
    spread = _variance(column.values[before.cases], before.case_weights) ** 0.5
    return [_row(column, population, stage, spread, is_plain=is_plain) for stage in theirs]


def _row(column: Column, population: Population, stage: Stage, spread: float, *, is_plain: bool) -> Row:
    cases, controls = column.values[stage.cases], column.values[stage.controls]
    means = _mean(cases, stage.case_weights), _mean(controls, stage.control_weights)
    difference = None if None in means else float(means[0] or 0) - float(means[1] or 0)
    standardised = None if difference is None or not spread > 0 else difference / spread
    return {
        "population": population.name,
        "covariate": column.name,
        "stage": stage.name,
        "pilot_mean": means[0],
        "comparison_mean": means[1],
        "standardised_mean_difference": standardised,
        "variance_ratio": None if column.is_binary else _variance_ratio(cases, controls, stage),
        "kolmogorov_smirnov": None
        if population.is_part or not is_plain
        else _distance_of_distributions(cases, controls, stage),
        "share_in_common_support": _share_in_support(cases, controls, stage) if is_plain else None,
        "pilot_people": len(cases),
        "comparison_people": len(controls),
        "comparison_effective_people": stage.effective_controls,
        "is_unbalanced": None if standardised is None else is_unbalanced(standardised, population, stage),
    }


def is_unbalanced(standardised: float, population: Population, stage: Stage) -> bool:
    """Whether a standardised difference is over the limit, in a part of the cases also beyond chance."""
    limit = (
        max(MOST_STANDARDISED_DIFFERENCE, NOISE * stage.noise) if population.is_part else MOST_STANDARDISED_DIFFERENCE
    )
    return abs(standardised) > limit


def _mean(values: Floats, weights: Floats) -> float | None:
    return float(np.sum(weights * values) / weights.sum()) if values.size else None


def _variance(values: Floats, weights: Floats) -> float:
    """Weighted variance about the weighted mean; with equal weights the divisor is n - 1."""
    total = weights.sum()
    divisor = total**2 - np.sum(weights**2)
    if values.size < 2 or divisor <= 0:
        return 0.0
    mean = np.sum(weights * values) / total
    return float(total / divisor * np.sum(weights * (values - mean) ** 2))


def _variance_ratio(cases: Floats, controls: Floats, stage: Stage) -> float | None:
    ours, theirs = _variance(cases, stage.case_weights), _variance(controls, stage.control_weights)
    return ours / theirs if theirs > 0 else None


def _distance_of_distributions(cases: Floats, controls: Floats, stage: Stage) -> float | None:
    if not cases.size or not controls.size:
        return None
    levels = np.unique(cases)
    distance = 0.0
    # Between two values of the cases their distribution is flat: the extremes lie at, or just below, one of those.
    for side in ("right", "left"):
        ours, theirs = (
            _distribution(values, weights, levels, side)
            for values, weights in ((cases, stage.case_weights), (controls, stage.control_weights))
        )
        distance = max(distance, float(np.abs(ours - theirs).max()))
    return distance


def _distribution(values: Floats, weights: Floats, levels: Floats, side: str) -> Floats:
    """Share of the weight at or below each level (`right`), or below it (`left`)."""
    found = np.searchsorted(levels, values, side="left" if side == "right" else "right")
    below = np.cumsum(np.bincount(found, weights=weights, minlength=len(levels) + 1))[: len(levels)]
    return np.asarray(below / weights.sum())


def _share_in_support(cases: Floats, controls: Floats, stage: Stage) -> float | None:
    if not cases.size or not controls.size:
        return None
    inside = (cases >= controls.min()) & (cases <= controls.max())
    return float(np.sum(stage.case_weights * inside) / stage.case_weights.sum())
