"""Outcomes of rules and deliveries as the quality page reads them, written by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contracts import contract_by_table
from pipelines.run_log import append_run, begin_run
from pipelines.study import Study, load_study
from tests.tiny_study import write_tiny_study

Row = Mapping[str, Any]
TYPES = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "TIMESTAMP": pl.Datetime("us")}
QUALITY = {
    **{column.name: TYPES[column.sql_type] for column in contract_by_table("data_quality").columns},
    "started_at": pl.Datetime("us"),
}
DELIVERIES = {column.name: TYPES[column.sql_type] for column in contract_by_table("deliveries").columns}
FIRST_RUN = datetime(2026, 3, 1, 6, 30, tzinfo=UTC).replace(tzinfo=None)
NOW = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
NO_DELIVERIES = pl.DataFrame(schema=DELIVERIES)
NO_QUALITY = pl.DataFrame(schema=QUALITY)


def outcome(rule_id: str = "not_null", column: str = "SEX", **given: Any) -> Row:
    """One rule in one run: 1,000 rows of admissions, none failed, unless something else is given."""
    row = {
        "contract_id": "hes_apc",
        "table_name": "lake_admissions",
        "rule_id": rule_id,
        "column_name": column,
        "severity": "warning",
        "dimension": "completeness",
        "evaluated_rows": 1000,
        "failed_rows": 0,
        "threshold": 0.01,
        "status": "pass",
    }
    return row | given


def failing(rule_id: str = "not_null", column: str = "SEX", *, rows: int, **given: Any) -> Row:
    """A rule that fails with so many rows."""
    return outcome(rule_id, column, **{"failed_rows": rows, "status": "fail", **given})


def without_outcome(status: str, rule_id: str = "not_null", column: str = "SEX", **given: Any) -> Row:
    """A rule that was not evaluated, or that the engine failed at: no counts."""
    return outcome(rule_id, column, **{"failed_rows": None, "evaluated_rows": None, "status": status, **given})


def quality_of(*runs: Sequence[Row]) -> pl.DataFrame:
    """Outcomes of `run-1`, `run-2` and so on, a day apart."""
    rows = [
        {**row, "run_id": f"run-{number}", "started_at": started(number)}
        for number, outcomes in enumerate(runs, start=1)
        for row in outcomes
    ]
    return pl.DataFrame(rows, schema=QUALITY)


def started(number: int) -> datetime:
    """When a run started."""
    return FIRST_RUN + timedelta(days=number - 1)


def delivery(file_name: str, extract: str = "admissions", **given: Any) -> Row:
    """A delivery in use with 1,000 rows, all accepted, unless something else is given."""
    counts = {name: 0 for name, kind in DELIVERIES.items() if kind is pl.Int64}
    row = dict.fromkeys(DELIVERIES) | counts
    row |= {"extract": extract, "file_name": file_name, "status": "accepted", "received_at": FIRST_RUN}
    return row | {"run_id": "run-1", "rows_read": 1000, "rows_accepted": 1000} | given


def deliveries_of(*rows: Row) -> pl.DataFrame:
    """The ledger with these rows."""
    return pl.DataFrame(rows, schema=DELIVERIES)


def study_with_runs(folder: Path, *ended: str) -> Study:
    """The tiny study whose log holds `run-1`, `run-2` and so on with these statuses; published where one succeeded."""
    study = load_study(write_tiny_study(folder))
    for number, status in enumerate(ended, start=1):
        run = begin_run(study, run_id=f"run-{number}", now=started(number), code_version="0", inputs="0")
        at = started(number) + timedelta(minutes=5)
        append_run(study.output, run.model_copy(update={"status": status, "ended_at": at}))
    if "succeeded" in ended:
        study.published.mkdir(parents=True)
        (study.published / "evaluation.duckdb").touch()
    return study
