"""Counts of all runs so far, and the outcome of every rule in them: both kept in `output/quality/`."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract, contract_by_table
from pipelines.quality.rules import QUALITY_RULES
from pipelines.quality.suites import Rule
from pipelines.quality.validation import COUNTS, write_parquet

FOLDER = "quality"
OUTCOMES = "data_quality.parquet"
COUNTED = "data_quality_counts.parquet"
STARTED_AT = {"started_at": pl.Datetime("us")}
COUNTED_RUNS = {"run_id": pl.String, **COUNTS, **STARTED_AT}
LIMITS = {
    "contract_id": pl.String,
    "table_name": pl.String,
    "rule_id": pl.String,
    "column_name": pl.String,
    "severity": pl.String,
    "dimension": pl.String,
    "threshold": pl.Float64,
}
_TYPES = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DOUBLE": pl.Float64}


def read_quality(output: Path) -> pl.DataFrame:
    """The outcome of every rule in every run, oldest run first: the columns of `data_quality` and `started_at`.

    Empty, with these columns, where there is none yet or the file cannot be read.
    """
    return _read(output / FOLDER / OUTCOMES, _outcome_schema(contract_by_table("data_quality")))


def add_counts(output: Path, counts: pl.DataFrame, *, run_id: str, started_at: datetime) -> pl.DataFrame:
    """Keeps a run's counts beside those of all earlier runs; returns them all, the columns of `COUNTED_RUNS`."""
    path = output / FOLDER / COUNTED
    earlier = _read(path, COUNTED_RUNS).filter(pl.col("run_id") != run_id)
    own = counts.with_columns(run_id=pl.lit(run_id), started_at=pl.lit(started_at).cast(STARTED_AT["started_at"]))
    together = pl.concat([earlier, own.select(list(COUNTED_RUNS))]).sort("started_at", "run_id", maintain_order=True)
    write_parquet(together, path)
    return together


def limits_frame(rules: Iterable[Rule]) -> pl.DataFrame:
    """What each rule in force is judged by, one row a rule: the columns of `LIMITS`; `threshold` is a share."""
    rows = [
        (*(getattr(rule, name) for name in list(LIMITS)[:4]), rule.severity, dimension, rule.threshold)
        for rule in rules
        for dimension in [QUALITY_RULES[rule.rule_id].dimension]
    ]
    return pl.DataFrame(rows, schema=LIMITS, orient="row").sort(list(LIMITS)[:4])


def keep_outcomes(output: Path, outcomes: pl.DataFrame, counted_runs: pl.DataFrame) -> pl.DataFrame:
    """Writes what `read_quality` reads: the view `data_quality` with the time at which each run started."""
    schema = _outcome_schema(contract_by_table("data_quality"))
    started = counted_runs.select("run_id", "started_at").unique()
    dated = outcomes.join(started, on="run_id", how="left").select(list(schema)).cast(schema)
    return replace_outcomes(output, dated)


def replace_outcomes(output: Path, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Writes what `read_quality` reads, its columns and in its order."""
    kept = outcomes.sort("started_at", "run_id", *list(LIMITS)[:4])
    write_parquet(kept, output / FOLDER / OUTCOMES)
    return kept


def _outcome_schema(contract: Contract) -> dict[str, pl.DataType]:
    return {**{column.name: _TYPES[column.sql_type] for column in contract.columns}, **STARTED_AT}


def _read(path: Path, schema: dict) -> pl.DataFrame:
    with suppress(FileNotFoundError, pl.exceptions.PolarsError):
        found = pl.read_parquet(path)
        if found.schema == schema:
            return found
    return pl.DataFrame(schema=schema)
