"""A planted rate ratio and a planted zero are found, and 95% intervals cover, under over-dispersion."""

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.arms import DAYS_PER_YEAR, paired_periods, rate_arm
from evaluation.estimation.effects import rate_effect

DRAWS = 400
PILOTS, OTHERS = 250, 500
DAYS = 182
# 400 draws around 95% have a Monte Carlo error of 1.1 points; the limits are over 3.3 of them wide
COVERAGE_LIMITS = (0.91, 0.985)


def draw(rng: np.random.Generator, *, people: int, is_pilot: bool, rate: float, ratio: float) -> pl.DataFrame:
    frailty = rng.gamma(0.7, 1 / 0.7, people)
    return pl.DataFrame(
        {
            "person_id": [f"{is_pilot}-{number}" for number in range(people)] * 2,
            "is_pilot": is_pilot,
            "site_id": "a",
            "period": ["baseline"] * people + ["follow_up"] * people,
            "person_days": DAYS,
            "counts": rng.poisson(np.concatenate([frailty, frailty * ratio]) * rate * DAYS / DAYS_PER_YEAR),
        }
    )


def effects_of(*, ratio: float, trend: float, seed: int, compared: bool) -> list:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS):
        pilots = draw(rng, people=PILOTS, is_pilot=True, rate=2.0, ratio=ratio * trend)
        others = draw(rng, people=OTHERS, is_pilot=False, rate=1.0, ratio=trend)
        arms = [rate_arm(paired_periods(rows, metric_ids=["counts"]), "counts") for rows in (pilots, others)]
        found.append(rate_effect(arms[0], arms[1] if compared else None))
    return found


@pytest.mark.parametrize(("ratio", "seed"), [(0.8, 11), (1.0, 12)])
def test_uncontrolled_intervals_cover_the_change_of_the_rate(ratio, seed):
    effects = effects_of(ratio=ratio, trend=1.0, seed=seed, compared=False)
    _covers_relative(effects, truth=100 * (ratio - 1))
    _covers_absolute(effects, truth=2.0 * (ratio - 1))


@pytest.mark.parametrize(("ratio", "seed"), [(0.8, 21), (1.0, 22)])
def test_a_common_trend_is_taken_out_by_the_comparison(ratio, seed):
    effects = effects_of(ratio=ratio, trend=1.25, seed=seed, compared=True)
    _covers_relative(effects, truth=100 * (ratio - 1))
    _covers_absolute(effects, truth=2.0 * (ratio * 1.25 - 1) - 1.0 * (1.25 - 1))


def test_without_an_effect_few_p_values_are_small():
    p_values = np.array([effect.p_value for effect in effects_of(ratio=1.0, trend=1.0, seed=31, compared=True)])
    assert 0.015 < (p_values < 0.05).mean() < 0.09


def test_the_minimum_detectable_fall_is_found_four_times_in_five():
    planning = effects_of(ratio=1.0, trend=1.0, seed=41, compared=False)
    detectable = np.median([effect.minimum_detectable_change_pct for effect in planning])
    studies = effects_of(ratio=1 - detectable / 100, trend=1.0, seed=42, compared=False)
    assert 0.70 < np.mean([effect.p_value < 0.05 for effect in studies]) < 0.88


def _covers_relative(effects: list, *, truth: float) -> None:
    covered = np.mean([effect.relative_low_pct <= truth <= effect.relative_high_pct for effect in effects])
    assert COVERAGE_LIMITS[0] < covered < COVERAGE_LIMITS[1]
    logs = np.log1p(np.array([effect.relative_change_pct for effect in effects]) / 100)
    assert logs.mean() == pytest.approx(np.log1p(truth / 100), abs=4 * logs.std() / DRAWS**0.5)


def _covers_absolute(effects: list, *, truth: float) -> None:
    covered = np.mean([effect.change_low <= truth <= effect.change_high for effect in effects])
    assert COVERAGE_LIMITS[0] < covered < COVERAGE_LIMITS[1]
