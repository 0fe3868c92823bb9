"""Whole deliveries beside the right ones: what was sent too early, or wrong, and replaced later."""

import numpy as np
import polars as pl

SHARE_NOT_YET_KNOWN = 0.03
SHARE_WRONG = 0.05
NHS_NUMBER_WEIGHTS = tuple(range(10, 1, -1))


def earlier_snapshot(records: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A register as it was before: some of its people were not yet in it."""
    return records.filter(pl.Series(rng.random(records.height) >= SHARE_NOT_YET_KNOWN))


def wrong_delivery(attendances: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A year of A&E attendances as it was sent first: some are missing, some have another category."""
    sent = attendances.filter(pl.Series(rng.random(attendances.height) >= SHARE_NOT_YET_KNOWN))
    is_wrong = pl.Series(rng.random(sent.height) < SHARE_WRONG)
    return sent.with_columns(AEATTENDCAT=pl.when(is_wrong).then(pl.lit("2")).otherwise("AEATTENDCAT"))


def numbers_of_nobody(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct NHS numbers of the range that is kept for tests (999...), with their check digits.

    Example: the check digit of 999000001 is 8: 11 - (9 x 10 + 9 x 9 + 9 x 8 + 1 x 2) mod 11.
    """
    drawn = rng.permutation(999_999)[: 2 * count + 10]
    numbers = [f"999{number:06d}" for number in sorted(drawn.tolist())]
    checked = [f"{number}{check}" for number in numbers if (check := _check_digit(number)) < 10]
    return checked[:count]


def _check_digit(nine: str) -> int:
    """NHS Data Dictionary, modulus 11: 11 - (weighted sum mod 11), 11 counts as 0, 10 makes no number."""
    remainder = sum(int(digit) * weight for digit, weight in zip(nine, NHS_NUMBER_WEIGHTS, strict=True)) % 11
    return (11 - remainder) % 11
