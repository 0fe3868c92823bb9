"""Which of two effects stands in the headline of all sites: in these pilots, or the mean across sites like them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import polars as pl

from evaluation.estimation.cautions import join
from evaluation.estimation.metrics import ALL_SITES
from evaluation.estimation.sensitivity_words import signed

SitesAs = Literal["fixed", "random"]
FIXED, RANDOM = "fixed", "random"
_PARTS = ("change", "low", "high")
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")
MEAN_ACROSS_SITES = "This is the mean over sites such as these, random effects."
ANOTHER_SITE = "Another site like these may expect between {low} and {high} (95% prediction interval)."
TOO_FEW_SITES = "With so few sites nothing can be said of another one."
NOT_ACROSS_SITES = (
    "The protocol asks for the mean across sites (`sites_as: random`), which cannot be had here: this is the effect in "
    "these pilots, all people together."
)


def with_headlines(
    defaults: pl.DataFrame, *, pooling: pl.DataFrame, sites_as: SitesAs
) -> Iterator[tuple[dict[str, Any], str]]:
    """Default rows of `metric_estimates` with `sites_as`, and what is said of the mean across sites.

    `degrees_of_freedom` is that of an interval by Student's t, null for a normal one.

    With `fixed` a row of `all_sites` keeps its estimate: the effect in these pilots, errors by person. With `random` it
    takes change and 95% interval from the metric's row of `pooling` (`SITE_POOLING`: restricted maximum likelihood,
    Hartung and Knapp), its cautions, and words with the prediction interval; where nothing was pooled it stays as it
    was, `fixed`, and the caution says so. `sites_as` is null for every other population.
    """
    across = {row["metric_id"]: row for row in pooling.iter_rows(named=True) if row["random_change_pct"] is not None}
    for row in defaults.iter_rows(named=True):
        if row["population"] != ALL_SITES:
            yield row | {"sites_as": None, "degrees_of_freedom": None}, ""
        elif sites_as == FIXED:
            yield row | {"sites_as": FIXED, "degrees_of_freedom": None}, ""
        elif row["metric_id"] not in across:
            caution = join(str(row["caution"]), NOT_ACROSS_SITES)
            yield row | {"sites_as": FIXED, "degrees_of_freedom": None, "caution": caution}, ""
        else:
            yield _random(row, across[row["metric_id"]]), _words(across[row["metric_id"]])


def _random(row: Mapping[str, Any], across: Mapping[str, Any]) -> dict[str, Any]:
    said = _SENTENCE.split(str(row["caution"]))
    added = [sentence for sentence in _SENTENCE.split(across["caution"]) if sentence not in said]
    effect = {f"relative_{part}_pct": across[f"random_{part}_pct"] for part in _PARTS}
    freedom = {"degrees_of_freedom": across["sites_used"] - 1}
    return dict(row) | effect | freedom | {"sites_as": RANDOM, "caution": join(*said, *added)}


def _words(across: Mapping[str, Any]) -> str:
    low, high = across["prediction_low_pct"], across["prediction_high_pct"]
    another = TOO_FEW_SITES if low is None else ANOTHER_SITE.format(low=signed(low), high=signed(high))
    return join(MEAN_ACROSS_SITES, another)
