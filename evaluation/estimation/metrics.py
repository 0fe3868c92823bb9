"""What is measured, and on whom."""

from dataclasses import dataclass

import polars as pl

ALL_SITES = "all_sites"
CASE_MANAGEMENT = "case_management"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measure of the study, as its contract and the protocol describe it.

    `metric_id` is a column of `person_periods` or an item of an instrument. `is_binary` marks a share of
    people instead of a rate: an item's positive answers, or an event that happens once, such as death.
    `code_lists` are the lists the measure rests on, `unverified_code_lists` those among them that nobody
    has checked against their source; `notes` are sentences that every caution on the metric ends with.
    """

    metric_id: str
    label: str
    domain: str
    unit: str
    kind: str = "outcome"
    priority: str = "exploratory"
    benefits: str | None = None
    is_binary: bool = False
    code_lists: tuple[str, ...] = ()
    unverified_code_lists: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def site_populations(sites: pl.DataFrame) -> pl.DataFrame:
    """The sites that make up each population: `population`, `site_id`; one row per pair.

    `sites` has `site_id` and `case_management` (null means not flagged). `case_management` is a population
    only if a site is flagged; every site is one of its own, `site:<id>`. `all_sites` needs no rows: it is
    every pilot person, whatever the site.
    """
    ordered = sites.select("site_id", "case_management").unique().sort("site_id")
    flagged = ordered.filter(pl.col("case_management").fill_null(value=False))
    return pl.concat(
        [
            flagged.select(pl.lit(CASE_MANAGEMENT).alias("population"), "site_id"),
            ordered.select(pl.format("site:{}", "site_id").alias("population"), "site_id"),
        ]
    )


def population_words(population: str) -> str:
    """A population in plain words, as in "all sites"."""
    if population.startswith("site:"):
        return f"site {population.removeprefix('site:')}"
    return {ALL_SITES: "all sites", CASE_MANAGEMENT: "case-management sites"}.get(population, population)
