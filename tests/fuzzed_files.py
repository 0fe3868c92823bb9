"""Valid records as files of every kind, and what must hold of every file that is read, whatever was changed in it.

Every example of the tests that use this starts from valid records and changes bytes, lines, cells, the header, the
encoding or the packing. Where the change leaves the number of records knowable, it is counted on its own, not with the
reader's means. Found cases stay as `@example`.
"""

import csv
import gzip
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from pipelines.contracts import Contract, source_contract
from pipelines.reading import Delivery, lake_columns
from pipelines.reading.rules import BAD_VALUES, BROKEN_RECORDS, REFUSED_FILES, REPAIRS
from pipelines.reading.typing_sql import places
from pipelines.reading.value import lake_name
from tests.small_extracts import (
    APPOINTMENT,
    ATTENDANCE,
    CONTRACTS,
    DATA_UNTIL,
    EPISODE,
    KEY,
    PERSON,
    Record,
    SmallLake,
    as_xlsx,
    zipped,
)

NUMBERED = {("NHSNO" if name == "PSEUDO_HESID" else name): value for name, value in APPOINTMENT.items()}
VALID: Sequence[tuple[str, str, Record]] = (
    ("outpatients", "ATTENDKEY", {**APPOINTMENT, "APPTAGE": "67"}),
    ("outpatients", "ATTENDKEY", {**NUMBERED, "NHSNO": "9990000018"}),
    ("emergency_care", "AEKEY", ATTENDANCE),
    ("population", "PSEUDO_HESID", PERSON),
    ("opt_outs", "PSEUDO_HESID", {"PSEUDO_HESID": "Ab1"}),
    ("admissions", "EPIKEY", EPISODE),
)
MANY = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def examples(count: int) -> settings:
    """Few and always the same examples, or as many new ones as FUZZ_EXAMPLES says."""
    return settings(
        max_examples=MANY or count,
        derandomize=not MANY,
        phases=[Phase.explicit, Phase.generate] if MANY else list(Phase),
        deadline=timedelta(seconds=20),
        suppress_health_check=list(HealthCheck),
        database=None,
    )


@dataclass(frozen=True)
class Valid:
    """Records that are as they should be, and the column that tells them apart."""

    extract: str
    key: str
    records: tuple[Record, ...]

    @property
    def names(self) -> list[str]:
        return list(self.records[0])

    @property
    def rows(self) -> list[list[str]]:
        return [list(record.values()) for record in self.records]

    @property
    def contract(self) -> Contract:
        return source_contract(CONTRACTS[self.extract])


def numbered(extract: str, key: str, record: Record, *, count: int) -> Valid:
    """`count` copies of a record under keys of their own."""
    return Valid(extract, key, tuple({**record, key: f"k{number}"} for number in range(1, count + 1)))


@st.composite
def valid(draw: st.DrawFn) -> Valid:
    """One to five valid records of some extract."""
    return numbered(*draw(st.sampled_from(VALID)), count=draw(st.integers(1, 5)))


ONE = numbered(*VALID[0], count=1)


def lines_of(found: Valid, *, delimiter: str = ",") -> list[str]:
    return [delimiter.join(row) for row in [found.names, *found.rows]]


def as_text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Read:
    """What the reader made of one file: its delivery, its accepted rows and its refused ones by record number."""

    delivery: Delivery
    accepted: Mapping[int, Mapping[str, object]]
    quarantined: Mapping[int, Mapping[str, object]]


def read(found: Valid, content: bytes, *, name: str = "a.csv") -> list[Read]:
    """Read one file and check what must hold of every file, whatever is in it."""
    with tempfile.TemporaryDirectory() as root:
        lake = SmallLake(Path(root))
        lake.put(name, content, extract=found.extract)
        deliveries = lake.read(found.extract, key=KEY)
        results = [_checked(lake, found.contract, delivery) for delivery in deliveries]
        lake.connection.close()
    return results


def _checked(lake: SmallLake, contract: Contract, delivery: Delivery) -> Read:
    if delivery.status == "refused":
        rule, *rest = (delivery.reason or "").split(": ", 1)
        assert rule in REFUSED_FILES
        assert re.fullmatch(r".+; expected: .+; do: .+", rest[0], re.DOTALL)
        assert (delivery.rows_read, delivery.records) == (0, None)
        return Read(delivery, {}, {})
    assert delivery.status in ("accepted", "superseded", "duplicate_file")
    accepted = pl.read_parquet(delivery.records)
    quarantined = pl.read_parquet(delivery.quarantine)
    numbers = [*accepted["record"], *quarantined["record"]]
    assert sorted(numbers) == list(range(1, delivery.rows_read + 1))
    assert quarantined.height == delivery.rows_quarantined
    _check_types(lake, contract, delivery)
    _check_rules(contract, accepted, quarantined)
    return Read(delivery, _by_record(accepted), _by_record(quarantined))


