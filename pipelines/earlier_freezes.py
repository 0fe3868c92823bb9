"""Designs that were frozen by an earlier version: what their tables did not say yet, as it was meant then."""

from collections.abc import Mapping, Sequence

import polars as pl

from evaluation.matching import DESIGNS, known_covariates

RECORD_PERSON = "record_person_id"
ADJUSTED = "adjusted_covariates"
PAIRS_THEN = {"matching_method": "nearest", "with_replacement": False}
SETTINGS_THEN = {
    "comparison.method": "nearest",
    "comparison.with_replacement": "false",
    "comparison.caliper_definition": "pooled",
}


def settings_then(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a frozen design, with those that could not be chosen then as they were for everybody."""
    return SETTINGS_THEN | dict(settings)


def completed(tables: Mapping[str, pl.DataFrame], *, covariates: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The tables of a frozen design with the columns of today; `covariates` are the protocol's, held by the freeze.

    Pairs and weights stay as they were frozen: the nearest, each comparison person once. Nobody could stand in both
    arms then, so whose records they are is themselves; and what the regression in pairs adjusts for was not kept, so it
    is all that is known of the people.
    """
    people, designs = tables["design_people"], tables["comparison_designs"]
    if RECORD_PERSON not in people.columns:
        people = people.with_columns(pl.col("person_id").alias(RECORD_PERSON))
    if ADJUSTED not in designs.columns:
        known = ", ".join(known_covariates(people, covariates))
        has_pairs = pl.col("pilot_people_matched") > 0
        adjusted = pl.when(has_pairs).then(pl.lit(known)).otherwise(pl.lit("")).alias(ADJUSTED)
        designs = designs.with_columns(adjusted, **{name: pl.lit(value) for name, value in PAIRS_THEN.items()})
        designs = designs.select(*DESIGNS)
    return dict(tables) | {"design_people": people, "comparison_designs": designs}
