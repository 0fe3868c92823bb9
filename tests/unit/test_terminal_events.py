"""Means until death by hand, and that influences are what they are said to be: derivatives by a person's weight."""

import numpy as np
import pytest

from evaluation.estimation.terminal_events import (
    CumulativeMeans,
    DatedEvents,
    followed_up,
    mean_cumulative_counts,
    mean_days_alive,
)
from evaluation.regression import NotEstimableError

# four people over four days: one stays, one dies on day 1, one leaves after day 1, one stays
DAYS, DIED = np.array([9, 2, 2, 4]), np.array([False, True, False, False])
EVENTS = DatedEvents(
    person=np.array([0, 2, 1, 3, 0]), day=np.array([0, 0, 1, 2, 3]), count=np.array([1.0, 1.0, 1.0, 1.0, 1.0])
)
UNTIL = np.array([1, 2, 3, 4])


def people(weights: np.ndarray | None = None, *, days=DAYS, died=DIED, horizon: int = 4):
    return followed_up(
        days_observed=days, died=died, weights=np.ones(days.size) if weights is None else weights, horizon=horizon
    )


def test_a_mean_cumulative_count_by_hand():
    found = mean_cumulative_counts(people(), EVENTS, until=UNTIL)
    # alive before each day: 1, 1, 3/4, 3/4; events over observed: 2/4, 1/4, 1/2, 1/2
    assert found.means == pytest.approx([0.5, 0.75, 0.75 + 0.75 * 0.5, 0.75 + 0.75])


def test_days_alive_by_hand():
    assert mean_days_alive(people(), until=UNTIL).means == pytest.approx([1, 2, 2.75, 3.5])


def test_two_people_of_the_docstring():
    two = people(days=np.array([2, 3]), died=np.array([True, False]), horizon=3)
    events = DatedEvents(person=np.array([0, 1]), day=np.array([0, 2]), count=np.array([1.0, 1.0]))
    assert mean_cumulative_counts(two, events, until=np.array([3])).means == pytest.approx([1])
    assert mean_days_alive(two, until=np.array([3])).means == pytest.approx([2.5])


def test_events_on_days_that_are_not_observed_do_not_count():
    late = DatedEvents(person=np.array([1, 1, 0]), day=np.array([2, -1, 4]), count=np.array([5.0, 5.0, 5.0]))
    assert mean_cumulative_counts(people(), late, until=UNTIL).means == pytest.approx([0, 0, 0, 0])


def test_a_death_after_the_horizon_is_none_within_it():
    assert mean_days_alive(people(days=np.array([5, 4]), died=np.array([True, False])), until=UNTIL).means[-1] == 4


def test_when_everyone_has_died_nothing_more_happens():
    dead = people(np.array([0.1, 0.2, 0.3]), days=np.array([2, 2, 1]), died=np.array([True, True, True]))
    events = DatedEvents(person=np.array([0]), day=np.array([1]), count=np.array([3.0]))
    found = mean_cumulative_counts(dead, events, until=UNTIL)
    assert found.means == pytest.approx([0, 0.5, 0.5, 0.5])
    assert np.isfinite(found.influences).all()


def test_where_nobody_is_observed_until_the_end_there_is_no_estimate():
    with pytest.raises(NotEstimableError, match="nobody of an arm is observed until the end"):
        people(days=np.array([3, 3]), died=np.array([False, False]))
    with pytest.raises(NotEstimableError):
        people(days=np.array([0, 0]), died=np.array([False, False]))


@pytest.mark.parametrize("kind", ["counts", "days_alive"])
def test_an_influence_is_the_derivative_by_the_persons_weight_times_the_weight(kind):
    rng = np.random.default_rng(4_000_001)
    n, horizon, until = 40, 60, np.array([5, 20, 60])
    days, died, weights = rng.integers(0, 90, n), rng.random(n) < 0.5, rng.random(n) + 0.5
    events = DatedEvents(
        person=rng.integers(0, n, 150), day=rng.integers(0, horizon, 150), count=rng.integers(1, 4, 150).astype(float)
    )

    def found(w: np.ndarray) -> CumulativeMeans:
        followed = people(w, days=days, died=died, horizon=horizon)
        if kind == "days_alive":
            return mean_days_alive(followed, until=until)
        return mean_cumulative_counts(followed, events, until=until)

    step = 1e-5
    numeric = [(found(weights + e).means - found(weights - e).means) / (2 * step) for e in np.eye(n) * step]
    assert found(weights).influences == pytest.approx(np.array(numeric) * weights[:, None], abs=1e-7)
