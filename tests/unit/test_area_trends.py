"""Years before go-live by hand: how far areas drifted apart from each to the next, and how far an effect reaches."""

import numpy as np
import pytest

from evaluation.estimation.area_cautions import NO_INTERVAL
from evaluation.estimation.area_effects import STAGGERED
from evaluation.estimation.area_intervals import joint_estimates
from evaluation.estimation.area_panels import NEVER
from evaluation.estimation.area_trends import NO_YEAR_BEFORE, Trends, yearly_trends
from evaluation.estimation.staggered_adoption import Adoption

MONTHS = np.arange(54)


def trends(
    first: list[int], *, after: list[float], years: dict[int, float], estimator: str, unknown: tuple[int, ...] = ()
) -> Trends:
    """Pilot areas with an effect of their own and a level by year before go-live, beside areas at 0 and 0.02."""
    rows = [
        [years.get((month - start) // 12, 0.0) if month < start else effect for month in MONTHS.tolist()]
        for start, effect in zip(first, after, strict=True)
    ]
    is_known = ~np.isin(MONTHS, unknown)
    panel = Adoption(
        outcomes=np.array([*rows, [0.0] * MONTHS.size, [0.02] * MONTHS.size])[:, is_known],
        times=MONTHS[is_known],
        first_treated=np.array([*first, NEVER, NEVER]),
        weights=np.ones(len(first) + 2),
    )
    estimate = STAGGERED[estimator]
    cells = estimate(panel)
    seen = np.unique(cells.event_times)

    def numbers(kept: np.ndarray) -> np.ndarray:
        part = estimate(panel.of(kept))
        return np.array([part.overall, *part.by_event_time(seen)])

    found = joint_estimates(numbers, panel.first_treated < NEVER)
    return yearly_trends(found, cells, seen, first_column=1)


@pytest.mark.parametrize("estimator", ["group_time_never_treated", "group_time_not_yet_treated"])
def test_years_before_go_live_are_held_against_the_next(estimator: str) -> None:
    found = trends([36, 36], after=[-0.2, -0.4], years={-3: 0.10, -2: 0.04}, estimator=estimator)
    assert found.changes.tolist() == pytest.approx([-0.04, -0.06])
    assert found.reason == ""
    # 18 months after: twelve one step away, six two, so up to 0.06 x 1.333 = 0.08 either way.
    (low, high), (lower, higher) = found.bounds.at(0), found.bounds.at(1)
    assert (low + high) / 2 == pytest.approx(-0.3)
    assert (lower, higher) == pytest.approx((low - 0.08, high + 0.08))


def test_a_year_that_one_pilot_area_lacks_is_not_looked_at() -> None:
    found = trends([36, 30], after=[-0.2, -0.4], years={-3: 0.10, -2: 0.04}, estimator="group_time_never_treated")
    assert found.changes.tolist() == pytest.approx([-0.04])


def test_a_straight_drift_apart_is_within_the_largest_change_before() -> None:
    """0.05 a year throughout and no effect: with parallel trends a rise, with a magnitude of 1 none."""
    slope = 0.05 / 12
    panel = Adoption(
        outcomes=np.array([slope * MONTHS, slope * MONTHS + 0.01, 0.0 * MONTHS, 0.0 * MONTHS + 0.02])
        + np.array([1, -1, 1, -1])[:, None] * 1e-4 * (MONTHS >= 36),
        times=MONTHS,
        first_treated=np.array([36, 36, NEVER, NEVER]),
        weights=np.ones(4),
    )
    estimate = STAGGERED["group_time_never_treated"]
    cells = estimate(panel)
    seen = np.unique(cells.event_times)
    found = joint_estimates(
        lambda kept: np.array([(part := estimate(panel.of(kept))).overall, *part.by_event_time(seen)]),
        np.arange(4) < 2,
    )
    one = yearly_trends(found, cells, seen, first_column=1)
    assert one.changes.tolist() == pytest.approx([0.05, 0.05])
    assert one.bounds.at(0)[0] > 0
    assert one.bounds.at(1)[0] < 0
    assert 0.8 < one.bounds.holds_up_to < 1


def test_without_a_year_before_the_base_there_are_no_bounds_but_a_reason() -> None:
    found = trends([36, 23], after=[-0.2, -0.4], years={}, estimator="group_time_never_treated")
    assert (found.changes.size, found.bounds, found.reason) == (0, None, NO_YEAR_BEFORE)


@pytest.mark.parametrize(
    ("unknown", "changes"), [((35,), []), ((23,), []), ((11,), [-0.04]), ((36, 40), [-0.04, -0.06])]
)
def test_a_month_that_is_not_known_takes_its_year_and_all_before_it(unknown: tuple[int, ...], changes: list) -> None:
    found = trends(
        [36, 36], after=[-0.2, -0.4], years={-3: 0.10, -2: 0.04}, estimator="group_time_never_treated", unknown=unknown
    )
    assert found.changes.tolist() == pytest.approx(changes)
    assert found.reason == ("" if changes else NO_YEAR_BEFORE)


def test_one_pilot_area_has_changes_without_bounds() -> None:
    found = trends([36], after=[-0.2], years={-2: 0.04}, estimator="group_time_never_treated")
    assert found.changes.tolist() == pytest.approx([-0.04, 0.04])
    assert (found.bounds, found.reason) == (None, NO_INTERVAL)
