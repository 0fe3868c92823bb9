"""With twelve clusters or fewer, people or sites, intervals hold a true null about as often as they say.

Limits are the 99.9% ones of 5% for the number of draws; intervals by a normal quantile are shown to fail them. Areas
have their own tests (`test_area_designs`), respondents too (`test_survey_change_recovery`).
"""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from evaluation.estimation.arms import Arm, rate_arm
from evaluation.estimation.effects import rate_effect
from evaluation.estimation.intervals import quantile
from evaluation.estimation.pooling import pooled_effect

DRAWS = 1000
FEWEST, MOST = binom.ppf([0.0005, 0.9995], DRAWS, 0.05)


def arm(rng: np.random.Generator, people: int) -> Arm:
    """People who differ, with a year before and a part of a year after, and no change."""
    own = 4 * rng.gamma(2.0, 0.5, people)
    days, days_after = np.full(people, 365), rng.integers(120, 366, people)
    pairs = pl.DataFrame(
        {
            "person_days": days,
            "person_days_follow_up": days_after,
            "counts": rng.poisson(own),
            "counts_follow_up": rng.poisson(own * days_after / 365),
        }
    )
    return rate_arm(pairs, "counts")


@pytest.mark.parametrize("others", [0, 400], ids=["before and after", "beside many others"])
def test_a_site_of_twelve_people_holds_its_level_where_normal_intervals_do_not(others: int) -> None:
    rng = np.random.default_rng(33)
    p_values, normal = [], 0
    while len(p_values) < DRAWS:
        effect = rate_effect(arm(rng, 12), arm(rng, others) if others else None)
        if effect.p_value is None:  # fewer than ten of them had any event
            continue
        p_values.append(effect.p_value)
        log_low, log_high = (np.log1p(limit / 100) for limit in (effect.relative_low_pct, effect.relative_high_pct))
        error = (log_high - log_low) / 2 / quantile(11)
        normal += abs(np.log1p(effect.relative_change_pct / 100)) > quantile() * error
    assert FEWEST <= np.count_nonzero(np.array(p_values) <= 0.05) <= MOST
    assert normal > MOST


@pytest.mark.parametrize("sites", [3, 6])
def test_the_mean_over_few_sites_holds_its_level_where_a_normal_interval_does_not(sites: int) -> None:
    rng = np.random.default_rng(34)
    errors = np.linspace(0.1, 0.4, sites)
    names = [str(site) for site in range(sites)]
    rejected = normal = 0
    for _ in range(DRAWS):
        effects = rng.normal(0, np.sqrt(0.2**2 + errors**2))
        pooled = pooled_effect(effects, errors, sites=names)
        rejected += pooled.p_value <= 0.05
        model_error = np.sqrt(1 / (1 / (errors**2 + pooled.heterogeneity.tau2)).sum())
        normal += abs(pooled.estimate) > quantile() * model_error
    assert rejected <= MOST  # never narrower than the interval of a common effect, so it may reject less often
    assert normal > MOST
