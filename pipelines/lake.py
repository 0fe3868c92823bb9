"""From the extracts' folders to the lake views, and what the ledger needs to know of every file."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts import source_contract
from pipelines.errors import StudyError
from pipelines.metrics import needed_extracts
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.pseudonym_key import key_of_study
from pipelines.reading import (
    Delivery,
    coverage,
    create_lake_view,
    create_quarantine_view,
    period_text,
    read_extract,
    remove_leftovers,
    require_one_person_column,
    resolve,
    summarise_quarantine,
    write_quarantine_file,
)
from pipelines.study import Study

SURVEYS = "surveys"
QUARANTINE = "lake_quarantine"
ROLES = (*EXTRACT_CONTRACTS, SURVEYS)
COVERED = ("admissions", "outpatients", "emergency_care")
NHS_NUMBER = "NHSNO"
SET_ASIDE = ("superseded", "duplicate_file", "growing")
READ_AGAIN = "read again: its contract, the reader or the pseudonym key is not what it was"
LEDGER_TABLES = {
    "deliveries_read": "Every file found in the extracts' folders, as reading left it.",
    "delivery_order": "The deliveries that count, in the order in which the later one wins.",
    "extract_coverage": "The months for which an extract holds data; a count outside them is null, never 0.",
    "quarantine_summary": "Quarantined records by delivery, rule and column; the records themselves stay in the lake.",
}
DELIVERIES_READ = {
    "delivery_id": pl.String,
    "extract": pl.String,
    "file_name": pl.String,
    "sha256": pl.String,
    "received_at": pl.Datetime("us"),
    "period": pl.String,
    "status": pl.String,
    "rows_read": pl.Int64,
    "rows_quarantined": pl.Int64,
    "lines_blank": pl.Int64,
    "contract_version": pl.String,
    "refusal_reason": pl.String,
    "pseudonym_key_id": pl.String,
    "status_reason": pl.String,
    "position": pl.Int64,
}


@dataclass(frozen=True)
class Lake:
    """What reading found: all deliveries with their final statuses, and the tables made of them by name."""

    deliveries: tuple[Delivery, ...]
    tables: Mapping[str, pl.DataFrame]


def fill_lake(study: Study, connection: duckdb.DuckDBPyConnection, *, say: Callable[[str], None]) -> Lake:
    """Reads whatever is new, makes the view `lake_<role>` of every role, and returns what the ledger needs."""
    study.lake.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_leftovers(study.lake)
    deliveries = read_deliveries(study, connection, say=say)
    for role in ROLES:
        create_lake_view(
            connection,
            name=f"lake_{role}",
            contract=source_contract(EXTRACT_CONTRACTS.get(role, "survey")),
            deliveries=[delivery for delivery in deliveries if _role(delivery.extract) == role],
            instruments=study.instruments.values() if role == SURVEYS else (),
        )
    create_quarantine_view(connection, name=QUARANTINE, deliveries=deliveries)
    write_quarantine_file(connection, view=QUARANTINE, path=study.quarantine_file)
    key = key_of_study(study)
    read = deliveries_frame(deliveries, key_id=key.key_id if key else None)
    in_force = read.filter(pl.col("status") == "accepted")
    tables = {
        "deliveries_read": read,
        "delivery_order": in_force.select("delivery_id", "extract", "position"),
        "extract_coverage": _coverage(study, connection, deliveries),
        "quarantine_summary": summarise_quarantine(connection, deliveries=deliveries),
    }
    return Lake(deliveries=deliveries, tables=tables)


def read_deliveries(
    study: Study, connection: duckdb.DuckDBPyConnection, *, say: Callable[[str], None]
) -> tuple[Delivery, ...]:
    """Every file of every extract, new ones read into the lake; StudyError where person columns are mixed."""
    key = key_of_study(study)
    found: list[Delivery] = []
    for name, extract in study.protocol.extracts.items():
        known = known_contents(study.lake / name)
        read = read_extract(
            connection,
            extract=name,
            contract=source_contract(extract.contract),
            folder=study.extract_folder(name),
            lake=study.lake,
            data_until=study.protocol.periods.data_until,
            key=key,
            instrument=study.instruments.get(name),
            progress=say,
        )
        for delivery in read:
            if delivery.is_read and delivery.delivery_id not in known.get(delivery.sha256, {delivery.delivery_id}):
                say(f"{name}/{delivery.file_name}: {READ_AGAIN}")
        found += resolve(read)
    require_one_person_column(found)
    _require_deliveries(study, found)
    return tuple(found)


def _require_deliveries(study: Study, found: Iterable[Delivery]) -> None:
    delivered = {delivery.extract for delivery in found if delivery.status != "growing"}
    missing = {extract: why for extract, why in needed_extracts(study).items() if extract not in delivered}
    if missing:
        raise StudyError(
            f"extracts/{next(iter(missing))}: no delivery yet",
            *(f"{extract} is {why}" for extract, why in missing.items()),
            "put a file into each of these folders, then run again",
        )


def known_contents(lake: Path) -> dict[str, set[str]]:
    """Ids of the deliveries that lie in an extract's lake, by the hash of what was delivered."""
    ids: dict[str, set[str]] = {}
    for path in lake.glob("*.json"):
        with suppress(json.JSONDecodeError):
            ids.setdefault(json.loads(path.read_text(encoding="utf-8")).get("sha256"), set()).add(path.stem)
    return ids