def _check_types(lake: SmallLake, contract: Contract, delivery: Delivery) -> None:
    described = lake.connection.execute("describe select * from read_parquet(?)", [str(delivery.records)]).fetchall()
    assert {name: kind for name, kind, *_ in described} == lake_columns(contract)
    placing = [lake_name(column) for column in contract.columns if places(column) == "true"]
    accepted = pl.read_parquet(delivery.records)
    assert accepted.select(pl.col(placing).null_count()).sum_horizontal().item() == 0 if placing else True
    for column in contract.columns:
        values = accepted[lake_name(column)].drop_nulls()
        if column.valid:
            assert set(values) <= set(column.valid)
        if column.sql_type == "DATE":
            assert values.is_between(date(1850, 1, 1), date(2199, 12, 31)).all()
        if column.options.get("not_after_data") and not column.options.get("may_be_future"):
            assert (values <= DATA_UNTIL).all()


def _check_rules(contract: Contract, accepted: pl.DataFrame, quarantined: pl.DataFrame) -> None:
    declared = {rule["id"] for rule in contract.options.get("record_rules", [])}
    assert set(quarantined["rule_id"]) <= {*BROKEN_RECORDS, *BAD_VALUES, *declared}
    columns = {lake_name(column) for column in contract.columns}
    for written, rules in (("nulled_fields", BAD_VALUES), ("repaired_fields", REPAIRS)):
        for tokens in accepted[written].drop_nulls():
            for token in tokens.split(" "):
                rule, column = token.split(":")
                assert rule in rules
                assert column in columns | {"record"}


def _by_record(frame: pl.DataFrame) -> dict[int, dict[str, object]]:
    return {row["record"]: row for row in frame.iter_rows(named=True)}


def content_of(rows: Mapping[int, Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Rows without what depends on the file and on the place in it."""
    return [{k: v for k, v in row.items() if k not in ("delivery_id", "record")} for row in rows.values()]


UNTOUCHED: dict[tuple[str, ...], list[Mapping[str, object]]] = {}


def untouched(found: Valid) -> list[Mapping[str, object]]:
    """Content of the valid records, read from the plainest of files; read once for all examples."""
    text = as_text(lines_of(found))
    if (found.extract, text) not in UNTOUCHED:
        (result,) = read(found, text.encode())
        assert result.delivery.rows_quarantined == 0
        UNTOUCHED[found.extract, text] = content_of(result.accepted)
    return UNTOUCHED[found.extract, text]


def written(rows: Sequence[Sequence[str]], *, delimiter: str, quoting: int) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows(rows)
    return buffer.getvalue()


def with_cells(found: Valid, changes: Sequence[tuple[int, int, str]]) -> tuple[list[list[str]], set[int]]:
    """Rows with some cells replaced, and the numbers of the rows that were not touched."""
    rows = [list(row) for row in found.rows]
    touched = set()
    for row, column, cell in changes:
        row, column = row % len(rows), column % len(found.names)
        rows[row][column] = cell
        touched.add(row + 1)
    return rows, set(range(1, len(rows) + 1)) - touched


AS_FILE: dict[str, Callable[[Valid], bytes]] = {
    "a.csv": lambda found: as_text(lines_of(found)).encode(),
    "a.txt": lambda found: as_text(lines_of(found, delimiter="\t")).encode(),
    "b.txt": lambda found: as_text(lines_of(found, delimiter="|")).encode("utf-16"),
    "a.csv.gz": lambda found: gzip.compress(as_text(lines_of(found)).encode(), mtime=0),
    "a.zip": lambda found: zipped(
        {"b.csv": as_text(lines_of(found)), "c/d.txt": as_text(lines_of(found)[:2])}, compression=zipfile.ZIP_STORED
    ),
    "deflated.zip": lambda found: zipped(members(found), compression=zipfile.ZIP_DEFLATED),
    "bzip2.zip": lambda found: zipped(members(found), compression=zipfile.ZIP_BZIP2),
    "lzma.zip": lambda found: zipped(members(found), compression=zipfile.ZIP_LZMA),
    "a.parquet": lambda found: parquet(pl.DataFrame(list(found.records))),
    "a.xlsx": lambda found: as_xlsx([found.names, *found.rows]),
    "deflated.xlsx": lambda found: zipped(parts_of(found)),
}


def members(found: Valid) -> dict[str, bytes | str]:
    """The records as a text under a name that ASCII does not hold, and their first beside them."""
    return {"é/b.csv": as_text(lines_of(found)), "c/d.txt": as_text(lines_of(found)[:2])}


def parts_of(found: Valid) -> dict[str, bytes]:
    """The parts of the records' spreadsheet by name."""
    with zipfile.ZipFile(io.BytesIO(as_xlsx([found.names, *found.rows]))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
