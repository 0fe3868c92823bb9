"""`icp results`: the primary outcomes in these pilots and across sites such as these."""

import math
from collections.abc import Sequence
from typing import Any

from pipelines.results_words import effect_in_words, percent

Row = dict[str, Any]
COLUMNS = (
    "Measure",
    "These pilots, all people together",
    "Sites such as these, on average (random effects)",
    "Another site like these",
    "How far sites differ",
    "Sites",
)
NOTHING = "nothing pooled"
HEADLINE = "Headline: "
KEPT = ("design", "nominal_level")


def across_sites_rows(
    pooling: Sequence[Row], estimates: Sequence[Row], statements: Sequence[Row]
) -> list[tuple[Row, list[str]]]:
    """Rows of `site_pooling` for primary outcomes, each with the cells of `COLUMNS`; what `statements` state is marked.

    The effect in these pilots is the default estimate of `all_sites`, with errors by person; the mean across sites asks
    what sites such as these would have.
    """
    together = {row["metric_id"]: row for row in estimates if row["population"] == "all_sites" and row["is_default"]}
    stated = {row["metric_id"]: row["sites_as"] for row in statements if row["population"] == "all_sites"}
    return [
        (row, _marked(_cells(row, together[row["metric_id"]]), stated.get(row["metric_id"])))
        for row in pooling
        if row["priority"] == "primary" and row["metric_id"] in together
    ]


def _marked(cells: list[str], sites_as: str | None) -> list[str]:
    """`cells` with the headline's own marked, first of these pilots, then across sites."""
    position = {"fixed": 1, "random": 2}.get(str(sites_as))
    return [f"{HEADLINE}{cell}" if place == position else cell for place, cell in enumerate(cells)]


def _cells(row: Row, together: Row) -> list[str]:
    counted = f"{row['sites_used']} of {row['sites']}"
    if row["random_change_pct"] is None:
        return [row["label"], effect_in_words(together), NOTHING, "-", "-", counted]
    average = {f"relative_{part}_pct": row[f"random_{part}_pct"] for part in ("change", "low", "high")}
    return [
        row["label"],
        effect_in_words(together),
        effect_in_words(average | {name: row[name] for name in KEPT}, degrees_of_freedom=row["sites_used"] - 1),
        _prediction(row),
        f"by about {_standard_deviation(row['tau2'])} (standard deviation; I2 {row['i2_pct']:.0f}%)",
        counted,
    ]


def _standard_deviation(tau2: float) -> str:
    """Between sites, as a percentage of the rate: a variance of 0.0025 is 5.1%."""
    return percent(100 * math.expm1(math.sqrt(tau2)))[1:]


def _prediction(row: Row) -> str:
    low, high = row["prediction_low_pct"], row["prediction_high_pct"]
    return "too few sites" if low is None else f"between {percent(low)} and {percent(high)}"
