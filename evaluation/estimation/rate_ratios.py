"""A rate ratio with its interval, and the same effect as a change per person-year."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.estimation.clustering import group_numbers
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS
from evaluation.estimation.intervals import quantile, two_sided_p
from evaluation.estimation.sensitivity import minimum_detectable_change_pct
from evaluation.regression import Floats, NotEstimableError

LARGEST_LOG_RATIO = math.log(1000)
NO_SPREAD = 1e-9  # a standard error this small is rounding, not precision


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Who an effect rests on: people (not rows), person-years, effective numbers of people by their weights.

    `effective_cases` is the number of cases unless their weights differ. `cases_with_events` and
    `comparators_with_events` are people with any event after the index date. Where either is below ten
    (`rests_on_few`), the sandwich rests on a handful of people and its interval is far too narrow to be shown, as in
    `rate_effect`.
    """

    n_cases: int
    n_comparators: int
    cases_with_events: int
    comparators_with_events: int
    effective_sample_size: float
    effective_cases: float
    person_years_cases: float
    person_years_comparators: float
    n_clusters: int

    @property
    def rests_on_few(self) -> bool:
        """Whether too few people of an arm had an event for an interval to be believed."""
        return min(self.cases_with_events, self.comparators_with_events) < FEWEST_PEOPLE_WITH_EVENTS


@dataclass(frozen=True, kw_only=True)
class BeforeAfter:
    """Rates per person-year that a difference-in-differences is made of, beside the cases' own afterwards."""

    cases_before: float
    others_before: float
    others_after: float


@dataclass(frozen=True, kw_only=True)
class RateRatio:
    """An effect on a rate: the log rate ratio, the change per person-year, and what they rest on.

    `rate` is the cases' own rate per person-year, `rate_without` what theirs would have been by this design,
    `change` what the pilot added to it; `before` the levels of a design with a baseline.
    `degrees_of_freedom` None means normal intervals. Intervals are 95% Wald intervals, the ratio's on the log scale.
    """

    estimator: str
    estimand: str
    log_rate_ratio: float
    standard_error: float
    rate: float
    rate_without: float
    change: float
    change_standard_error: float
    sample: Sample
    degrees_of_freedom: float | None = None
    before: BeforeAfter | None = None

    def __post_init__(self) -> None:
        """Refuses a ratio whose interval says nothing, which comes of too few events for what was asked of them."""
        if not max(abs(self.log_low), abs(self.log_high)) < LARGEST_LOG_RATIO:
            raise NotEstimableError("the interval reaches beyond a thousandfold change: too few events")

    @property
    def log_low(self) -> float:
        """Lower limit of the log rate ratio."""
        return self.log_rate_ratio - quantile(self.degrees_of_freedom) * self.standard_error

    @property
    def log_high(self) -> float:
        """Upper limit of the log rate ratio."""
        return self.log_rate_ratio + quantile(self.degrees_of_freedom) * self.standard_error

    @property
    def p_value(self) -> float:
        """Two-sided, of no effect on the ratio."""
        return two_sided_p(self.log_rate_ratio / self.standard_error, self.degrees_of_freedom)

    @property
    def relative_change_pct(self) -> float:
        """100 x (rate ratio - 1)."""
        return 100 * math.expm1(self.log_rate_ratio)

    @property
    def relative_low_pct(self) -> float:
        """Lower limit of `relative_change_pct`."""
        return 100 * math.expm1(self.log_low)

    @property
    def relative_high_pct(self) -> float:
        """Upper limit of `relative_change_pct`."""
        return 100 * math.expm1(self.log_high)

    @property
    def change_low(self) -> float:
        """Lower limit of the change per person-year."""
        return self.change - quantile(self.degrees_of_freedom) * self.change_standard_error

    @property
    def change_high(self) -> float:
        """Upper limit of the change per person-year."""
        return self.change + quantile(self.degrees_of_freedom) * self.change_standard_error

    @property
    def minimum_detectable_change_pct(self) -> float:
        """The smallest fall, in percent, that a study with this standard error finds with 80% power."""
        return minimum_detectable_change_pct(self.standard_error)


def sample_of(
    *, counts: Floats, is_treated: ArrayLike, person_years: Floats, weights: Floats, person_ids: ArrayLike
) -> Sample:
    """Numbers of people, person-years, and effective numbers of people by their weights.

    A person's rows count with the sum of their weights: a control used in three sets is one person.
    """
    treated, people = np.asarray(is_treated, dtype=bool), group_numbers(person_ids)
    used = ~treated & (weights > 0)
    with_events = counts > 0
    return Sample(
        n_cases=_people(people, treated),
        n_comparators=_people(people, used),
        cases_with_events=_people(people, treated & with_events),
        comparators_with_events=_people(people, used & with_events),
        effective_sample_size=_effective_people(people, weights, used),
        effective_cases=_effective_people(people, weights, treated),
        person_years_cases=float(person_years[treated].sum()),
        person_years_comparators=float(person_years[used].sum()),
        n_clusters=_people(people, treated | used),
    )


def rate_with_influence(counts: Floats, person_years: Floats, weights: Floats) -> tuple[float, Floats]:
    """Weighted rate per person-year, and what each row adds to it (n).

    Raises `NotEstimableError` where there is no person-time or no event.

    By hand: counts 2 and 0 over a year each: rate 1, influences (2 - 1) / 2 = 0.5 and -0.5.
    """
    years = float(weights @ person_years)
    if years <= 0:
        raise NotEstimableError("a group has no person-time")
    rate = float(weights @ counts) / years
    if rate <= 0:
        raise NotEstimableError("a group has no events")
    return rate, weights * (counts - rate * person_years) / years


def standard_error(variance: float) -> float:
    """Square root of a variance; `NotEstimableError` where nothing varies, so that no error can be known."""
    if not variance > NO_SPREAD**2:
        raise NotEstimableError("counts do not differ from what is expected, so the error can't be known")
    return math.sqrt(variance)


def _people(people: NDArray[np.intp], rows: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(np.bincount(people[rows])))


def _effective_people(people: NDArray[np.intp], weights: Floats, rows: NDArray[np.bool_]) -> float:
    """How many people of equal weight would be as precise: (sum of weights)^2 / (sum of squares), by person (Kish)."""
    by_person = np.bincount(people[rows], weights=weights[rows])
    return float(by_person.sum() ** 2 / (by_person**2).sum())
