"""Errors that hold with few people: CR2 and Satterthwaite's degrees of freedom of a change between two rates."""

from dataclasses import dataclass

import numpy as np

from evaluation.regression import Floats

FEW_CLUSTERS = 12
ALONE = 1e-9  # whoever has all the person-time of a period is met without a residual, whatever happens


@dataclass(frozen=True, kw_only=True)
class SmallSampleVariance:
    """The variance of an estimate, and the degrees of freedom of Student's t that go with it."""

    variance: float
    degrees_of_freedom: float


def cr2_variance(influences: Floats, shares: Floats, model_variances: Floats) -> SmallSampleVariance:
    """Bias-reduced variance of a sum over c rates, people being clusters, from what each adds to each rate.

    `influences` (n x c) are what people add to the estimate through each rate, `shares` (n x c) their share of each
    rate's person-time, `model_variances` (c) what Poisson would give each rate's part. In a regression saturated in
    the rates a person's hat matrix is diagonal, the shares; so CR2 divides an influence by the root of one less the
    share, and Satterthwaite's degrees of freedom need sums over people alone (Bell and McCaffrey 2002; Pustejovsky and
    Tipton 2018, with independent Poisson counts as the working model). Nothing is assumed of how much counts vary.

    By hand: with equal person-time the factor is G/(G-1) and degrees of freedom are G-1: influences 1, -1 of two
    people: 2 x 2/1 = 4 on 1.
    """
    left = 1 - shares
    stretch = np.where(left > ALONE, 1 / np.sqrt(np.where(left > ALONE, left, 1.0)), 0.0)
    added = (influences * stretch).sum(axis=1)
    return SmallSampleVariance(
        variance=float(added @ added), degrees_of_freedom=_satterthwaite(shares, stretch, model_variances)
    )


def sum_of_independent(parts: list[SmallSampleVariance]) -> SmallSampleVariance:
    """Variance of a sum of independent estimates, with Welch's degrees of freedom: V^2 over sum of V_i^2 / freedom_i.

    By hand: 1 on 4 and 1 on 4: 2 on 4 / (1/4 + 1/4) = 8.
    """
    total = sum(part.variance for part in parts)
    squares = sum(part.variance**2 / part.degrees_of_freedom for part in parts)
    return SmallSampleVariance(variance=total, degrees_of_freedom=total**2 / squares)


def _satterthwaite(shares: Floats, stretch: Floats, model_variances: Floats) -> float:
    """Twice the squared mean over the variance of the estimated variance, under the working model."""
    own = (shares * stretch**2 * (1 - shares)) @ model_variances
    linked = shares * stretch
    scale = np.outer(model_variances, model_variances)
    across = scale * ((linked.T @ linked) ** 2 - (linked**2).T @ linked**2)
    squares = float(own @ own + across.sum())
    return float(own.sum()) ** 2 / squares if squares > 0 else 0.0
