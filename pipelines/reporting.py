"""What a run tells people when it has ended, however it ended: the quality page, and alerts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import duckdb
import polars as pl

from pipelines.contracts import contract_by_table
from pipelines.errors import IcpError
from pipelines.run_log import utc_now
from pipelines.study import Study
from pipelines.warehouse import Warehouse

LEDGER = "deliveries"
DIED = "died"
_TYPES: Mapping[str, pl.DataType | type[pl.DataType]] = MappingProxyType(
    {"BIGINT": pl.Int64, "TIMESTAMP": pl.Datetime("us"), "BOOLEAN": pl.Boolean, "DATE": pl.Date}
)
Say = Callable[[str], None]


def report_run(study: Study, *, warehouse: Warehouse, run_id: str, failure: str | None, say: Say) -> None:
    """Writes the quality page and sends what is due; that one of them cannot be done changes nothing about the run.

    `failure` is kind and place of an unexpected fault, None for a run that succeeded or was blocked by a rule.
    """
    # What is needed to tell of a run is loaded when there is something to tell.
    from pipelines.quality.history import read_quality
    from pipelines.quality.page import write_page

    ledger = _no_ledger()
    with _told("its quality page was not written", say=say):
        ledger = latest_ledger(warehouse)
        write_page(study, quality=read_quality(study.output), deliveries=ledger, now=utc_now())
    _alert(study, deliveries=ledger.filter(pl.col("run_id") == run_id), run_id=run_id, failure=failure, say=say)


def report_without_page(study: Study, *, run_id: str, failure: str | None, say: Say) -> None:
    """Sends what is due and leaves the page as it is: after a run that died before it was in the log."""
    _alert(study, deliveries=_no_ledger(), run_id=run_id, failure=failure, say=say)


def report_nothing_new(study: Study, *, run_id: str, published: Path, now: datetime, say: Say) -> None:
    """Looks whether deliveries are late by now and sends what is due; the page is written if that has changed.

    `now`: UTC. Made-up studies are never late.
    """
    from pipelines.quality.freshness import judge_lateness_again
    from pipelines.quality.history import read_quality
    from pipelines.quality.page import write_page

    with _told("nobody looked whether deliveries are late", say=say):
        if not study.protocol.synthetic:
            ledger = _published_ledger(published)
            if judge_lateness_again(study, deliveries=ledger, now=now):
                write_page(study, quality=read_quality(study.output), deliveries=ledger, now=now)
    _alert(study, deliveries=_no_ledger(), run_id=run_id, failure=None, say=say)


def latest_ledger(warehouse: Warehouse) -> pl.DataFrame:
    """The deliveries as the last run that came so far knew them; no rows before there was one."""
    try:
        return warehouse.read(LEDGER)
    except duckdb.CatalogException:
        return _no_ledger()


def _alert(study: Study, *, deliveries: pl.DataFrame, run_id: str, failure: str | None, say: Say) -> None:
    from pipelines.alerts import report_problems
    from pipelines.quality.history import read_quality

    with _told("its alerts were not brought up to date", say=say):
        report_problems(
            study,
            quality=read_quality(study.output),
            deliveries=deliveries,
            run_id=run_id,
            run_failure=failure,
            now=utc_now(),
            say=say,
        )


@contextmanager
def _told(what: str, *, say: Say) -> Iterator[None]:
    try:
        yield
    except (OSError, IcpError, duckdb.Error, pl.exceptions.PolarsError) as fault:
        say(f"the run has ended, but {what}: {type(fault).__name__}")


def _published_ledger(published: Path) -> pl.DataFrame:
    with duckdb.connect(published, read_only=True) as connection:
        return connection.execute(f"select * from {LEDGER}").pl()


def _no_ledger() -> pl.DataFrame:
    columns = contract_by_table(LEDGER).columns
    return pl.DataFrame(schema={column.name: _TYPES.get(column.sql_type, pl.String) for column in columns})
