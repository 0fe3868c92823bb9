"""Totals of counts of which some are masked: as bounds, so that a total less its parts gives none of them away."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.masking import SMALLEST_SHOWN, masked_share


@dataclass(frozen=True)
class Bounds:
    """A count of rows as the page may know it: both ends inclusive, equal where the count may be shown."""

    low: int
    high: int

    @property
    def is_exact(self) -> bool:
        """Whether the count itself may be shown."""
        return self.low == self.high


def bounds_of_sum(counts: Iterable[int]) -> Bounds:
    """What may be known of the sum of counts that are shown masked.

    >>> bounds_of_sum([20, 3]), bounds_of_sum([3, 5]), bounds_of_sum([20, 0])
    (Bounds(low=21, high=27), Bounds(low=2, high=14), Bounds(low=20, high=20))
    """
    parts = [(1, SMALLEST_SHOWN - 1) if 0 < count < SMALLEST_SHOWN else (count, count) for count in counts]
    return Bounds(low=sum(low for low, _ in parts), high=sum(high for _, high in parts))


def bounds_in_words(bounds: Bounds) -> str:
    """The sum as text.

    >>> bounds_in_words(Bounds(1, 7)), bounds_in_words(Bounds(2100, 2106)), bounds_in_words(Bounds(20, 20))
    ('1 to 7', '2,100 to 2,106', '20')
    """
    return f"{bounds.low:,}" if bounds.is_exact else f"{bounds.low:,} to {bounds.high:,}"


def share_of_bounds(bounds: Bounds, evaluated: int) -> str:
    """The sum as a percentage of `evaluated` rows, as wide as its bounds.

    >>> share_of_bounds(Bounds(1, 7), 1000), share_of_bounds(Bounds(21, 27), 1000)
    ('below 0.8%', '2.1% to 2.7%')
    """
    if bounds.is_exact or evaluated < SMALLEST_SHOWN:
        return masked_share(bounds.low, evaluated)
    low, high = (100 * end / evaluated for end in (bounds.low, bounds.high))
    if bounds.low < SMALLEST_SHOWN:
        return f"below {max(100 * (bounds.high + 1) / evaluated, 0.1):.1f}%"
    return f"{low:.1f}%" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f}% to {high:.1f}%"
