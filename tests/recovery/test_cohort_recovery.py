"""Planted effects of +2% and none are found after people joined for their history, and 95% intervals cover.

Enrolment and outcome both depend on log(1 + past use) and its square, on age, and counts are over-dispersed.
Coverage must lie within the 99.9% limits of 95% for the number of draws, the bias within 3.3 Monte Carlo errors.
"""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import binom

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.weighted_cohort import weighted_cohort

DRAWS = 200
CASES, OTHERS, CONTROLS_PER_CASE = 500, 5000, 2
WITHIN = 3.3


def study(rng: np.random.Generator, *, ratio: float) -> dict[str, np.ndarray]:
    """Cases first; `covariates` hold the square of log(1 + use) as enrolment and outcome need it."""
    people = 3 * (CASES + OTHERS)
    age, past_use = rng.normal(0, 1, people), rng.poisson(rng.gamma(0.8, 1.5, people))
    log_use = np.log1p(past_use)
    enrol = rng.logistic(0, 1, people) + 0.6 * age + 2.0 * log_use - 0.9 * log_use**2
    order = np.argsort(-enrol)
    chosen = np.concatenate([order[:CASES], rng.permutation(order[CASES:])[:OTHERS]])
    age, log_use = age[chosen], log_use[chosen]
    is_treated = np.arange(chosen.size) < CASES
    person_years = np.where(rng.random(chosen.size) < 0.06, rng.uniform(0, 0.5, chosen.size), 0.5)
    rate = np.exp(-0.6 + 0.2 * age + 0.1 * log_use + 0.3 * log_use**2) * np.where(is_treated, ratio, 1)
    return {
        "counts": rng.poisson(rate * person_years * rng.gamma(1.5, 1 / 1.5, chosen.size)),
        "person_years": person_years,
        "is_treated": is_treated,
        "covariates": np.column_stack([age, log_use, log_use**2]),
        "person_ids": np.arange(chosen.size),
    }


def entropy_balancing(columns: np.ndarray, is_treated: np.ndarray) -> np.ndarray:
    """Weights exp(lambda'x) that give comparison people the cases' sums, by plain Newton steps."""
    x = np.column_stack([np.ones(len(columns)), columns - columns[is_treated].mean(axis=0)])
    others, wanted = x[~is_treated], x[is_treated].sum(axis=0)
    multipliers = np.zeros(x.shape[1])
    multipliers[0] = math.log(wanted[0] / len(others))
    for _ in range(25):
        weights = np.exp(others @ multipliers)
        gap = others.T @ weights - wanted
        multipliers -= np.linalg.solve((others * weights[:, None]).T @ others, gap)
    weights = np.ones(len(columns))
    weights[~is_treated] = np.exp(others @ multipliers)
    return weights


def weighted(data: dict[str, np.ndarray], *, columns: slice = slice(None)):
    given = {name: values for name, values in data.items() if name != "covariates"}
    kept = data["covariates"][:, columns]
    return weighted_cohort(**given, balanced=kept, weights=entropy_balancing(kept, data["is_treated"]))


def matched_rows(data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of cases and of their nearest controls, with replacement; their weights and sets."""
    treated = data["is_treated"]
    scaled = data["covariates"][:, :2] / data["covariates"][:, :2].std(axis=0)
    nearest = cKDTree(scaled[~treated]).query(scaled[treated], k=CONTROLS_PER_CASE)[1]
    cases, controls = np.flatnonzero(treated), np.flatnonzero(~treated)[nearest]
    weights = np.concatenate([np.ones(CASES), np.full(CASES * CONTROLS_PER_CASE, 1 / CONTROLS_PER_CASE)])
    sets = np.concatenate([cases, np.repeat(cases, CONTROLS_PER_CASE)])
    return np.concatenate([cases, controls.ravel()]), weights, sets


def matched(data: dict[str, np.ndarray]):
    rows, weights, sets = matched_rows(data)
    return matched_cohort(**{name: values[rows] for name, values in data.items()}, weights=weights, set_ids=sets)


def difference(rng: np.random.Generator, *, ratio: float):
    """Cases twice as ill for reasons nobody recorded, the same trend in both arms: what matching can't see."""
    is_treated = np.arange(3 * CASES) < CASES
    frailty = rng.gamma(1.5, 1 / 1.5, 3 * CASES) * np.where(is_treated, 2.0, 1.0)
    years = np.full(3 * CASES, 1.5)
    return matched_did(
        baseline_counts=rng.poisson(0.8 * frailty * years),
        baseline_person_years=years,
        counts=rng.poisson(1.1 * frailty * np.where(is_treated, ratio, 1.0) * years / 3),
        person_years=years / 3,
        is_treated=is_treated,
        weights=np.where(is_treated, 1.0, 0.5),
        person_ids=np.arange(3 * CASES),
    )


def finds(effects: list, *, ratio: float) -> None:
    logs = np.array([effect.log_rate_ratio for effect in effects])
    truth = math.log(ratio)
    assert logs.mean() == pytest.approx(truth, abs=WITHIN * logs.std() / math.sqrt(DRAWS))
    covered = sum(effect.log_low <= truth <= effect.log_high for effect in effects)
    low, high = binom.ppf([0.0005, 0.9995], DRAWS, 0.95)
    assert low <= covered <= high
    errors = np.array([effect.standard_error for effect in effects])
    assert errors.mean() / logs.std(ddof=1) == pytest.approx(1, abs=WITHIN / math.sqrt(2 * (DRAWS - 1)))


@pytest.mark.parametrize(("ratio", "seed"), [(1.02, 101), (1.0, 102)])
def test_the_weighted_cohort_finds_what_was_planted(ratio, seed):
    rng = np.random.default_rng(seed)
    finds([weighted(study(rng, ratio=ratio)) for _ in range(DRAWS)], ratio=ratio)


@pytest.mark.parametrize(("ratio", "seed"), [(1.02, 201), (1.0, 202)])
def test_the_matched_cohort_with_reused_controls_finds_what_was_planted(ratio, seed):
    rng = np.random.default_rng(seed)
    finds([matched(study(rng, ratio=ratio)) for _ in range(DRAWS)], ratio=ratio)


@pytest.mark.parametrize(("ratio", "seed"), [(1.02, 301), (1.0, 302)])
def test_difference_in_differences_finds_what_was_planted_beside_a_stable_hidden_difference(ratio, seed):
    rng = np.random.default_rng(seed)
    finds([difference(rng, ratio=ratio) for _ in range(DRAWS)], ratio=ratio)


def test_without_the_square_of_log_use_the_weighted_cohort_is_off():
    rng = np.random.default_rng(401)
    logs = np.array([weighted(study(rng, ratio=1.0), columns=slice(2)).log_rate_ratio for _ in range(DRAWS)])
    assert abs(logs.mean()) > WITHIN * logs.std() / math.sqrt(DRAWS)
