"""Families of outcomes: p-values of the default estimates, adjusted for how many outcomes the protocol names."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import polars as pl

from evaluation.estimation.multiplicity import benjamini_hochberg, holm

ADJUSTMENTS: Mapping[str, Callable[[Sequence[float | None]], list[float | None]]] = MappingProxyType(
    {"primary": holm, "secondary": benjamini_hochberg}
)


def with_adjusted_p_values(estimates: pl.DataFrame) -> pl.DataFrame:
    """`estimates` with `family` and `p_adjusted` of the default rows, within one population and priority each.

    Primary outcomes by Holm, secondary ones by Benjamini and Hochberg, use of care and questionnaire items together.
    Null on other rows, on exploratory metrics, and where there is no p-value: what could not be tested does not
    count. Nothing is adjusted for the number of populations: those apart from `all_sites` are looked at beside it.

    By hand: secondary p-values 0.01, 0.04 and 0.03 of one population: 0.03, 0.04 and 0.04.
    """
    members: dict[tuple[str, str], list[int]] = {}
    columns = estimates.select("population", "priority", "is_default", "p_value").rows()
    for position, (population, priority, is_default, p_value) in enumerate(columns):
        if is_default and priority in ADJUSTMENTS and p_value is not None:
            members.setdefault((population, priority), []).append(position)
    adjusted: list[float | None] = [None] * len(columns)
    families: list[str | None] = [None] * len(columns)
    for (_, priority), positions in members.items():
        for position, value in zip(positions, ADJUSTMENTS[priority]([columns[i][3] for i in positions]), strict=True):
            adjusted[position], families[position] = value, priority
    return estimates.with_columns(
        pl.Series("p_adjusted", adjusted, dtype=pl.Float64), pl.Series("family", families, dtype=pl.String)
    )
