"""What must hold of means until death, whoever dies or leaves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.estimation.terminal_events import (
    CumulativeMeans,
    DatedEvents,
    followed_up,
    mean_cumulative_counts,
    mean_days_alive,
)

HORIZON, UNTIL = 12, np.array([3, 7, 12])
# the last one stays until the end, so that there is an estimate
PEOPLE = st.lists(
    st.tuples(st.integers(0, 16), st.booleans(), st.floats(0.1, 5), st.lists(st.integers(0, 15), max_size=4)),
    min_size=2,
    max_size=25,
).map(lambda people: [*people, (HORIZON, False, 1.0, [0])])


def found(people: list[tuple], *, scale: float = 1.0) -> tuple[CumulativeMeans, CumulativeMeans]:
    followed = followed_up(
        days_observed=np.array([days for days, *_ in people]),
        died=np.array([died for _, died, *_ in people]),
        weights=np.array([weight * scale for _, _, weight, _ in people]),
        horizon=HORIZON,
    )
    dated = [(row, day) for row, (*_, events) in enumerate(people) for day in sorted(events)]
    row, day = np.array(dated, dtype=np.int64).reshape(-1, 2).T
    events = DatedEvents(person=row, day=day, count=np.ones(row.size))
    return mean_cumulative_counts(followed, events, until=UNTIL), mean_days_alive(followed, until=UNTIL)


def plain(people: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Means over the people of what was seen of them, weighted."""
    weights = np.array([weight for _, _, weight, _ in people])
    counts = [[sum(day < min(days, t) for day in events) for t in UNTIL] for days, _, _, events in people]
    alive = [[min(days, t) for t in UNTIL] for days, *_ in people]
    return weights @ np.array(counts) / weights.sum(), weights @ np.array(alive) / weights.sum()


@settings(max_examples=80, deadline=None)
@given(people=PEOPLE)
def test_where_nobody_leaves_the_means_are_plain_means_deaths_or_not(people):
    stay_or_die = [(days, True, weight, events) for days, _, weight, events in people if days > 0]
    stay_or_die[-1] = (HORIZON + 1, False, *stay_or_die[-1][2:])
    counts, alive = found(stay_or_die)
    wanted = plain(stay_or_die)
    assert counts.means == pytest.approx(wanted[0])
    assert alive.means == pytest.approx(wanted[1])


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE)
def test_without_deaths_everyone_is_alive_all_days(people):
    _, alive = found([(days, False, weight, events) for days, _, weight, events in people])
    assert alive.means == pytest.approx(UNTIL)
    assert alive.influences == pytest.approx(np.zeros((len(people), 3)))


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE, scale=st.floats(0.01, 100))
def test_weights_count_by_their_proportions_only(people, scale):
    for once, again in zip(found(people), found(people, scale=scale), strict=True):
        assert again.means == pytest.approx(once.means, rel=1e-9, abs=1e-12)
        assert again.influences == pytest.approx(once.influences, rel=1e-7, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE, seed=st.integers(0, 1000))
def test_the_order_of_people_changes_nothing(people, seed):
    order = np.random.default_rng(seed).permutation(len(people))
    for once, again in zip(found(people), found([people[row] for row in order]), strict=True):
        assert again.means == pytest.approx(once.means)
        assert again.influences == pytest.approx(once.influences[order], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE)
def test_influences_sum_to_nothing(people):
    for one in found(people):
        assert one.influences.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-8)
