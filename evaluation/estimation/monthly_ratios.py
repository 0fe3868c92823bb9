"""Rates of cases and weighted comparison people month by month, the ratio of each month, and how they vary together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.estimation.clustering import clustered_covariance
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS
from evaluation.estimation.weighted_cohort import WeightedDesign, with_weights_estimated
from evaluation.regression import Floats


@dataclass(frozen=True, kw_only=True)
class MonthlyRatios:
    """By month (M): rates per person-year, log rate ratio (nan without events), its covariance (M x M), people.

    `fewest_with_events` are people with any event in the month, of the arm with fewer (M); `some_unknown` where
    somebody's count is not known.
    """

    pilot_rate: Floats
    comparator_rate: Floats
    log_ratio: Floats
    covariance: Floats
    fewest_with_events: NDArray[np.int64]
    some_unknown: NDArray[np.bool_]

    @property
    def has_interval(self) -> NDArray[np.bool_]:
        """Where enough people of both arms had an event."""
        found: NDArray[np.bool_] = self.fewest_with_events >= FEWEST_PEOPLE_WITH_EVENTS
        return found


def monthly_ratios(design: WeightedDesign, *, days: Floats, counts: Floats) -> MonthlyRatios:
    """Rates of cases and weighted comparison people in each month (n x M, in the order of the design).

    A rate is the weighted sum of counts over that of observed days. A count of -1 is not known: neither it nor the
    days of that month are taken. Estimand after the index date: the effect on the cases' rate in that month, if what
    `weighted_cohort` assumes holds (Hainmueller 2012); before it: a difference that no pilot made, in months that no
    covariate looks at (Freyaldenhoven, Hansen and Shapiro 2019). Errors by person, the weights being estimated as
    there (Stefanski and Boos 2002), so that what the weights balance has hardly any.

    By hand: a case with 2 events in 30 days, comparison people with 1 and 0 in 30 each: log(2/30 over 1/60) = log 4.
    """
    known = counts >= 0
    events, exposed = np.where(known, counts, 0.0), np.where(known, days, 0.0) / DAYS_PER_YEAR
    first_case = design.comparison_rows
    arms = {"pilot": slice(first_case, None), "comparator": slice(0, first_case)}
    weights = design.weights
    rates, on_log, people = {}, {}, {}
    for arm, rows in arms.items():
        w = weights[rows]
        years = w @ exposed[rows]
        rates[arm] = np.divide(w @ events[rows], years, out=np.full_like(years, np.nan), where=years > 0)
        residuals = w[:, None] * (events[rows] - np.nan_to_num(rates[arm]) * exposed[rows])
        expected = np.nan_to_num(rates[arm]) * years
        on_log[arm] = np.divide(residuals, expected, out=np.zeros_like(residuals), where=expected > 0)
        people[arm] = np.count_nonzero((events[rows] > 0) & (w > 0)[:, None], axis=0)
    of_others = np.zeros_like(events)
    of_others[arms["comparator"]] = on_log["comparator"]
    influences = -with_weights_estimated(design, of_others)
    influences[arms["pilot"]] += on_log["pilot"]
    both = (rates["pilot"] > 0) & (rates["comparator"] > 0)
    ratio = np.divide(rates["pilot"], rates["comparator"], out=np.full_like(rates["pilot"], np.nan), where=both)
    return MonthlyRatios(
        pilot_rate=rates["pilot"],
        comparator_rate=rates["comparator"],
        log_ratio=np.log(ratio),
        covariance=clustered_covariance(influences, design.person_numbers),
        fewest_with_events=np.minimum(people["pilot"], people["comparator"]).astype(np.int64),
        some_unknown=np.asarray(~known.all(axis=0)),
    )


def lead_test(ratios: MonthlyRatios, months: NDArray[np.bool_]) -> tuple[float, int]:
    """Joint Wald statistic of no difference in the marked months (M), and its degrees of freedom.

    Chi-square if there is none, with people independent; finding none shows nothing of later months (Roth 2022).

    By hand: log ratios 0.2 and 0 with errors 0.1 each, independent: chi-square 4 on 2.
    """
    y, covariance = ratios.log_ratio[months], ratios.covariance[np.ix_(months, months)]
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    solved, _, rank, _ = lstsq(covariance / np.outer(scale, scale), y / scale, cond=1e-9)
    return float((y / scale) @ solved), int(rank)
