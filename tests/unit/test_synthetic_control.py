"""Synthetic control by hand: weights, gaps and placebos."""

import numpy as np
import pytest
from scipy.optimize import minimize

from evaluation.estimation.synthetic_control import simplex_weights, synthetic_control
from evaluation.regression import NotEstimableError


def test_weights_by_hand_are_those_of_the_nearest_point_between_the_donors() -> None:
    assert simplex_weights(np.array([1.0]), np.array([[0.0, 4.0]])) == pytest.approx([0.75, 0.25])
    assert simplex_weights(np.array([9.0]), np.array([[0.0, 4.0]])) == pytest.approx([0, 1])


@pytest.mark.parametrize("seed", range(4))
def test_weights_leave_no_more_error_than_a_general_minimiser(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, donors = rng.normal(0.2, 0.02, 26), rng.normal(0.2, 0.05, (26, 15))

    def squares(weights: np.ndarray) -> float:
        return float(1e4 * np.sum((target - donors @ weights) ** 2))

    theirs = minimize(
        squares,
        np.full(15, 1 / 15),
        method="SLSQP",
        bounds=[(0, 1)] * 15,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    ours = simplex_weights(target, donors)
    assert ours.sum() == pytest.approx(1)
    assert ours.min() >= 0
    assert squares(ours) <= theirs.fun * (1 + 1e-8)
    assert ours == pytest.approx(theirs.x, abs=1e-4)


def test_the_effect_is_the_mean_gap_after_and_placebos_rank_the_ratio() -> None:
    after = np.array([False, False, False, True])
    donors = np.array([[1.0, 3.0, 5.1], [1.1, 3.0, 5.0], [1.0, 3.1, 5.0], [1.0, 3.0, 5.0]])
    found = synthetic_control(np.array([2.0, 2.1, 2.0, 5.0]), donors, after)
    assert found.effect == pytest.approx(3, abs=0.1)
    assert found.level == 5.0
    assert found.fit_error == pytest.approx(np.sqrt(np.mean(found.gaps[:3] ** 2)))
    assert found.ratio == pytest.approx(abs(found.gaps[3]) / found.fit_error)
    assert found.p_value == 1 / 4


def test_an_area_that_goes_on_as_the_mix_is_in_the_middle_of_the_placebos() -> None:
    rng = np.random.default_rng(2)
    donors = 1 + 0.1 * rng.normal(size=(40, 19))
    after = np.arange(40) >= 25
    treated = donors[:, :5].mean(axis=1) + 0.02 * rng.normal(size=40)
    assert synthetic_control(treated, donors, after).p_value > 0.05


@pytest.mark.parametrize(
    ("donors", "after", "reason"),
    [
        (np.ones((3, 1)), [False, False, True], "two donors"),
        (np.ones((3, 2)), [False, False, False], "two donors"),
        (np.ones((3, 2)), [False, False, True], "without any error"),
    ],
)
def test_too_little_to_go_on_has_a_reason(donors: np.ndarray, after: list[bool], reason: str) -> None:
    with pytest.raises(NotEstimableError, match=reason):
        synthetic_control(np.ones(3), donors, np.array(after))
