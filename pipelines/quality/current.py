"""The rules of a study's contracts, counted for one run."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract, source_contract
from pipelines.errors import IcpError
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.quality.history import FOLDER, add_counts, limits_frame
from pipelines.quality.suites import suites
from pipelines.quality.validation import count_rules
from pipelines.run_log import read_runs
from pipelines.study import Study
from pipelines.warehouse import Warehouse

CURRENT_RUN = {"run_id": pl.String, "started_at": pl.Datetime("us")}


def current_run_frame(output: Path, *, run_id: str) -> pl.DataFrame:
    """One row: run_id, started_at (UTC) as the log of runs has it; IcpError where the log does not know the run."""
    found = [run for run in read_runs(output) if run.run_id == run_id]
    if not found:
        raise IcpError(f"run {run_id}: the log of runs does not know it", "start runs with `icp run` or from the job")
    return pl.DataFrame([(run_id, found[-1].started_at)], schema=CURRENT_RUN, orient="row")


def source_limits(study: Study) -> pl.DataFrame:
    """What the rules of the study's contracts are judged by, one row a rule."""
    found = suites(_contracts(study), latest_date=study.protocol.periods.data_until)
    return limits_frame(rule for suite in found for rule in suite.rules)


def count_current(study: Study, warehouse: Warehouse, *, run_id: str) -> pl.DataFrame:
    """Counts every rule of the study's contracts on the tables of a run, and returns the counts of all runs.

    What did not change since the last run is not asked again; the counts are kept in `output/quality/`.
    """
    counts = count_tables(study, warehouse)
    ((_, started_at),) = warehouse.read("current_run").iter_rows()
    return add_counts(study.output, counts, run_id=run_id, started_at=started_at)


def count_tables(study: Study, warehouse: Warehouse, *, tables: Collection[str] | None = None) -> pl.DataFrame:
    """Counts of the rules of a study's contracts on its tables, or on some of them: the columns of `COUNTS`.

    The tables stand in the working file, and `deliveries_read` and `delivery_order` beside them.
    """
    asked = suites(_contracts(study), latest_date=_latest_date(study, warehouse))
    return count_rules(
        warehouse.connection,
        [suite for suite in asked if tables is None or suite.table_name in tables],
        deliveries=_deliveries_by_view(warehouse),
        folder=study.output / FOLDER,
    )


def _contracts(study: Study) -> list[Contract]:
    used = {extract.contract for extract in study.protocol.extracts.values()}
    return [source_contract(contract_id) for contract_id in sorted(used)]


def _latest_date(study: Study, warehouse: Warehouse) -> date:
    """The later of data_until and the last day of the periods delivered, after which the reader finds a date wrong."""
    periods = warehouse.read("deliveries_read")["period"].drop_nulls()
    last_days = periods.str.tail(7).str.to_date("%Y-%m").dt.month_end()
    return max([study.protocol.periods.data_until, *last_days])


def _deliveries_by_view(warehouse: Warehouse) -> dict[str, list[str]]:
    roles = {extract: f"lake_{extract}" for extract in EXTRACT_CONTRACTS}
    views: dict[str, list[str]] = {view: [] for view in (*roles.values(), "lake_surveys")}
    for extract, delivery_id in warehouse.read("delivery_order").select("extract", "delivery_id").iter_rows():
        views[roles.get(extract, "lake_surveys")].append(delivery_id)
    return views
