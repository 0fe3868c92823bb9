"""Reading an extract: every file found gets its place in the ledger, every record of a readable one its fate."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from pipelines.contracts import Contract
from pipelines.errors import IcpError, StudyError
from pipelines.instruments import Instrument
from pipelines.reading.delivery import Delivery, Period, RefusedDeliveryError
from pipelines.reading.discovery import Found, find_files, look_at
from pipelines.reading.identity import delivery_id_of, with_items
from pipelines.reading.intake import Taken, content_hash, take_in
from pipelines.reading.lake import ASIDE, Note, Place, commit, read_note
from pipelines.reading.local_faults import unreadable
from pipelines.reading.names import period_in_name, version_in_name
from pipelines.reading.periods import period_of_records
from pipelines.reading.pseudonym import PseudonymKey
from pipelines.reading.typing_sql import NHS_NUMBER, build_typing
from pipelines.reading.verdicts import collect_rejected, late_dates, write_accepted, write_quarantine
from pipelines.reading.withholding import refuse_numbers_as_pseudonyms


@dataclass(frozen=True)
class _Extract:
    """What is the same for all files of one extract."""

    connection: duckdb.DuckDBPyConnection
    name: str
    contract: Contract
    folder: Path
    lake: Path
    data_until: date
    key: PseudonymKey | None
    instrument: Instrument | None
    progress: Callable[[str], None]

    @property
    def aside(self) -> Path:
        return self.lake / ASIDE


def read_extract(
    connection: duckdb.DuckDBPyConnection,
    *,
    extract: str,
    contract: Contract,
    folder: Path,
    lake: Path,
    data_until: date,
    key: PseudonymKey | None,
    instrument: Instrument | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Delivery, ...]:
    """Read what is new in an extract's folder into the lake; every file found, as it is, refused ones too.

    A file whose content was read before under the same contract, reader and key is not read again. Statuses
    are accepted, refused or growing; `resolve` tells which of the accepted count. Dates that place a record
    may lie up to the later of `data_until` and the file's period. Raises StudyError if NHS numbers arrive
    without a key. The caller holds the study's lock.
    """
    connection.execute("set preserve_insertion_order = true; set enable_external_file_cache = false")
    read = _Extract(
        connection=connection,
        name=extract,
        contract=with_items(contract, instrument),
        folder=folder,
        lake=lake / extract,
        data_until=data_until,
        key=key,
        instrument=instrument,
        progress=progress or (lambda _: None),
    )
    read.lake.mkdir(parents=True, exist_ok=True)
    return tuple(_delivery(read, found) for found in find_files(folder))


def _delivery(read: _Extract, found: Found) -> Delivery:
    """One file's delivery; whatever is wrong with the file ends in its status and reason."""
    delivery = _described(read, found)
    try:
        if found.refusal:
            raise RefusedDeliveryError(*found.refusal)
        delivery = _with_content(read, delivery, content_hash(found))
        delivery = _known(read, delivery) or _new(read, found, delivery)
    except RefusedDeliveryError as refused:
        delivery = replace(delivery, status="refused", reason=refused.reason)
    except OSError as fault:
        delivery = replace(delivery, status="refused", reason=unreadable(fault, found.path).reason)
    except StudyError as wrong:
        raise type(wrong)(f"{read.name}/{found.file_name}: {wrong.message}", *wrong.hints) from None
    finally:
        shutil.rmtree(read.aside, ignore_errors=True)
    if look_at(found.path) != found.look:
        delivery = replace(_described(read, found), status="growing", reason="it changed while it was looked at")
    return delivery


