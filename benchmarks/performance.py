"""Sums over the draws of a simulation study, and figures with Monte Carlo errors (Morris, White and Crowther 2019)."""

import math
from collections.abc import Mapping, Sequence

from scipy.stats import norm

from evaluation.estimation.pooling import PooledEffect
from evaluation.estimation.rate_ratios import RateRatio

SUMS = ("draws", "failed", "error", "error_squared", "model_error", "covered", "rejected", "fell")


def count(sums: dict[str, float], effect: RateRatio | None, truth: float) -> None:
    """Adds one draw to the sums over draws (`SUMS`); None is a draw without an estimate."""
    if effect is None:
        sums["failed"] += 1
        return
    limits = effect.log_low, effect.log_high
    _count(sums, effect.log_rate_ratio, effect.standard_error, limits, effect.p_value, truth)


def count_pooled(sums: dict[str, float], pooled: PooledEffect | None, truth: float) -> None:
    """The same of the mean across sites."""
    if pooled is None:
        sums["failed"] += 1
        return
    _count(sums, pooled.estimate, pooled.standard_error, (pooled.low, pooled.high), pooled.p_value, truth)


def count_prediction(sums: dict[str, float], pooled: PooledEffect, mean: float, spread: float) -> None:
    """How likely the effect of another site, normal around `mean`, lies in the prediction interval."""
    if pooled.prediction_low is not None and pooled.prediction_high is not None:
        sums["draws"] += 1
        sums["covered"] += norm.cdf(pooled.prediction_high, mean, spread) - norm.cdf(
            pooled.prediction_low, mean, spread
        )


def _count(
    sums: dict[str, float], log_ratio: float, model_error: float, limits: tuple[float, float], p: float, truth: float
) -> None:
    error = log_ratio - truth
    sums["draws"] += 1
    sums["error"] += error
    sums["error_squared"] += error**2
    sums["model_error"] += model_error
    sums["covered"] += limits[0] <= truth <= limits[1]
    sums["rejected"] += p < 0.05
    sums["fell"] += p < 0.05 and log_ratio < 0


def count_bracket(sums: dict[str, float], effects: Sequence[RateRatio | None], truth: float) -> None:
    """Whether the truth lies between the lowest and the highest limit of the designs, and how far these are apart."""
    known = [effect for effect in effects if effect is not None]
    if len(known) == len(effects):
        low, high = min(effect.log_low for effect in known), max(effect.log_high for effect in known)
        sums["draws"] += 1
        sums["covered"] += low <= truth <= high
        sums["width"] += high - low


def performance(sums: Mapping[str, float]) -> dict[str, float]:
    """Figures of one estimator, outcome and cell from the sums over its draws, with Monte Carlo errors.

    By hand: errors 0.1 and -0.1 have bias 0, empirical error 0.141; model errors 0.1 and 0.1: 0.1 / 0.141 = 0.71.
    """
    n = sums["draws"]
    bias = sums["error"] / n
    empirical = math.sqrt(max(sums["error_squared"] - n * bias**2, 0.0) / (n - 1))
    coverage, rejected, fell = sums["covered"] / n, sums["rejected"] / n, sums["fell"] / n
    ratio = sums["model_error"] / n / empirical
    return {
        "draws": n,
        "failed": sums["failed"],
        "bias": bias,
        "bias_error": empirical / math.sqrt(n),
        "coverage": coverage,
        "coverage_error": math.sqrt(coverage * (1 - coverage) / n),
        "model_over_empirical_error": ratio,
        "model_over_empirical_error_error": ratio / math.sqrt(2 * (n - 1)),
        "p_below_0_05": rejected,
        "p_below_0_05_error": math.sqrt(rejected * (1 - rejected) / n),
        "said_reduced": fell,
        "said_reduced_error": math.sqrt(fell * (1 - fell) / n),
    }


def coverage(sums: Mapping[str, float]) -> dict[str, float]:
    """The share of draws whose intervals held the truth; of brackets also their mean width on the log scale."""
    covered = sums["covered"] / sums["draws"]
    error = math.sqrt(covered * (1 - covered) / sums["draws"])
    width = {"mean_width": sums["width"] / sums["draws"]} if "width" in sums else {}
    return {"draws": sums["draws"], "coverage": covered, "coverage_error": error, **width}
