"""A published file of a few rows, as wide a terminal as its page needs, and the page."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from evaluation.estimation import EFFECT_STATEMENTS, ESTIMATES_BY_HORIZON, METRIC_ESTIMATES, SITE_POOLING
from evaluation.surveys import SURVEY_ESTIMATES
from pipelines.contracts import contract_by_table

POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


@pytest.fixture
def publish(tmp_path: Path):
    """Writes a published file of the given rows and returns its path."""

    def write(
        *,
        estimates: tuple = (),
        survey: tuple = (),
        comparison: tuple = (),
        pooling: tuple = (),
        statements: tuple = (),
        horizons: tuple = (),
    ) -> Path:
        types = {c.name: POLARS_TYPES[c.sql_type] for c in contract_by_table("comparison_with_published").columns}
        run = {"run_id": "run-1", "started_at": "2011-07-01", "study": "pilots", "data_until": "2011-06-30"}
        tables = {
            "metric_estimates": pl.DataFrame(estimates, schema=METRIC_ESTIMATES, orient="row"),
            "survey_estimates": pl.DataFrame(survey, schema=SURVEY_ESTIMATES, orient="row"),
            "comparison_with_published": pl.DataFrame(comparison, schema=types, orient="row"),
            "site_pooling": pl.DataFrame(pooling, schema=SITE_POOLING, orient="row"),
            "effect_statements": pl.DataFrame(statements, schema=EFFECT_STATEMENTS, orient="row"),
            "estimates_by_horizon": pl.DataFrame(horizons, schema=ESTIMATES_BY_HORIZON, orient="row"),
            "runs": pl.DataFrame([run | {"is_synthetic": True}]),
        }
        path = tmp_path / "evaluation.duckdb"
        with duckdb.connect(path) as connection:
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"create table {name} as from frame")
        return path

    return write


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "320")
