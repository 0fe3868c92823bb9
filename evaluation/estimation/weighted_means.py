"""Means of pilot people beside those of weighted comparison people, at several points in time, with their errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.estimation.clustering import clustered_covariance
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS
from evaluation.estimation.intervals import quantile
from evaluation.estimation.terminal_events import CumulativeMeans
from evaluation.estimation.weighted_cohort import WeightedDesign, with_weights_estimated
from evaluation.regression import Floats

Limits = tuple[Floats, Floats]


@dataclass(frozen=True, kw_only=True)
class MeansOfArms:
    """Means (T) of cases and weighted comparison people, and standard errors of both and of their difference.

    `cases_with_events` and `comparators_with_events` (T) are people who had any event by then.
    """

    cases: Floats
    comparators: Floats
    cases_error: Floats
    comparators_error: Floats
    difference_error: Floats
    cases_with_events: NDArray[np.int64]
    comparators_with_events: NDArray[np.int64]

    @property
    def difference(self) -> Floats:
        """Mean of cases less that of comparison people."""
        found: Floats = self.cases - self.comparators
        return found

    @property
    def rests_on_few(self) -> NDArray[np.bool_]:
        """Where fewer than ten people of an arm had any event, so that an interval would be far too narrow."""
        fewest = np.minimum(self.cases_with_events, self.comparators_with_events)
        found: NDArray[np.bool_] = fewest < FEWEST_PEOPLE_WITH_EVENTS
        return found


def means_of_arms(
    design: WeightedDesign,
    *,
    cases: CumulativeMeans,
    others: CumulativeMeans,
    with_events: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> MeansOfArms:
    """Errors by person, factor G/(G-1), of estimates from the cases and from the weighted comparison people.

    `cases` and `others` have a row per row of the design's arms, in its order. The weights are estimated, which the
    errors take into account as in `weighted_cohort` (M-estimation, Stefanski and Boos 2002): a mean that the weights
    balance differs from the cases' by nothing, and its difference has no error.
    """
    of_others = np.zeros((design.is_treated.size, others.means.size))
    of_others[: design.comparison_rows] = others.influences
    of_others = with_weights_estimated(design, of_others)
    difference = -of_others
    difference[design.comparison_rows :] += cases.influences
    numbers = design.person_numbers
    return MeansOfArms(
        cases=cases.means,
        comparators=others.means,
        cases_error=_errors(cases.influences, numbers[design.comparison_rows :]),
        comparators_error=_errors(of_others, numbers),
        difference_error=_errors(difference, numbers),
        cases_with_events=with_events[0],
        comparators_with_events=with_events[1],
    )


def limits(means: Floats, errors: Floats) -> Limits:
    """95% limits of differences."""
    return means - quantile() * errors, means + quantile() * errors


def limits_above_zero(means: Floats, errors: Floats) -> Limits:
    """95% limits of means that can't be below 0, on the log scale (Lin, Wei, Yang and Ying 2000); 0 has none (nan)."""
    factor = np.exp(quantile() * np.divide(errors, means, out=np.full_like(means, np.nan), where=means > 0))
    return means / factor, means * factor


def _errors(influences: Floats, clusters: NDArray[np.intp]) -> Floats:
    found: Floats = np.sqrt(np.diag(clustered_covariance(influences, clusters)))
    return found
