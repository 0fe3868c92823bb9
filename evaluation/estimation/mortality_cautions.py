"""What early deaths say of the people compared, carried to the estimates that rest on the same people."""

from typing import Any

import polars as pl

from evaluation.estimation.interactions import POPULATION
from evaluation.estimation.mortality import EARLY, MATCHED, MORTALITY_RATIOS

MATCHED_DID = "matched_did"
NOT_COMPARABLE = (
    "Groups not comparable: pilot people died {how} often than comparison people within 90 days of the index date. "
    "That early, death is unlikely to be the pilot's doing, so it shows who was enrolled."
)
NOT_COMPARABLE_VALUES = "Groups not comparable, by deaths within 90 days of the index date, in: {}."


def with_mortality_cautions(
    estimates: pl.DataFrame, ratios: pl.DataFrame, *, population: str | None = None
) -> pl.DataFrame:
    """`estimates` in which controlled rows say where early deaths show that the groups are not comparable.

    That is where the 95% interval of the ratio in the first 90 days leaves out 1, by the same `design` in the same
    `population`, a column or one name for a table of one population; `matched_did` has the matched people. One
    population in twenty has such an interval by chance alone.
    """
    early = ratios.filter(pl.col("observed_window") == EARLY).select(
        pl.col("population").alias("_population"), pl.col("design").alias("_people"), _mortality=_verdict()
    )
    joined = estimates.with_columns(
        _population=pl.col("population") if population is None else pl.lit(population),
        _people=pl.col("design").replace({MATCHED_DID: MATCHED}),
    ).join(early, on=["_population", "_people"], how="left", maintain_order="left")
    return joined.with_columns(caution=_with("_mortality")).select(estimates.columns)


def with_mortality_cautions_of_values(tests: pl.DataFrame, ratios: pl.DataFrame) -> pl.DataFrame:
    """`subgroup_interactions` in which a row says in which values of its subgroup the groups are not comparable."""
    name, value = (pl.col("population").str.extract(POPULATION.pattern, group) for group in (1, 2))
    called_for = ratios.filter(pl.col("observed_window") == EARLY, _verdict().is_not_null())
    said = called_for.select("design", subgroup=name, value=value).drop_nulls().sort("value")
    of_subgroup = said.group_by("subgroup", "design").agg(
        _mortality=pl.format(NOT_COMPARABLE_VALUES, pl.col("value").unique(maintain_order=True).str.join(", "))
    )
    joined = tests.join(of_subgroup, on=["subgroup", "design"], how="left", maintain_order="left")
    return joined.with_columns(caution=_with("_mortality")).select(tests.columns)


def with_own_cautions(ratios: pl.DataFrame) -> pl.DataFrame:
    """`mortality_ratios` whose early rows say where they show that the groups are not comparable."""
    said = pl.when(pl.col("observed_window") == EARLY).then(_verdict())
    return ratios.with_columns(_said=said).with_columns(caution=_with("_said")).select(ratios.columns)


def not_comparable(rows: list[dict[str, Any]], *, design: str) -> str:
    """The caution that rows of `mortality_rows` call for in a design, or nothing."""
    theirs = [row for row in rows if row["design"] == design and row["observed_window"] == EARLY]
    said = pl.DataFrame(theirs, schema=MORTALITY_RATIOS, orient="row").select(_verdict()).drop_nulls()
    return str(said.item()) if said.height else ""


def _verdict() -> pl.Expr:
    more, less = (pl.lit(NOT_COMPARABLE.format(how=how)) for how in ("more", "less"))
    above = pl.when(pl.col("mortality_ratio_low") > 1).then(more)
    return above.when(pl.col("mortality_ratio_high") < 1).then(less)


def _with(column: str) -> pl.Expr:
    return pl.concat_str("caution", column, separator=" ", ignore_nulls=True)
