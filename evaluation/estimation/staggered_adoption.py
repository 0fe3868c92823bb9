"""Staggered adoption: group-time average effects and the imputation estimator."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.estimation.area_panels import NEVER, Integers
from evaluation.regression import Floats

Comparison = Literal["never_treated", "not_yet_treated"]


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A balanced panel: `outcomes` (n x T), `times` (T, rising), `first_treated` (n, or `NEVER`), `weights` (n)."""

    outcomes: Floats
    times: Integers
    first_treated: Integers
    weights: Floats

    def of(self, kept: NDArray[np.bool_]) -> "Adoption":
        """The panel of some of the units (n flags)."""
        return Adoption(
            outcomes=self.outcomes[kept],
            times=self.times,
            first_treated=self.first_treated[kept],
            weights=self.weights[kept],
        )

    @property
    def groups(self) -> Integers:
        """The times at which units are first treated, rising (C)."""
        return np.unique(self.first_treated[self.first_treated < NEVER])


@dataclass(frozen=True, kw_only=True)
class CellEffects:
    """Effects by cell (any number of rows): time since treatment, weight, effect, treated units' mean outcome."""

    event_times: Integers
    weights: Floats
    effects: Floats
    levels: Floats

    @property
    def overall(self) -> float:
        """Weighted mean over all cells from treatment on."""
        return self._mean(self.event_times >= 0, self.effects)

    @property
    def level(self) -> float:
        """The treated units' mean outcome over the same cells."""
        return self._mean(self.event_times >= 0, self.levels)

    def by_event_time(self, event_times: Integers) -> Floats:
        """Weighted mean over the cells so long after treatment, for each of some times; not a number without cells."""
        place = np.searchsorted(event_times, self.event_times)
        place = np.where(np.isin(self.event_times, event_times) & np.isfinite(self.effects), place, event_times.size)
        size = event_times.size + 1
        sums, totals = (
            np.bincount(place, weights=values, minlength=size).astype(np.float64)
            for values in (self.weights * np.nan_to_num(self.effects), self.weights)
        )
        return _ratio(sums, totals)[:-1]

    def _mean(self, chosen: NDArray[np.bool_], values: Floats) -> float:
        cells = chosen & np.isfinite(self.effects)
        total = self.weights[cells].sum()
        return float(self.weights[cells] @ values[cells] / total) if total > 0 else math.nan


def group_time_effects(panel: Adoption, *, comparison: Comparison, base_periods: int = 1) -> CellEffects:
    """Average effect on each group (units first treated at one time) at each time, a cell per group and time.

    The group's change since its base, less that of units never treated, or of all not yet treated by then (Callaway
    and Sant'Anna 2021, without covariates). The base is the mean of the last `base_periods` times before treatment: 1
    is the paper's, more use the same parallel trends with less noise. A group with fewer is left out. Cells before
    treatment have the same base; those within it are zero on average by construction. Weights are the group's.
    Assumes parallel trends without treatment and no anticipation.

    By hand: treated 1 then 4, never treated 2 then 3: (4 - 1) - (3 - 2) = 2.
    """
    groups = np.array([g for g in panel.groups if (panel.times < g).sum() >= base_periods], dtype=np.int64)
    base = np.zeros((panel.times.size, groups.size))
    for column, group in enumerate(groups):
        base[np.flatnonzero(panel.times < group)[-base_periods:], column] = 1 / base_periods
    bases = panel.outcomes @ base  # n x C
    members = panel.weights[:, None] * (panel.first_treated[:, None] == groups[None, :])
    treated = _normalised(members).T @ panel.outcomes  # C x T
    treated_base = (_normalised(members) * bases).sum(axis=0)
    others, others_base = _comparison(panel, groups, bases, comparison)
    effects = (treated - treated_base[:, None]) - (others - others_base)
    return CellEffects(
        event_times=(panel.times[None, :] - groups[:, None]).ravel(),
        weights=np.repeat(members.sum(axis=0), panel.times.size),
        effects=effects.ravel(),
        levels=treated.ravel(),
    )


def imputed_effects(panel: Adoption) -> CellEffects:
    """Effect of each treated unit at each time from treatment on: outcome less what was to be expected.

    Expected by unit and time effects, fitted by least squares on all cells not treated yet, weighted (Borusyak, Jaravel
    and Spiess 2024). A cell whose unit or time has no such cell has no effect. Assumes parallel trends over all times
    before treatment and no anticipation; where these hold with errors alike and independent, no linear unbiased
    estimator is more precise.

    By hand: as in `group_time_effects` 2; with a time more before, treated 1, 1, 4 and never 2, 2, 3: also 2.
    """
    treated = panel.times[None, :] >= panel.first_treated[:, None]
    seen = np.where(treated, 0.0, 1.0)
    times_seen = seen.sum(axis=1)
    per_unit = np.divide(panel.weights, times_seen, out=np.zeros_like(times_seen), where=times_seen > 0)
    gram = np.diag(panel.weights @ seen) - (seen * per_unit[:, None]).T @ seen
    unit_means = _ratio((panel.outcomes * seen).sum(axis=1), times_seen)
    right = (panel.weights[:, None] * seen * (panel.outcomes - np.nan_to_num(unit_means)[:, None])).sum(axis=0)
    time_effects = np.linalg.lstsq(gram, right, rcond=1e-10)[0]
    time_effects = np.where(seen.sum(axis=0) > 0, time_effects, np.nan)
    unit_effects = unit_means - _ratio((seen * np.nan_to_num(time_effects)[None, :]).sum(axis=1), times_seen)
    effects = panel.outcomes - unit_effects[:, None] - time_effects[None, :]
    unit, time = np.nonzero(treated)
    return CellEffects(
        event_times=panel.times[time] - panel.first_treated[unit],
        weights=panel.weights[unit],
        effects=effects[unit, time],
        levels=panel.outcomes[unit, time],
    )


def _comparison(panel: Adoption, groups: Integers, bases: Floats, comparison: Comparison) -> tuple[Floats, Floats]:
    """Mean outcome of the comparison units at each group and time (C x T), and their mean at the group's base."""
    if comparison == "never_treated":
        never = _normalised(panel.weights * (panel.first_treated == NEVER))
        return (never @ panel.outcomes)[None, :], (never @ bases)[:, None]
    by_time = _normalised(panel.weights[:, None] * (panel.first_treated[:, None] > panel.times[None, :]))
    by_group = _normalised(panel.weights[:, None] * (panel.first_treated[:, None] > groups[None, :]))
    is_after = panel.times[None, :] >= groups[:, None]
    means = np.where(is_after, (by_time * panel.outcomes).sum(axis=0)[None, :], by_group.T @ panel.outcomes)
    at_base = np.where(is_after, (by_time.T @ bases).T, (by_group * bases).sum(axis=0)[:, None])
    return means, at_base


def _normalised(weights: Floats) -> Floats:
    """Weights that sum to one in each column; not numbers where there are none."""
    return _ratio(weights, np.broadcast_to(weights.sum(axis=0), weights.shape))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    quotient: Floats = np.divide(
        numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0
    )
    return quotient
