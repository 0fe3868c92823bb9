"""What it takes to find a change with 80% power at 5% two-sided: people, months, sites."""

import math
from dataclasses import replace

from scipy.stats import t

from evaluation.planning.power import LEVEL, POWER, Comparison, site_variance, standard_error, variances
from evaluation.planning.rates import EventRate

MONTHS_PER_YEAR = 12
LONGEST_MONTHS = 120
MOST_SITES = 1000


def people_needed(
    rate: EventRate,
    *,
    change_pct: float,
    months: float,
    comparison_per_pilot: float,
    years_before: float | None = None,
    sites: int | None = None,
    site_spread_pct: float = 0.0,
) -> int | None:
    """Pilot people needed, with `comparison_per_pilot` comparison people in effect for each, followed for `months`.

    (1.960 + 0.842)^2 x (pilot + comparison / ratio) / log(1 + change)^2 with the variances per person of
    `variances` (Zhu and Lakkis 2014). For the mean across `sites` (see `Comparison`) what the sites add goes off first;
    None where they alone add too much, so that no number of people is enough. Raises `ValueError` for no change.

    By hand: rate 0.5 a year, dispersion 2, 12 months, -20%, one for one: 2.5 + 2 + 2 + 2 = 8.5;
    7.849 x 8.5 / 0.0498 = 1,340.
    """
    one = Comparison(
        pilot_people=1.0,
        comparison_people=comparison_per_pilot,
        years=months / MONTHS_PER_YEAR,
        years_before=years_before,
        sites=sites,
        site_spread_pct=site_spread_pct,
    )
    of_people = standard_error(rate, one, change_pct=change_pct) ** 2 - one.variance_of_sites
    left = (_effect(change_pct) / _errors(one)) ** 2 - one.variance_of_sites
    return math.ceil(of_people / left) if left > 0 else None


def months_needed(rate: EventRate, comparison: Comparison, *, change_pct: float) -> int | None:
    """Whole months of follow-up with which these people are enough; None where ten years are not.

    Longer follow-up counts more events but does not make people alike: with too few people the dispersion alone
    hides the change. By hand: 2,000 and 2,000 people, rate 0.5, dispersion 2, -20%: the variance may be
    0.0498 / 7.849 = 0.00634, of which 0.002 are the dispersion; (2.5 + 2) / (2,000 x years) = 0.00434 in
    6.2 months, so 7.
    """
    target = _effect(change_pct) / _errors(comparison)
    for months in range(1, LONGEST_MONTHS + 1):
        followed = replace(comparison, years=months / MONTHS_PER_YEAR)
        if standard_error(rate, followed, change_pct=change_pct) <= target:
            return months
    return None


def sites_needed(
    rate: EventRate,
    *,
    change_pct: float,
    months: float,
    people_per_site: float,
    comparison_per_pilot: float,
    site_spread_pct: float,
    years_before: float | None = None,
) -> int | None:
    """Sites needed to know the effect that other sites may expect; None where a thousand are not enough.

    The sites' own effects spread around the common one with a standard deviation of `site_spread_pct` percent (on the
    log scale), so each site adds that variance and its people's; quantiles are Student's with sites - 1 degrees of
    freedom. Without the spread a large site would do; with it no number of people makes up for few sites.

    By hand: a spread of 10% and very many people a site, -10%: effect 0.1054, so about
    7.85 x 0.00908 / 0.0111 = 6.4 with normal quantiles, 9 with Student's.
    """
    years = months / MONTHS_PER_YEAR
    pilot, other = variances(rate, years=years, change_pct=change_pct, years_before=years_before)
    spread = site_variance(site_spread_pct) + (pilot + other / comparison_per_pilot) / people_per_site
    for sites in range(2, MOST_SITES + 1):
        errors = float(t.ppf(1 - LEVEL / 2, sites - 1) + t.ppf(POWER, sites - 1))
        if errors**2 * spread / sites <= _effect(change_pct) ** 2:
            return sites
    return None


def _errors(comparison: Comparison) -> float:
    """How many errors a change must measure to be found with 80% power: 1.960 + 0.842 = 2.802 for normal ones."""
    return float(comparison.distribution.ppf(1 - LEVEL / 2) + comparison.distribution.ppf(POWER))


def _effect(change_pct: float) -> float:
    if change_pct == 0:
        raise ValueError("no change: no number of people finds it")
    return abs(math.log1p(change_pct / 100))
