"""Sums over the draws of a simulation study, and figures with Monte Carlo errors (Morris, White and Crowther 2019)."""

import math
from collections.abc import Mapping, Sequence

from evaluation.estimation.rate_ratios import RateRatio

SUMS = ("draws", "failed", "error", "error_squared", "model_error", "covered", "rejected")


def count(sums: dict[str, float], effect: RateRatio | None, truth: float) -> None:
    """Adds one draw to the sums over draws (`SUMS`); None is a draw without an estimate."""
    if effect is None:
        sums["failed"] += 1
        return
    error = effect.log_rate_ratio - truth
    sums["draws"] += 1
    sums["error"] += error
    sums["error_squared"] += error**2
    sums["model_error"] += effect.standard_error
    sums["covered"] += effect.log_low <= truth <= effect.log_high
    sums["rejected"] += effect.p_value < 0.05


def count_bracket(sums: dict[str, float], effects: Sequence[RateRatio | None], truth: float) -> None:
    """Whether the truth lies between the lowest and the highest limit of the default and of its neighbour."""
    known = [effect for effect in effects if effect is not None]
    if len(known) == len(effects):
        sums["draws"] += 1
        sums["covered"] += min(e.log_low for e in known) <= truth <= max(e.log_high for e in known)


def performance(sums: Mapping[str, float]) -> dict[str, float]:
    """Figures of one estimator, outcome and cell from the sums over its draws, with Monte Carlo errors.

    By hand: errors 0.1 and -0.1 have bias 0, empirical error 0.141; model errors 0.1 and 0.1: 0.1 / 0.141 = 0.71.
    """
    n = sums["draws"]
    bias = sums["error"] / n
    empirical = math.sqrt(max(sums["error_squared"] - n * bias**2, 0.0) / (n - 1))
    coverage, rejected = sums["covered"] / n, sums["rejected"] / n
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
    }


def coverage(sums: Mapping[str, float]) -> dict[str, float]:
    """The share of draws whose intervals held the truth."""
    covered = sums["covered"] / sums["draws"]
    error = math.sqrt(covered * (1 - covered) / sums["draws"])
    return {"draws": sums["draws"], "coverage": covered, "coverage_error": error}
