"""`matched_did` as it would be had the drift between the groups before the crisis gone on."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from evaluation.estimation.controlled import MATCHED_DID, WEIGHTED
from evaluation.estimation.intervals import log_standard_error, quantile
from evaluation.estimation.lead_changes import CHANGE_A_YEAR

CARRIED_FORWARD = ("carried_forward_pct", "carried_forward_low_pct", "carried_forward_high_pct")
LIMITS = ("relative_change_pct", "relative_low_pct", "relative_high_pct")
BASELINE_MIDDLE_MONTHS = 15  # the middle of months -24 to -7 lies so long before the index date
_KEYS = ("metric_id", "population")


def with_carried_forward(estimates: pl.DataFrame, lead_tests: pl.DataFrame, *, follow_up_months: int) -> pl.DataFrame:
    """`metric_estimates` whose default rows of `weighted_cohort` have `CARRIED_FORWARD`, where the drift is known.

    The drift is `change_a_year_pct` of `lead_tests`; see `carried_forward`. Null on other rows, where `matched_did` has
    no interval, and where pairs were made alike in months that the drift would have to be seen in.
    """
    years = years_of_drift(follow_up_months)
    designs = estimates.filter(design=MATCHED_DID).select(*_KEYS, *LIMITS)
    drifts = lead_tests.filter(design=MATCHED_DID).select(*_KEYS, *CHANGE_A_YEAR)
    both = designs.join(drifts, on=_KEYS, how="inner")
    found = {(row["metric_id"], row["population"]): carried_forward(row, years=years) for row in both.to_dicts()}
    values = [
        (found.get((metric, population)) if is_default and design == WEIGHTED else None) or (None, None, None)
        for is_default, design, metric, population in estimates.select("is_default", "design", *_KEYS).rows()
    ]
    columns = zip(CARRIED_FORWARD, zip(*values, strict=True) if values else ((), (), ()), strict=True)
    return estimates.with_columns(pl.Series(name, column, dtype=pl.Float64) for name, column in columns)


def carried_forward(row: Mapping[str, Any], *, years: float) -> tuple[float, float, float] | None:
    """Change and 95% limits in percent of a `matched_did` less `years` of drift; None where an interval is missing.

    `row` has the `LIMITS` of `matched_did` and the `CHANGE_A_YEAR` between the same people, both in percent.
    """
    errors = [log_standard_error(row[low], row[high]) for low, high in (LIMITS[1:], CHANGE_A_YEAR[1:])]
    if errors[0] is None or errors[1] is None:
        return None
    effect = math.log1p(row[LIMITS[0]] / 100), errors[0]
    drift = math.log1p(row[CHANGE_A_YEAR[0]] / 100), errors[1]
    log_ratio, error = less_drift(effect, drift, years=years)
    reach = quantile() * error
    change, low, high = (100 * math.expm1(log_ratio + by) for by in (0.0, -reach, reach))
    return change, low, high


def less_drift(effect: tuple[float, float], drift: tuple[float, float], *, years: float) -> tuple[float, float]:
    """A log rate ratio and its standard error less `years` of a drift a year (log ratio and standard error).

    `years` lie between the middles of baseline and follow-up. Assumes that without the pilot the log of the ratio of
    the two rates would have gone on in a straight line from months -24 to -7: the smoothness restriction of Rambachan
    and Roth (2023, Review of Economic Studies 90) with no change of slope. The two errors are taken as independent: the
    drift compares the two ends of the baseline, the effect its mean with what follows.

    By hand: 0.10 (0.03) with a drift of 0.05 (0.04) a year over 1.5 years: 0.10 - 0.075 = 0.025, and the root of
    0.03^2 + (1.5 x 0.04)^2 = 0.067.
    """
    return effect[0] - years * drift[0], math.hypot(effect[1], years * drift[1])


def years_of_drift(follow_up_months: float) -> float:
    """From the middle of months -24 to -7 to the middle of follow-up; 6 months: (15 + 3) / 12 = 1.5."""
    return (BASELINE_MIDDLE_MONTHS + follow_up_months / 2) / 12
