"""Events until death: mean cumulative counts and mean days alive, with what each person adds to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.regression import Floats, NotEstimableError

Whole = NDArray[np.int64]
ROUNDING = 1e-12  # sums of weights in different orders: so near to 1, everyone has died


@dataclass(frozen=True, kw_only=True)
class DatedEvents:
    """Events of n people: `person` (k) is a row of theirs, `day` (k) counts from the index date, which is day 0."""

    person: Whole
    day: Whole
    count: Floats


@dataclass(frozen=True, kw_only=True)
class CumulativeMeans:
    """Means per person up to T points in time (T), and what each of n people adds to each (n x T)."""

    means: Floats
    influences: Floats


@dataclass(frozen=True, kw_only=True)
class FollowedUp:
    """n people who are observed from day 0 until death, censoring or the horizon, weighted, on a grid of H days.

    `days` (n) are days observed, at most H; `died` (n) marks those whose last observed day is that of their death.
    `at_risk` (H) are the weights of those observed on a day, `hazard` (H) their share who die on it, and
    `alive_before` (H) the probability of being alive when the day begins (Kaplan and Meier 1958).
    """

    days: Whole
    died: NDArray[np.bool_]
    weights: Floats
    at_risk: Floats
    hazard: Floats
    alive_before: Floats


def followed_up(*, days_observed: Whole, died: NDArray[np.bool_], weights: Floats, horizon: int) -> FollowedUp:
    """People on the grid of `horizon` days; who is observed for longer is alive and observed at its end.

    Somebody with no observed day, or no weight, says nothing. Raises `NotEstimableError` where nobody who may be alive
    is observed until the last day: what comes after is not known.
    """
    days = np.clip(days_observed, 0, horizon)
    dead = died & (days_observed <= horizon) & (days > 0)
    leaving = np.bincount(days, weights=weights, minlength=horizon + 1)
    at_risk = leaving[::-1].cumsum()[::-1][1:]
    deaths = np.bincount(days[dead] - 1, weights=weights[dead], minlength=horizon)
    hazard = _ratio(deaths, at_risk)
    hazard[hazard > 1 - ROUNDING] = 1.0
    alive = np.cumprod(1 - hazard)
    alive_before = np.concatenate([[1.0], alive[:-1]])
    if np.any((at_risk <= 0) & (alive_before > 0)):
        raise NotEstimableError("nobody of an arm is observed until the end of follow-up")
    return FollowedUp(days=days, died=dead, weights=weights, at_risk=at_risk, hazard=hazard, alive_before=alive_before)


def mean_cumulative_counts(people: FollowedUp, events: DatedEvents, *, until: Whole) -> CumulativeMeans:
    """Mean number of events per person before each of the days `until` (T), with death as a terminal event.

    A dead person has no more events, and is not taken for one who would have gone on as the others did:
    mu(t) = sum over days u < t of S(u-) dN(u) / Y(u), with dN the events and Y the people observed on a day, S the
    probability of being alive when it begins (Cook and Lawless 1997; Ghosh and Lin 2000). Events of the day of death
    come before it. Assumes that censoring (leaving, the end of the data) tells nothing of later events or death.

    Influences are derivatives by a person's weight, times the weight; for weights of 1 they are those of Ghosh and
    Lin's (2000) variance. With r = dN/Y, h the hazard of death, and x days observed, a person adds
      sum of own S(u-)/Y(u) events - sum_{u < min(x,t)} S(u-) r(u)/Y(u)
      - [died on u < t] (mu(t) - mu(u)) / (Y(u) (1-h(u))) + sum_{u < min(x,t)} h(u) (mu(t) - mu(u)) / (Y(u) (1-h(u))).

    By hand: two people over three days, one with an event on day 0 who dies on day 1, one with an event on day 2.
    mu = 1/2 after a day; alive after two 1/2, so day 2 adds 1/2 x 1: in all 1, which is 2 events over 2 people.
    """
    on_grid = (events.day >= 0) & (events.day < people.days[events.person])
    person, day, count = events.person[on_grid], events.day[on_grid], events.count[on_grid]
    total = np.bincount(day, weights=count * people.weights[person], minlength=people.at_risk.size)
    rate = _ratio(total, people.at_risk)
    per_event = _ratio(people.alive_before, people.at_risk)
    means = _before(np.cumsum(people.alive_before * rate), until)
    expected = _until(per_event * rate, people.days, until)
    own = _own_events(count * per_event[day], person, day, n=people.days.size, until=until)
    by_death = _by_death(people, np.cumsum(people.alive_before * rate), until)
    return CumulativeMeans(means=means, influences=people.weights[:, None] * (own - expected + by_death))


def mean_days_alive(people: FollowedUp, *, until: Whole) -> CumulativeMeans:
    """Mean days alive before each of the days `until` (T): the area under the survival curve (Royston and Parmar 2013).

    The day of death counts as a day alive. By hand: two people, one dies on day 1 of three: (2 + 3) / 2 = 2.5 days.
    """
    alive = np.cumsum(people.alive_before)
    return CumulativeMeans(
        means=_before(alive, until), influences=people.weights[:, None] * _by_death(people, alive, until)
    )


def _by_death(people: FollowedUp, mean: Floats, until: Whole) -> Floats:
    """What each person's death, or survival, adds (n x T) to a mean that goes on for the living; `mean` (H) by day."""
    surviving = _ratio(1.0, people.at_risk * (1 - people.hazard))
    compensator = people.hazard * surviving
    at_end = _before(mean, until)
    added = at_end * _until(compensator, people.days, until) - _until(compensator * mean, people.days, until)
    day = people.days[people.died] - 1
    is_before = day[:, None] < until
    added[people.died] -= np.where(is_before, (at_end - mean[day][:, None]) * surviving[day][:, None], 0.0)
    return added


def _own_events(values: Floats, person: Whole, day: Whole, *, n: int, until: Whole) -> Floats:
    """Sums of each person's values before each of the days `until` (n x T)."""
    first = np.searchsorted(until, day, side="right")
    columns = until.size + 1
    sums = np.bincount(person * columns + first, weights=values, minlength=n * columns).reshape(n, columns)
    return sums.cumsum(axis=1)[:, :-1]


def _until(by_day: Floats, days: Whole, until: Whole) -> Floats:
    """Sums over the days before min(days observed, t), for each person and each t of `until` (n x T)."""
    sums = np.concatenate([[0.0], np.cumsum(by_day)])
    return sums[np.minimum(days[:, None], until)]


def _before(cumulative: Floats, until: Whole) -> Floats:
    return cumulative[until - 1]


def _ratio(numerator: ArrayLike, denominator: Floats) -> Floats:
    found: Floats = np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
    return found
