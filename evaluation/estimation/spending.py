"""How much evidence an early look must show, so that all looks together err in one study of twenty at most."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

LEVEL = 0.05
LARGEST = 10.0  # standard errors; nothing is ever found beyond
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)

Floats = NDArray[np.float64]


def spent_by(fraction: float, *, level: float = LEVEL) -> float:
    """The part of the two-sided level that is spent when this fraction (0 to 1) of the information is in.

    The O'Brien-Fleming type of Lan and DeMets (1983), half of the level to each side:
    4 x (1 - Phi(z(1 - level / 4) / sqrt(fraction))).

    By hand: half the information: 4 x (1 - Phi(2.2414 / 0.7071)) = 4 x 0.000763 = 0.00305.
    """
    return min(float(4 * norm.sf(norm.isf(level / 4) / math.sqrt(fraction))), level)


def spending_boundaries(fractions: Sequence[float], *, level: float = LEVEL) -> tuple[float, ...]:
    """Boundaries of the estimate over its standard error, one a look, at increasing fractions of the information.

    At each look the probability of crossing for the first time, if there is no effect, is what is newly spent; found by
    integrating over the process that has not crossed yet (Armitage, McPherson and Rowe 1969). Raises `ValueError`
    for fractions that don't increase within (0, 1].

    By hand: a single look: 1.960. Two equal looks: 2.963 and 1.969.
    """
    if any(later <= earlier for earlier, later in zip((0.0, *fractions), fractions, strict=False)):
        raise ValueError("fractions of the information: expected to increase from above 0")
    if any(fraction > 1 for fraction in fractions):
        raise ValueError("fractions of the information: expected 1 at most")
    boundaries = list[float]()
    points, mass, before, spent = np.zeros(1), np.ones(1), 0.0, 0.0
    for fraction in fractions:
        newly = spent_by(fraction, level=level) - spent
        step = math.sqrt(fraction - before)
        boundary = _boundary(points, mass, step, math.sqrt(fraction), newly)
        boundaries.append(boundary)
        points, mass = _not_crossed(points, mass, step, boundary * math.sqrt(fraction))
        before, spent = fraction, spent + newly
    return tuple(boundaries)


def nominal_level(boundary: float) -> float:
    """The two-sided p-value that an estimate on the boundary has: 0.05 for 1.960, 0.0030 for 2.963."""
    return float(2 * norm.sf(boundary))


def _boundary(points: Floats, mass: Floats, step: float, scale: float, newly: float) -> float:
    """The multiple of `scale` beyond which the process, spread over `points`, comes with the probability `newly`."""

    def excess(multiple: float) -> float:
        limit = multiple * scale
        beyond = norm.sf((limit - points) / step) + norm.sf((limit + points) / step)
        return float(mass @ beyond) - newly

    return LARGEST if excess(LARGEST) >= 0 else float(brentq(excess, 0.0, LARGEST, xtol=1e-10))


def _not_crossed(points: Floats, mass: Floats, step: float, limit: float) -> tuple[Floats, Floats]:
    """Where the process stands a step later if it has stayed within the limits: places, and the mass at each."""
    later = limit * _NODES
    density = norm.pdf((later[:, None] - points[None, :]) / step) @ mass / step
    return later, limit * _WEIGHTS * density