def _described(read: _Extract, found: Found) -> Delivery:
    """What is known before the file is opened; its id is then that of its name."""
    delivery = Delivery(
        delivery_id="",
        extract=read.name,
        file_name=found.file_name,
        sha256="",
        received_at=datetime.fromtimestamp(found.look.modified_ns // 10**9, UTC).replace(tzinfo=None),
        status="accepted",
        contract_id=read.contract.id,
        contract_version=read.contract.version,
        period=period_in_name(found.file_name),
        version=version_in_name(found.file_name),
        is_snapshot=bool(read.contract.options.get("snapshot")),
        instrument=read.instrument.instrument if read.instrument else None,
    )
    return replace(delivery, delivery_id=delivery_id_of(f"{read.name}/{found.file_name}", read.contract, ""))


def _with_content(read: _Extract, delivery: Delivery, sha256: str) -> Delivery:
    return replace(delivery, sha256=sha256, delivery_id=delivery_id_of(sha256, read.contract, ""))


def _known(read: _Extract, delivery: Delivery) -> Delivery | None:
    """The delivery as it was read before, None if it is new or other dates count as future by now."""
    for key_id in dict.fromkeys(("", read.key.key_id if read.key else "")):
        place = Place(read.lake, delivery_id_of(delivery.sha256, read.contract, key_id))
        note = read_note(place)
        if note is not None:
            future_after = _future_after(read, delivery.period or note.labelled)
            return None if note.depends_on_future_after(future_after) else _noted(delivery, place, note)
    return None


def _new(read: _Extract, found: Found, delivery: Delivery) -> Delivery:
    read.progress(f"reading {read.name}/{found.file_name}")
    shutil.rmtree(read.aside, ignore_errors=True)
    read.aside.mkdir()
    taken = take_in(read.connection, found, read.aside, contract=read.contract, key=read.key)
    if not taken.rows and not read.contract.options.get("may_be_empty"):
        raise RefusedDeliveryError("no_records", "a header and no record")
    refuse_numbers_as_pseudonyms(read.connection, taken.raw, taken.layout)
    is_hashed = read.key is not None and taken.layout.person_column == NHS_NUMBER
    key_id = read.key.key_id if is_hashed and read.key else ""
    place = Place(read.lake, delivery_id_of(delivery.sha256, read.contract, key_id))
    note = _typed(read, delivery, taken, place)
    if look_at(found.path) == found.look:
        commit(place, note)
    return _noted(delivery, place, note)


def _typed(read: _Extract, delivery: Delivery, taken: Taken, place: Place) -> Note:
    """Write accepted and refused records aside; the note says how many and what they depend on."""
    connection = read.connection
    labelled = period_of_records(connection, taken.raw, taken.layout)
    future_after = _future_after(read, delivery.period or labelled)
    typing = build_typing(read.contract, taken.layout, future_after=future_after)
    accepted = write_accepted(connection, typing, taken, place)
    rejected = collect_rejected(connection, typing, taken, place, accepted=accepted)
    quarantined = write_quarantine(connection, taken, place, rejected)
    if accepted + quarantined != taken.rows:
        raise IcpError(
            f"{read.name}/{delivery.file_name}: the books do not balance", "this is a fault of the reader: report it"
        )
    latest, has_future = late_dates(connection, read.contract, place)
    return Note(
        file_name=delivery.file_name,
        contract_version=read.contract.version,
        person_column=taken.layout.person_column,
        ignored_columns=taken.layout.ignored,
        sha256=delivery.sha256,
        received_at=delivery.received_at,
        rows_read=taken.rows,
        rows_quarantined=quarantined,
        lines_blank=taken.lines_blank,
        labelled=labelled,
        future_after=future_after,
        latest_date=latest,
        has_future_dates=has_future,
    )


def _noted(delivery: Delivery, place: Place, note: Note) -> Delivery:
    return replace(
        delivery,
        delivery_id=place.delivery_id,
        period=delivery.period or note.labelled,
        person_column=note.person_column,
        ignored_columns=note.ignored_columns,
        rows_read=note.rows_read,
        rows_quarantined=note.rows_quarantined,
        lines_blank=note.lines_blank,
        records=place.records,
        quarantine=place.quarantine,
    )


def _future_after(read: _Extract, period: Period | None) -> date:
    return max(read.data_until, period.last_day) if period else read.data_until
