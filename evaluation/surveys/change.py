"""Mean of an answer in each wave and its change, for part of a sample."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from evaluation.surveys.design import Flags, Floats, Sample, linearised_variance

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class MeanChange:
    """Means in both waves, the change with a 95% interval, and how many clusters answered at all."""

    clusters: int
    baseline: float | None = None
    follow_up: float | None = None
    change: float | None = None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def change_in_mean(values: Floats, *, baseline: Flags, follow_up: Flags, sample: Sample) -> MeanChange:
    """Weighted means over the rows of `baseline` and of `follow_up`, and the second less the first.

    Estimand: the change of the mean between the waves (`before_after`), no effect. Assumes that answers are like those
    that were not given, and respondents independent within strata.

    `values`, both masks and `sample` have one element per row of the whole design; rows outside both masks
    belong to the design but not to this domain. Standard error by Taylor linearisation: the influence of
    row i on a mean is weight_i x (value_i - mean) / sum of weights, and a person who answers twice is one
    cluster, so that pairing is used where it exists. Strata help as far as sites changed differently; their
    difference in level stays in the error, since who answers in which wave is taken as chance.

    Interval and two-sided p-value from Student's t with (clusters - strata) degrees of freedom, counting
    those that answered (Korn and Graubard 1999). They are None where a wave is empty, where all answers of
    a wave are alike, or where no degree of freedom is left.

    By hand: 1, 0 before and 1, 1, 0, 1 after, each by another person: means 0.5 and 0.75, change 0.25;
    variance 6/5 x (2 x 0.25^2 + 3 x 0.0625^2 + 0.1875^2) = 0.20625.
    """
    answered = baseline | follow_up
    clusters = np.unique(sample.clusters[answered]).size
    means = [_mean(values, sample.weights, rows) for rows in (baseline, follow_up)]
    before, after = means
    if before is None or after is None:
        return MeanChange(clusters=clusters, baseline=before, follow_up=after)
    levels = MeanChange(clusters=clusters, baseline=before, follow_up=after, change=after - before)
    freedom = clusters - np.unique(sample.strata[answered]).size
    if freedom < 1 or not (_varies(values[baseline]) and _varies(values[follow_up])):
        return levels
    influence = _influence(values, sample.weights, follow_up, after) - _influence(
        values, sample.weights, baseline, before
    )
    variance = linearised_variance(influence, strata=sample.strata, clusters=sample.clusters)
    return _with_interval(levels, change=after - before, standard_error=math.sqrt(variance), freedom=freedom)


def _with_interval(levels: MeanChange, *, change: float, standard_error: float, freedom: int) -> MeanChange:
    if standard_error <= 0:
        return levels
    half_width = float(stdtrit(freedom, 0.5 + CONFIDENCE_LEVEL / 2)) * standard_error
    return MeanChange(
        clusters=levels.clusters,
        baseline=levels.baseline,
        follow_up=levels.follow_up,
        change=change,
        standard_error=standard_error,
        low=change - half_width,
        high=change + half_width,
        p_value=2 * float(stdtr(freedom, -abs(change) / standard_error)),
    )


def _mean(values: Floats, weights: Floats, rows: Flags) -> float | None:
    total = float(weights[rows].sum())
    return float((weights[rows] * values[rows]).sum()) / total if total > 0 else None


def _influence(values: Floats, weights: Floats, rows: Flags, mean: float) -> Floats:
    return np.asarray(np.where(rows, weights * (values - mean), 0.0) / weights[rows].sum(), dtype=np.float64)


def _varies(values: Floats) -> bool:
    return bool(values.size) and bool(np.ptp(values) > 0)
