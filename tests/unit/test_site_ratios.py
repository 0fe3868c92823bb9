"""Sites' ratios as they enter a mean: by hand, and without bias where few events are due."""

import math

import numpy as np
import pytest

from evaluation.estimation.pooling import pooled_effect
from evaluation.estimation.site_ratios import LARGEST_ERROR, SiteCount, entered_ratios


def site(observed: float, expected: float, error: float | None = None) -> SiteCount:
    return SiteCount(observed=observed, expected=expected, error=error)


def test_two_sites_by_hand():
    first, second = entered_ratios([site(8, 10, 0.35), site(12, 10, 0.29)])
    unit = ((8 * 0.35) ** 2 + (12 * 0.29) ** 2) / 20
    assert (first.log_ratio, second.log_ratio) == pytest.approx((-0.2, 0.2))
    assert first.error == second.error == pytest.approx(math.sqrt(unit / 10))


def test_whether_a_site_enters_does_not_hang_on_what_happened_there():
    many, few = site(100, 100, 0.1), site(0, 5)
    assert entered_ratios([many, few])[1].log_ratio == pytest.approx(math.log(100 / 105) - 1)
    assert entered_ratios([many, site(9, 3)])[1] is None
    assert 1 / math.sqrt(5 * 100 / 105) < LARGEST_ERROR < 1 / math.sqrt(3)


def test_without_any_error_or_event_no_site_enters():
    assert entered_ratios([site(10, 10), site(12, 10)]) == (None, None)
    assert entered_ratios([site(0, 10, 0.3), site(0, 10, 0.3)]) == (None, None)
    assert entered_ratios([]) == ()


def test_the_mean_of_sites_with_few_events_is_unbiased_where_their_own_errors_make_it_too_low_or_too_high():
    """2,000 draws of 16 sites where 4 to 12 are due and the true ratio is 0.8: its log is -0.223."""
    rng, due = np.random.default_rng(5), np.linspace(4, 12, 16) / 0.8
    means, own = [], []
    for counts in rng.poisson(0.8 * due, (2000, 16)):
        errors = [1 / math.sqrt(count) if count else None for count in counts]
        entered = entered_ratios([site(*one) for one in zip(counts.astype(float), due, errors, strict=True)])
        used = [one for one in entered if one is not None]
        means.append(
            pooled_effect(
                [one.log_ratio for one in used], [one.error for one in used], sites=[str(n) for n in range(len(used))]
            ).estimate
        )
        seen = counts > 0
        own.append(np.average(np.log(counts[seen] / due[seen]), weights=counts[seen]))
    assert np.mean(means) == pytest.approx(math.log(0.8), abs=0.012)  # of which half a variance of the log, 0.004
    assert abs(np.mean(own) - math.log(0.8)) > 0.03
