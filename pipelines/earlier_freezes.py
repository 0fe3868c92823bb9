"""Designs that were frozen by an earlier version: what their tables did not say yet, as it was meant then."""

from collections.abc import Mapping, Sequence

import polars as pl

from evaluation.matching import DESIGNS, known_covariates

RECORD_PERSON = "record_person_id"
ADJUSTED = "adjusted_covariates"


def completed(tables: Mapping[str, pl.DataFrame], *, covariates: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The tables of a frozen design with the columns of today; `covariates` are the protocol's, held by the freeze.

    Pairs and weights stay as they were frozen. Nobody could stand in both arms once, so whose records they are is
    themselves; and what the regression in pairs adjusts for was not kept, so it is all that is known of the people.
    """
    people, designs = tables["design_people"], tables["comparison_designs"]
    if RECORD_PERSON not in people.columns:
        people = people.with_columns(pl.col("person_id").alias(RECORD_PERSON))
    if ADJUSTED not in designs.columns:
        known = ", ".join(known_covariates(people, covariates))
        has_pairs = pl.col("pilot_people_matched") > 0
        designs = designs.with_columns(pl.when(has_pairs).then(pl.lit(known)).otherwise(pl.lit("")).alias(ADJUSTED))
        designs = designs.select(*DESIGNS)
    return dict(tables) | {"design_people": people, "comparison_designs": designs}
