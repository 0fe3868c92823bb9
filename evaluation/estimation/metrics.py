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
    has checked against their source; `notes` are sentences that every caution on the metric ends with. `is_item` marks
    an item of a questionnaire; `smallest_worthwhile_change_pct` is the protocol's, below zero for a fall.
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
    is_item: bool = False
    smallest_worthwhile_change_pct: float | None = None


def site_populations(sites: pl.DataFrame) -> pl.DataFrame:
    """The sites that make up each population: `population`, `site_id`; one row per pair.

    `sites` has `site_id`, `case_management` (null means not flagged) and `models` (names of models of joint working,
    separated by semicolons; null where not known). `case_management` is a population only if a site is flagged. Every
    model is one, `model:<name>`, of all sites that name it among theirs: a site with two models is in both, so these
    populations overlap. Every site is one of its own, `site:<id>`. `all_sites` needs no rows: it is every pilot
    person, whatever the site.

    By hand: sites a with `team;budget` and b with `team`: `model:budget` is a, `model:team` is a and b.
    """
    ordered = sites.select("site_id", "case_management", "models").unique("site_id").sort("site_id")
    flagged = ordered.filter(pl.col("case_management").fill_null(value=False))
    return pl.concat(
        [
            flagged.select(pl.lit(CASE_MANAGEMENT).alias("population"), "site_id"),
            _of_models(ordered),
            ordered.select(pl.format("site:{}", "site_id").alias("population"), "site_id"),
        ]
    )


def _of_models(sites: pl.DataFrame) -> pl.DataFrame:
    named = sites.select("site_id", pl.col("models").str.split(";")).explode("models")
    clean = named.with_columns(pl.col("models").str.strip_chars()).filter(pl.col("models") != "")
    return (
        clean.unique().sort("models", "site_id").select(pl.format("model:{}", "models").alias("population"), "site_id")
    )


def population_words(population: str) -> str:
    """A population in plain words, as in "all sites"."""
    kind, _, name = population.partition(":")
    if kind == "site":
        return f"site {name}"
    if kind == "model":
        return f"sites with the model {name.replace('_', ' ')}"
    if kind == "subgroup":
        return name.replace("=", " ").replace("_", " ")
    return {ALL_SITES: "all sites", CASE_MANAGEMENT: "case-management sites"}.get(population, population)
