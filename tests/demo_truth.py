"""The periods of every person as the simulator knows them, and whether a published file has the same."""

import duckdb
import polars as pl

from pipelines.contracts import contract_by_table
from pipelines.study import Study

KEY = ["person_id", "index_date", "period"]
TYPES = {"DATE": pl.Date, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "VARCHAR": pl.String}


def true_person_periods(study: Study) -> pl.DataFrame:
    """The columns of `person_periods` from the demo study's truth, sorted by key."""
    schema = {column.name: TYPES[column.sql_type] for column in contract_by_table("person_periods").columns}
    return pl.read_csv(study.root / "truth" / "person_periods.csv", schema=schema).sort(KEY)


def assert_person_periods_are_true(study: Study) -> None:
    """Every count and flag published is the truth's; costs differ by less than half a penny."""
    truth = true_person_periods(study)
    with duckdb.connect(study.published / "evaluation.duckdb", read_only=True) as published:
        periods = published.table("person_periods").pl().sort(KEY)
    assert periods.height == truth.height > 7000
    for column in truth.columns:
        if column == "cost_gbp":
            assert (periods[column] - truth[column]).abs().max() < 0.005
        else:
            unequal = periods.filter(periods[column].ne_missing(truth[column])).height
            assert unequal == 0, f"{column}: {unequal} rows differ"
