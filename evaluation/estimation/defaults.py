"""Which estimate of a metric and population a reader should see first: settled by the design, not by results."""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from evaluation.estimation.metrics import Metric

ORDER = ("weighted_cohort", "matched_did", "unmatched_did", "uncontrolled")
NOT_ONCE_ONLY = ("matched_did",)


def with_defaults(
    estimates: pl.DataFrame, *, found: Mapping[str, Collection[str]], metrics: Sequence[Metric]
) -> pl.DataFrame:
    """`estimates` with one default per metric and population.

    `found`: by population, the controlled designs for which the design stage found weights or pairs. The first is
    `weighted_cohort`, then `matched_did` (not for once-only events), `unmatched_did`, `uncontrolled`. No outcome has
    a say: where the default's estimate can't be had, its row says so and no other takes its place. A population with
    one design (a subgroup) has that, found or not.
    """
    once_only = {metric.metric_id for metric in metrics if metric.is_binary}
    keys = estimates.select("metric_id", "population", "design").rows()
    present: dict[tuple[str, str], set[str]] = {}
    for metric_id, population, design in keys:
        present.setdefault((metric_id, population), set()).add(design)
    chosen = {
        (metric_id, population): _first(designs, found.get(population, ()), is_once_only=metric_id in once_only)
        for (metric_id, population), designs in present.items()
    }
    flags = [chosen[metric_id, population] == design for metric_id, population, design in keys]
    return estimates.with_columns(pl.Series("is_default", flags, dtype=pl.Boolean))


def _first(designs: Collection[str], found: Collection[str], *, is_once_only: bool) -> str:
    usable = {"unmatched_did", "uncontrolled", *found} & set(designs)
    if is_once_only:
        usable = usable - set(NOT_ONCE_ONLY)
    return next(design for design in ORDER if design in (usable or designs))
