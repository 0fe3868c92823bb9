"""Staggered adoption by hand: group-time effects, imputation, and errors by leaving out areas."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from evaluation.estimation.area_intervals import intervals_by_area, jackknife_by_area
from evaluation.estimation.staggered_adoption import Adoption, group_time_effects, imputed_effects
from evaluation.regression import NotEstimableError, with_intercept
from tests.area_worlds import NEVER
from tests.reference.dense_cr2 import dense_cr2


def adoption(outcomes: list[list[float]], first: list[int | None], weights: list[float] | None = None) -> Adoption:
    values = np.array(outcomes, dtype=float)
    return Adoption(
        outcomes=values,
        times=np.arange(values.shape[1]),
        first_treated=np.array([NEVER if time is None else time for time in first]),
        weights=np.array(weights or [1.0] * len(first)),
    )


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_two_by_two_is_the_difference_of_differences(comparison) -> None:
    cells = group_time_effects(adoption([[1, 4], [2, 3]], [1, None]), comparison=comparison)
    assert (cells.overall, cells.level) == (2.0, 4.0)


def test_those_not_treated_yet_count_as_comparison_until_they_are() -> None:
    panel = adoption([[0, 5, 6], [0, 1, 9], [0, 2, 3]], [1, 2, None])
    never = group_time_effects(panel, comparison="never_treated")
    not_yet = group_time_effects(panel, comparison="not_yet_treated")
    # Group 1 at time 1: 5 - 2 against never, 5 - (1 + 2) / 2 against not yet; at time 2 all others are treated but one.
    assert never.effects.reshape(2, 3)[:, 1:].tolist() == [[3, 3], [0, 7]]
    assert not_yet.effects.reshape(2, 3)[:, 1:].tolist() == [[3.5, 3], [0, 7]]
    assert never.overall == pytest.approx((3 + 3 + 7) / 3)
    assert never.by_event_time(np.array([-2, -1, 0, 1])).tolist() == [1.0, 0.0, 5.0, 3.0]
    assert np.isnan(never.by_event_time(np.array([2]))[0])


def test_a_longer_base_is_the_mean_of_the_last_times_before() -> None:
    panel = adoption([[9, 1, 3, 6], [9, 2, 2, 3]], [3, None])
    assert group_time_effects(panel, comparison="never_treated", base_periods=2).overall == (6 - 2) - (3 - 2)
    assert np.isnan(group_time_effects(panel, comparison="never_treated", base_periods=4).overall)


def test_areas_count_by_their_weight() -> None:
    panel = adoption([[0, 4], [0, 1], [0, 0], [0, 3]], [1, 1, None, None], [3.0, 1.0, 2.0, 1.0])
    assert group_time_effects(panel, comparison="never_treated").overall == pytest.approx(13 / 4 - 1)
    assert imputed_effects(panel).overall == pytest.approx(13 / 4 - 1)


def test_imputation_uses_every_time_before() -> None:
    cells = imputed_effects(adoption([[1, 3, 6], [2, 2, 3]], [2, None]))
    assert cells.overall == pytest.approx((6 - 2) - (3 - 2))
    assert cells.event_times.tolist() == [0]


def test_imputation_is_the_regression_with_a_dummy_for_each_treated_cell() -> None:
    rng = np.random.default_rng(3)
    first = [2, 3, 3, None, None, None]
    panel = adoption(rng.normal(size=(6, 5)).tolist(), first, rng.uniform(1, 3, 6).tolist())
    treated = panel.times[None, :] >= panel.first_treated[:, None]
    unit, time = np.indices(treated.shape).reshape(2, -1)
    dummies = np.eye(30)[:, treated.ravel()]
    design = np.column_stack([np.eye(6)[unit], np.eye(5)[time][:, 1:], dummies])
    root = np.sqrt(panel.weights[unit])
    theirs = np.linalg.lstsq(design * root[:, None], panel.outcomes.ravel() * root, rcond=None)[0][-dummies.shape[1] :]
    assert imputed_effects(panel).effects == pytest.approx(theirs, abs=1e-10)


def test_a_time_at_which_everyone_is_treated_has_no_imputed_effect() -> None:
    cells = imputed_effects(adoption([[1, 2, 7, 9], [1, 1, 2, 9]], [2, 3]))
    assert np.isnan(cells.effects[cells.event_times == 1]).all()
    assert cells.overall == pytest.approx(7 - 2.5)  # time 2: area 1 rose by 1, area 0 stands half above it


def test_leaving_out_areas_is_welchs_test_with_the_error_of_cr2_where_there_are_two_means() -> None:
    rng = np.random.default_rng(1)
    changes = np.concatenate([rng.normal(1, 2, 5), rng.normal(0, 1, 9)])
    treated = np.arange(14) < 5
    panel = Adoption(
        outcomes=np.column_stack([np.zeros(14), changes]),
        times=np.arange(2),
        first_treated=np.where(treated, 1, NEVER),
        weights=np.ones(14),
    )
    errors = jackknife_by_area(
        lambda kept: np.array([group_time_effects(panel.of(kept), comparison="never_treated").overall]), treated
    )
    welch = ttest_ind(changes[treated], changes[~treated], equal_var=False)
    assert errors.degrees_of_freedom[0] == pytest.approx(welch.df)
    difference = changes[treated].mean() - changes[~treated].mean()
    assert errors.standard_errors[0] == pytest.approx(difference / welch.statistic)
    residuals = changes - np.where(treated, changes[treated].mean(), changes[~treated].mean())
    cr2, _ = dense_cr2(with_intercept(treated), residuals, np.arange(14), np.array([0.0, 1.0]))
    assert errors.standard_errors[0] == pytest.approx(cr2**0.5)


def test_one_area_of_a_kind_leaves_an_estimate_without_limits() -> None:
    treated = np.array([True, False, False])

    def mean_difference(kept):
        values = np.array([3.0, 1.0, 2.0])
        return np.array([values[kept & treated].mean() - values[kept & ~treated].mean()])

    (found,) = intervals_by_area(mean_difference, treated)
    assert found.estimate == 1.5
    assert np.isnan([found.low, found.high, found.p_value]).all()
    with pytest.raises(NotEstimableError, match="two areas"):
        jackknife_by_area(mean_difference, treated)


def test_the_error_by_hand() -> None:
    treated, values = np.array([True, True, False, False, False]), np.array([1.0, 3.0, 0.0, 2.0, 4.0])
    errors = jackknife_by_area(
        lambda kept: np.array([values[kept & treated].mean() - values[kept & ~treated].mean()]), treated
    )
    assert errors.standard_errors[0] ** 2 == pytest.approx(7 / 3)
    assert errors.degrees_of_freedom[0] == pytest.approx((7 / 3) ** 2 / (1 + (4 / 3) ** 2 / 2))
