"""p-values of a family of outcomes, adjusted for their number."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) step-down adjustment: controls the chance of any wrong rejection; for primary outcomes.

    The j-th smallest of m is multiplied by m - j + 1, never below the one before it, at most 1. None stays
    None and does not count towards m.

    By hand: 0.01, 0.04, 0.03: 0.03, 0.06 (0.04 x 1, not below 0.06), 0.06 (0.03 x 2).
    """
    return _adjusted(p_values, step_down=True)


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini and Hochberg's (1995) step-up: controls the share of wrong rejections; for secondary outcomes.

    The j-th smallest of m is multiplied by m / j, never above the one after it. None stays None and does not
    count towards m.

    By hand: 0.01, 0.04, 0.03: 0.03, 0.04, 0.04 (0.03 x 3 / 2 = 0.045, not above 0.04).
    """
    return _adjusted(p_values, step_down=False)


def _adjusted(p_values: Sequence[float | None], *, step_down: bool) -> list[float | None]:
    known = [position for position, value in enumerate(p_values) if value is not None]
    p = np.array([p_values[position] for position in known], dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values: expected 0 to 1, or None")
    order, m = np.argsort(p, kind="stable"), p.size
    ranks = np.arange(1, m + 1)
    if step_down:
        stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * (m - ranks + 1)))
    else:
        stepped = np.minimum(1.0, np.minimum.accumulate((p[order] * m / ranks)[::-1])[::-1])
    adjusted: list[float | None] = [None] * len(p_values)
    for place, value in zip(order, stepped, strict=True):
        adjusted[known[place]] = float(value)
    return adjusted
