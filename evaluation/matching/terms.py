"""From a person's covariates to the columns of a regression or a balance table: logs, squares, splines, categories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.errors import MatchingError

Floats = NDArray[np.float64]
SPLINE_QUANTILES = (0.05, 0.35, 0.65, 0.95)
UNKNOWN = "unknown"
NOTHING_KNOWN: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Which columns of the cohort go into a model, and in which form.

    `counts`: use of care x as log(1 + x) and its square, since the log rate of later use is not linear in
    past use. `squared`: x and x^2. `splines`: restricted cubic splines with four knots at the 5th, 35th, 65th
    and 95th percentile of everyone (Harrell 2015, 2.4). `linear`: x, flags included. `categories`: an
    indicator per value. `interactions`: products of the first-order columns of two covariates named above.
    """

    counts: tuple[str, ...] = ()
    squared: tuple[str, ...] = ()
    splines: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()

    @property
    def covariates(self) -> tuple[str, ...]:
        """All columns of the cohort that are used, each once."""
        named = (*self.counts, *self.squared, *self.splines, *self.linear, *self.categories)
        return tuple(dict.fromkeys((*named, *(name for pair in self.interactions for name in pair))))


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a model: its name, one value per person, and whether it is a covariate as it stands.

    `is_derived` marks squares, spline terms and products, whose distribution follows from other columns.
    """

    name: str
    values: Floats
    is_derived: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether every value is 0 or 1."""
        return bool(np.all((self.values == 0) | (self.values == 1)))


def covariate_columns(
    cohort: pl.DataFrame, *, terms: Terms, unknown_as: Mapping[str, float] = NOTHING_KNOWN
) -> Iterator[Column]:
    """The columns of `terms`, one at a time, in the order of the cohort's rows and of the terms.

    Unknown numbers are set to the mean of the known ones, with an indicator `x=unknown` beside (the
    missing-indicator method); in categories unknown is a category of its own. Every category has its
    indicator, the reference is chosen by `design_matrix`. A model that was fitted on other people is asked with
    `unknown_as`, by covariate what unknown numbers were set to then.

    Raises `MatchingError` where a covariate is not in the cohort or not in the terms, is not finite, or where
    a count is negative.
    """
    _check(cohort, terms)
    for name in terms.covariates:
        if name in (*terms.counts, *terms.squared, *terms.splines, *terms.linear, *terms.categories):
            yield from _first_order(cohort, name, terms, unknown_as)
            yield from _second_order(cohort, name, terms, unknown_as)
    for one, other in terms.interactions:
        for left in _main(cohort, one, terms, unknown_as):
            for right in _main(cohort, other, terms, unknown_as):
                yield Column(name=f"{left.name} x {right.name}", values=left.values * right.values, is_derived=True)


def _check(cohort: pl.DataFrame, terms: Terms) -> None:
    absent = [name for name in terms.covariates if name not in cohort.columns]
    if absent:
        raise MatchingError(f"the cohort has no column {', '.join(absent)}")
    mains = (*terms.counts, *terms.squared, *terms.splines, *terms.linear, *terms.categories)
    alone = sorted({name for pair in terms.interactions for name in pair} - set(mains))
    if alone:
        raise MatchingError(f"an interaction needs its covariates as terms too: add {', '.join(alone)}")


def _first_order(cohort: pl.DataFrame, name: str, terms: Terms, unknown_as: Mapping[str, float]) -> list[Column]:
    columns = _main(cohort, name, terms, unknown_as)
    if name in terms.categories or not cohort[name].null_count():
        return columns
    unknown = cohort[name].is_null().cast(pl.Float64).to_numpy()
    return [*columns, Column(name=f"{name}={UNKNOWN}", values=unknown)]


def _main(cohort: pl.DataFrame, name: str, terms: Terms, unknown_as: Mapping[str, float]) -> list[Column]:
    if name in terms.categories:
        return _indicators(cohort[name], name)
    values = _numbers(cohort[name], name, unknown_as=unknown_as.get(name))
    if name not in terms.counts:
        return [Column(name=name, values=values)]
    if values.size and values.min() < 0:
        raise MatchingError(f"{name} is a count and has values below 0")
    return [Column(name=f"log1p({name})", values=np.log1p(values))]


def _second_order(cohort: pl.DataFrame, name: str, terms: Terms, unknown_as: Mapping[str, float]) -> list[Column]:
    if name in terms.categories or name not in (*terms.counts, *terms.squared, *terms.splines):
        return []
    (main,) = _main(cohort, name, terms, unknown_as)
    if name in terms.splines:
        return _spline(main)
    return [Column(name=f"{main.name}^2", values=main.values**2, is_derived=True)]


def _indicators(values: pl.Series, name: str) -> list[Column]:
    text = values.cast(pl.String).fill_null(UNKNOWN)
    return [
        Column(name=f"{name}={value}", values=(text == value).cast(pl.Float64).to_numpy())
        for value in text.unique().sort()
    ]


def mean_of_known(values: pl.Series) -> float:
    """What unknown numbers are set to: the mean of the known ones, 0 where there are none."""
    known = values.cast(pl.Float64).drop_nulls()
    return float(known.to_numpy().mean()) if known.len() else 0.0


def _numbers(values: pl.Series, name: str, *, unknown_as: float | None) -> Floats:
    numbers = values.cast(pl.Float64)
    if not numbers.drop_nulls().is_finite().all():
        raise MatchingError(f"{name} has values that are infinite or not a number; make them null")
    filled = numbers.fill_null(mean_of_known(values) if unknown_as is None else unknown_as)
    return np.asarray(filled.to_numpy(), dtype=np.float64)


def _spline(main: Column) -> list[Column]:
    """The two non-linear terms of a restricted cubic spline with four knots, scaled by the squared range of the knots.

    None where knots coincide: a covariate with few values is better a category.
    """
    knots = np.quantile(main.values, SPLINE_QUANTILES) if main.values.size else np.zeros(4)
    if np.any(np.diff(knots) <= 0):
        return []
    cubes = [np.maximum(main.values - knot, 0.0) ** 3 for knot in knots]
    last, before_last, span = knots[3], knots[2], knots[3] - knots[0]
    found = []
    for number in (0, 1):
        share = (last - knots[number]) / (last - before_last)
        rest = (before_last - knots[number]) / (last - before_last)
        values = (cubes[number] - cubes[2] * share + cubes[3] * rest) / span**2
        found.append(Column(name=f"{main.name} spline {number + 1}", values=values, is_derived=True))
    return found
