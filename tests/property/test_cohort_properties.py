"""What holds for every study: the order of rows, the scale of covariates and the names of people change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.multiplicity import benjamini_hochberg, holm
from evaluation.estimation.pooling import pooled_effect
from evaluation.estimation.weighted_cohort import weighted_cohort
from evaluation.estimation.words import effect_words
from tests.recovery.test_cohort_recovery import entropy_balancing

PEOPLE, CASES = 150, 30
SEEDS = st.integers(0, 2**32 - 1)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def study(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    is_treated = np.arange(PEOPLE) < CASES
    covariates = rng.normal(0.3 * is_treated[:, None], 1, size=(PEOPLE, 2))
    return {
        "counts": rng.poisson(np.exp(0.3 * covariates[:, 0]) * 1.5),
        "person_years": rng.uniform(0.2, 1, PEOPLE),
        "is_treated": is_treated,
        "weights": entropy_balancing(covariates, is_treated),
        "covariates": covariates,
        "person_ids": np.array([f"p{number:03d}" for number in range(PEOPLE)]),
    }


def balanced(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"balanced" if name == "covariates" else name: values for name, values in data.items()}


def both(data: dict[str, np.ndarray]) -> list[float]:
    effects = [weighted_cohort(**balanced(data)), matched_cohort(**data)]
    names = ("log_rate_ratio", "standard_error", "change", "change_standard_error")
    return [getattr(effect, name) for effect in effects for name in names]


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_neither_the_order_of_rows_nor_the_names_of_people_change_an_effect(seed):
    data = study(seed)
    order = np.random.default_rng(seed + 1).permutation(PEOPLE)
    mixed = {name: values[order] for name, values in data.items()} | {"person_ids": np.arange(PEOPLE)}
    assert both(mixed) == pytest.approx(both(data), rel=1e-8, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, scale=st.floats(1e-3, 1e3), shift=st.floats(-50, 50))
def test_the_unit_of_a_covariate_changes_nothing(seed, scale, shift):
    data = study(seed)
    other_unit = data | {"covariates": data["covariates"] * scale + shift}
    assert both(other_unit) == pytest.approx(both(data), rel=1e-5, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, factor=st.floats(0.1, 10))
def test_the_unit_of_time_moves_no_ratio(seed, factor):
    data = study(seed)
    effect = weighted_cohort(**balanced(data))
    again = weighted_cohort(**balanced(data | {"person_years": data["person_years"] * factor}))
    assert again.log_rate_ratio == pytest.approx(effect.log_rate_ratio, abs=1e-8)
    assert again.change == pytest.approx(effect.change / factor, abs=1e-8)


@given(p_values=P_VALUES)
def test_adjusting_never_lowers_a_p_value_and_holm_is_the_stricter(p_values):
    strict, mild = holm(p_values), benjamini_hochberg(p_values)
    assert all(p - 1e-12 <= q <= h + 1e-12 <= 1 + 1e-12 for p, q, h in zip(p_values, mild, strict, strict=True))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, sites=st.integers(2, 12), spread=st.floats(0, 1))
def test_pooling_lies_among_the_sites_and_is_never_narrower_than_a_common_effect(seed, sites, spread):
    rng = np.random.default_rng(seed)
    errors = rng.uniform(0.02, 0.5, sites)
    estimates = rng.normal(0, np.sqrt(errors**2 + spread**2))
    pooled = pooled_effect(estimates, errors, sites=[str(site) for site in range(sites)])
    assert estimates.min() <= pooled.estimate <= estimates.max()
    assert pooled.high - pooled.low >= pooled.fixed_high - pooled.fixed_low
    assert pooled.heterogeneity.tau2 >= 0
    for site in pooled.sites:
        between = sorted((site.estimate, pooled.estimate))
        assert between[0] - 1e-12 <= site.shrunken <= between[1] + 1e-12


@given(change=st.floats(-60, 60), margin=st.floats(0.01, 50), worth=st.sampled_from([None, -5.0, 5.0]))
def test_words_never_claim_beyond_the_interval(change, margin, worth):
    words = effect_words(change, change - margin, change + margin, smallest_worthwhile_change_pct=worth)
    assert ("No evidence" in words) == (abs(change) <= margin)
    assert "signific" not in words
