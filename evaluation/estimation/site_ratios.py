"""Sites' effects as they enter a mean across sites: chance neither weights a site nor leaves it out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LARGEST_ERROR = 0.5  # of a log rate ratio: as much as four events of different people say


@dataclass(frozen=True, kw_only=True)
class SiteCount:
    """What happened at a site and what was expected there without the pilot, in one unit (events, people, pounds).

    `error` is the standard error of the log of their ratio; None where too few people had any event.
    """

    observed: float
    expected: float
    error: float | None


@dataclass(frozen=True, kw_only=True)
class EnteredRatio:
    """A site's log rate ratio and its error as they enter the mean across sites."""

    log_ratio: float
    error: float


def entered_ratios(sites: Sequence[SiteCount]) -> tuple[EnteredRatio | None, ...]:
    """One-step log rate ratios at the sites' common ratio; None for a site of which too little is expected.

    With R = sum observed / sum expected and s2 = sum (observed x error)^2 / sum observed over sites with an error (the
    variance of a unit observed): log R + observed / (expected R) - 1, with error sqrt(s2 / (expected R)). That is the
    first step of Newton's method from the common ratio, as Yusuf and others (1985) take it for odds ratios from 1. It
    is linear in what was observed, so it stays unbiased where few events are due, and neither its weight nor whether it
    enters hangs on it: pooled by their own errors, sites count the more the more events they happened to have, and
    leaving out those with few keeps those where much happened. Assumes sites' ratios near to each other (30% is fine,
    threefold is not) and that what happens varies alike everywhere, in proportion to what is expected. No site enters
    where none has an error, or nothing happened anywhere.

    By hand: 8 and 12 where 10 are expected at each, errors 0.35 and 0.29: R = 1, s2 = (2.8^2 + 3.48^2) / 20 = 1.0;
    log ratios -0.2 and 0.2 (their own: -0.223 and 0.182), errors sqrt(1.0 / 10) = 0.316 both.
    """
    observed = np.array([site.observed for site in sites])
    expected = np.array([site.expected for site in sites])
    known = [(site.observed, site.error) for site in sites if site.error is not None]
    happened = sum(count for count, _ in known)
    if happened <= 0 or expected.sum() <= 0:
        return (None,) * len(sites)
    common = float(observed.sum() / expected.sum())
    unit = sum((count * error) ** 2 for count, error in known) / happened
    return tuple(_entered(site, common, unit) for site in sites)


def _entered(site: SiteCount, common: float, unit: float) -> EnteredRatio | None:
    due = site.expected * common
    if due <= 0 or math.sqrt(unit / due) > LARGEST_ERROR:
        return None
    return EnteredRatio(log_ratio=math.log(common) + site.observed / due - 1, error=math.sqrt(unit / due))
