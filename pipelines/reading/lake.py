"""The lake: where a delivery's files lie, and the note that is written last and says that they are complete."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from pipelines.reading.delivery import Period

ASIDE = ".aside"


@dataclass(frozen=True)
class Place:
    """A delivery's files in the lake; they are written below `aside` and moved here when complete."""

    folder: Path
    delivery_id: str

    @property
    def records(self) -> Path:
        return self.folder / f"{self.delivery_id}.parquet"

    @property
    def quarantine(self) -> Path:
        return self.folder / f"{self.delivery_id}.quarantine.parquet"

    @property
    def note(self) -> Path:
        return self.folder / f"{self.delivery_id}.json"

    def aside(self, path: Path) -> Path:
        """Where one of the files is written before it is complete."""
        return self.folder / ASIDE / path.name


@dataclass(frozen=True)
class Note:
    """What was found in a delivery when it was read; `labelled` are the months its records say they are from.

    Dates after `future_after` counted as future; `latest_date` is the latest that did not.
    """

    file_name: str
    sha256: str
    received_at: datetime
    contract_version: str
    person_column: str | None
    ignored_columns: tuple[str, ...]
    rows_read: int
    rows_quarantined: int
    lines_blank: int
    labelled: Period | None
    future_after: date
    latest_date: date | None
    has_future_dates: bool

    def depends_on_future_after(self, limit: date) -> bool:
        """Whether some record would have another fate if dates counted as future only after `limit`."""
        if limit > self.future_after:
            return self.has_future_dates
        return self.latest_date is not None and self.latest_date > limit


def read_note(place: Place) -> Note | None:
    """What was noted when the delivery was committed; None if it was not, or its files are gone."""
    try:
        written = json.loads(place.note.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    if not (place.records.is_file() and place.quarantine.is_file()):
        return None
    labelled, latest = written["labelled"], written["latest_date"]
    return Note(
        **{
            **{key: written[key] for key in Note.__dataclass_fields__},
            "received_at": datetime.fromisoformat(written["received_at"]),
            "ignored_columns": tuple(written["ignored_columns"]),
            "labelled": Period(*(date.fromisoformat(labelled[end]) for end in ("first", "last"))) if labelled else None,
            "future_after": date.fromisoformat(written["future_after"]),
            "latest_date": date.fromisoformat(latest) if latest else None,
        }
    )


def commit(place: Place, note: Note) -> None:
    """Move what was written aside into the lake, the note last: a kill leaves nothing that counts half done."""
    place.note.unlink(missing_ok=True)
    for path in (place.records, place.quarantine):
        _sync(place.aside(path))
        place.aside(path).replace(path)
    written = place.aside(place.note)
    content = {"delivery_id": place.delivery_id, "status": "accepted", **asdict(note)}
    written.write_text(json.dumps(content, indent=1, default=_iso) + "\n", encoding="utf-8")
    _sync(written)
    written.replace(place.note)


def _iso(value: date | datetime) -> str:
    return value.isoformat()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def remove_leftovers(lake: Path) -> None:
    """Remove what a killed run left aside in any extract's folder; it may hold text as the supplier wrote it."""
    for aside in lake.glob(f"*/{ASIDE}"):
        shutil.rmtree(aside)