def deliveries_frame(deliveries: tuple[Delivery, ...], *, key_id: str | None) -> pl.DataFrame:
    """One row per file, the columns of `DELIVERIES_READ`; `key_id` is that of the key for NHS numbers."""
    rows = [
        {
            "delivery_id": delivery.delivery_id,
            "extract": delivery.extract,
            "file_name": delivery.file_name,
            "sha256": delivery.sha256 or None,
            "received_at": delivery.received_at,
            "period": period_text(delivery.period) if delivery.period else None,
            "status": delivery.status,
            "rows_read": delivery.rows_read,
            "rows_quarantined": delivery.rows_quarantined,
            "lines_blank": delivery.lines_blank,
            "contract_version": delivery.contract_version,
            "refusal_reason": delivery.reason if delivery.status == "refused" else None,
            "pseudonym_key_id": key_id if delivery.person_column == NHS_NUMBER else None,
            "status_reason": delivery.reason if delivery.status in SET_ASIDE else None,
            "position": delivery.position,
        }
        for delivery in deliveries
    ]
    return pl.DataFrame(rows, schema=DELIVERIES_READ)


def study_window(study: Study, connection: duckdb.DuckDBPyConnection) -> tuple[date, date] | None:
    """First and last month that any enrolled person's windows can touch; None without enrolments."""
    found = connection.execute(
        """select
            cast(date_trunc('month', min(index_date) - to_months($before)) as date),
            cast(date_trunc('month', least(max(index_date) + to_months($after), $until::date)) as date)
        from lake_enrolments""",
        {
            "before": study.protocol.periods.look_back_months,
            "after": study.protocol.periods.follow_up_months,
            "until": study.protocol.periods.data_until,
        },
    ).fetchone()
    return (found[0], found[1]) if found and found[0] else None


def _coverage(study: Study, connection: duckdb.DuckDBPyConnection, deliveries: tuple[Delivery, ...]) -> pl.DataFrame:
    window = study_window(study, connection)
    empty = pl.DataFrame(schema={"extract": pl.String, "month": pl.Date})
    if window is None:
        return empty
    parts = [
        coverage(
            connection,
            extract=extract,
            contract=source_contract(EXTRACT_CONTRACTS[extract]),
            deliveries=deliveries,
            window=window,
        )
        for extract in COVERED
        if extract in study.protocol.extracts
    ]
    return pl.concat([empty, *parts])


def _role(extract: str) -> str:
    return extract if extract in EXTRACT_CONTRACTS else SURVEYS
