"""Mutated files: a refusal by a known rule, or books that balance; never another error, a hang or a wrong count.

Every example starts from valid records and changes bytes, lines, cells, the header, the encoding or the packing. Where
the change leaves the number of records knowable, it is counted here on its own, not with the reader's means.
Found cases stay as `@example`.
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
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipelines.contracts import Contract, source_contract
from pipelines.reading import Delivery, PseudonymKey, lake_columns
from pipelines.reading.rules import BAD_VALUES, BROKEN_RECORDS, REFUSED_FILES, REPAIRS
from pipelines.reading.typing_sql import places
from pipelines.reading.value import lake_name
from tests.small_extracts import (
    APPOINTMENT,
    CONTRACTS,
    DATA_UNTIL,
    EPISODE,
    PERSON,
    Record,
    SmallLake,
    as_xlsx,
)

KEY = PseudonymKey(b"a key for tests")
ATTENDANCE = {"AEKEY": "1", "PSEUDO_HESID": "Ab1", "ARRIVALDATE": "2010-01-02", "ARRIVALTIME": "0930"}
ATTENDANCE |= {"AEATTENDCAT": "1", "AEATTENDDISP": "03", "PROCODE3": "RXA"}
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

    @property
    def keys(self) -> list[object]:
        key = next(name for name in self.accepted[1] if name in ("attendkey", "aekey", "epikey", "person_id"))
        return [row[key] for row in self.accepted.values()]


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


# Bytes ---------------------------------------------------------------------------------------------------------------

AS_FILE: dict[str, Callable[[Valid], bytes]] = {
    "a.csv": lambda found: as_text(lines_of(found)).encode(),
    "a.txt": lambda found: as_text(lines_of(found, delimiter="\t")).encode(),
    "b.txt": lambda found: as_text(lines_of(found, delimiter="|")).encode("utf-16"),
    "a.csv.gz": lambda found: gzip.compress(as_text(lines_of(found)).encode(), mtime=0),
    "a.zip": lambda found: zipped({"b.csv": as_text(lines_of(found)), "c/d.txt": as_text(lines_of(found)[:2])}),
    "a.parquet": lambda found: parquet(pl.DataFrame(list(found.records))),
    "a.xlsx": lambda found: as_xlsx([found.names, *found.rows]),
}


def zipped(members: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


BYTES = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x81", b"\xe9", b'"', b'""', b",", b"|", b"\t", b"\r", b"\n", b"\r\n"]
BYTES += [
    b"\x1a",
    b"\x1f",
    b"\\",
    b"'",
    b"PK\x03\x04",
    b"-",
    b"0",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b";",
    b" ",
]
PIECES = st.sampled_from(BYTES)
BYTE_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "flip", "cut", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(PIECES, st.binary(min_size=1, max_size=4)),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=4,
)


def changed_bytes(content: bytes, changes: Sequence[tuple[str, float, bytes, int]]) -> bytes:
    for kind, place, piece, length in changes:
        at = int(place * len(content))
        if kind == "insert":
            content = content[:at] + piece + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + length :]
        elif kind == "flip":
            content = content[:at] + bytes(byte ^ piece[0] for byte in content[at : at + 1]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        else:
            content = content[: at + length] + content[at : at + length] + content[at + length :]
    return content


@examples(70)
@given(valid(), st.sampled_from(sorted(AS_FILE)), BYTE_CHANGES)
def test_changed_bytes_end_in_a_refusal_or_in_balanced_books(found, name, changes):
    read(found, changed_bytes(AS_FILE[name](found), changes), name=name)


# Lines ---------------------------------------------------------------------------------------------------------------

LINE_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["delete", "repeat", "swap", "merge", "blank", "header", "cut", "longer", "huge", "only_delimiters"]
        ),
        st.integers(0, 9),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=4,
)


def changed_lines(header: str, lines: list[str], changes: Sequence[tuple[str, int, int]], delimiter: str) -> list[str]:
    """Lines below the header, changed; no quotes come in."""
    for kind, place, length in changes:
        at = place % max(1, len(lines))
        line = lines[at] if lines else ""
        before, after = lines[:at], lines[at + 1 :]
        lines = {
            "delete": [*before, *after],
            "repeat": [*before, line, line, *after],
            "swap": [*after, line, *before],
            "merge": [*before, line + after[0], *after[1:]] if after else lines,
            "blank": [*before, line, " " * (length % 3), *after],
            "header": [*before, line, header, *after],
            "cut": [*before, line[:length], *after],
            "longer": [*before, line + delimiter * (length % 4), *after],
            "huge": [*before, line[:5] + "x" * 500_000 + line[5:], *after],
            "only_delimiters": [*before, line, delimiter * header.count(delimiter), *after],
        }[kind]
    return lines


@examples(40)
@example(ONE, [], ",", "\r", False, 1)
@example(ONE, [], ",", "\r", True, 3)
@example(ONE, [("only_delimiters", 0, 0)], "\t", "\r\n", True, 0)
@given(
    valid(),
    LINE_CHANGES,
    st.sampled_from([",", "|", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from([0, 0, 1, 3]),
)
def test_changed_lines_are_counted_and_whole_ones_keep_their_content(found, changes, delimiter, end, is_ended, above):
    header, *whole = lines_of(found, delimiter=delimiter)
    lines = changed_lines(header, whole, changes, delimiter)
    text = end.join([*[""] * above, header, *lines]) + (end if is_ended else "")
    filled = [line for line in lines if line.strip() or delimiter in line]
    (result,) = read(found, text.encode(), name="a.txt")
    if result.delivery.status == "refused":
        assert not filled
        assert (result.delivery.reason or "").startswith("no_records")
        return
    assert result.delivery.rows_read == len(filled)
    expected = untouched(found)
    numbers = [number for number, line in enumerate(filled, start=1) if line in whole]
    assert [result.accepted[number]["nulled_fields"] for number in numbers] == [None] * len(numbers)
    kept = content_of({number: result.accepted[number] for number in numbers})
    assert kept == [expected[whole.index(filled[number - 1])] for number in numbers]


UNTOUCHED: dict[tuple[str, ...], list[Mapping[str, object]]] = {}


def untouched(found: Valid) -> list[Mapping[str, object]]:
    """Content of the valid records, read from the plainest of files; read once for all examples."""
    text = as_text(lines_of(found))
    if (found.extract, text) not in UNTOUCHED:
        (result,) = read(found, text.encode())
        assert result.delivery.rows_quarantined == 0
        UNTOUCHED[found.extract, text] = content_of(result.accepted)
    return UNTOUCHED[found.extract, text]


# Cells ---------------------------------------------------------------------------------------------------------------

HOSTILE = [
    *["", " ", "-", "&", "NULL", "nan", "inf", "-0", "1e308", "99999999999999999999", "0x10", "٣", "½", "1,5", "1.5.5"],
    *["1801-01-01", "31/02/2010", "2010-01-02T00:00:00Z", "20100230", "epoch", "infinity", "9999-12-31", "0000-01-01"],
    *["24:00", "2561", "9:5", "::", "a\0b", "\0", "\x1a", "\x1f", "\x85", "\u2028", "\u00a0", "\u200b", "\ufeff", "😀"],
    *["'; drop table x; --", "{}", "[]", "%s", "$raw", "\\", "\\n", "a'b", "x" * 70, "y" * 140_000, "=1+1", "@", "~"],
    *["999 000 0018", "999-000-0018", "1111111111", "9990000019", "999000001", "\u0661" * 10, "J44.0", "j440", "5a"],
    *['"', '""', 'a"b', '"a', 'a"', '" ', "a,b", "a|b", "a\tb"],
]
CELLS = st.one_of(
    st.sampled_from(HOSTILE), st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
)
CELL_CHANGES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), CELLS), min_size=1, max_size=4)


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


@examples(60)
@example(ONE, [(0, 0, "")], ",", csv.QUOTE_MINIMAL, True)
@example(ONE, [(0, 0, ""), (0, 7, "")], ",", csv.QUOTE_MINIMAL, True)
@example(ONE, [(0, 0, "y" * 140_000)], ",", csv.QUOTE_ALL, True)
@given(
    valid(),
    CELL_CHANGES,
    st.sampled_from([",", "|", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_changed_cells_keep_the_number_of_records_and_the_content_of_the_others(
    found, changes, delimiter, quoting, has_line_break
):
    if has_line_break:
        changes = [(row, column, f"{cell}\n") for row, column, cell in changes if delimiter not in cell] or changes
    rows, others = with_cells(found, changes)
    text = written([found.names, *rows], delimiter=delimiter, quoting=quoting)
    is_blank = {
        n for n, row in enumerate(rows, 1) if len(row) == 1 and not row[0].strip() and quoting == csv.QUOTE_MINIMAL
    }
    (result,) = read(found, text.encode())
    if is_blank:
        return
    assert result.delivery.status == "accepted"
    assert result.delivery.rows_read == len(rows)
    expected = untouched(found)
    kept = content_of({number: result.accepted[number] for number in sorted(others)})
    assert kept == [expected[number - 1] for number in sorted(others)]


@examples(25)
@given(valid(), st.integers(0, 4), st.integers(0, 200), st.sampled_from(['"', '""', '"""', '" "', ' "']))
def test_one_stray_quote_costs_at_most_its_own_record(found, row, place, quote):
    header, *lines = lines_of(found)
    row %= len(lines)
    place %= len(lines[row]) + 1
    lines[row] = lines[row][:place] + quote + lines[row][place:]
    (result,) = read(found, as_text([header, *lines]).encode())
    assert result.delivery.rows_read == len(lines)
    expected = untouched(found)
    for number in set(range(1, len(lines) + 1)) - {row + 1}:
        assert content_of({number: result.accepted[number]}) == [expected[number - 1]]


# Headers -------------------------------------------------------------------------------------------------------------

NAMES = [
    "",
    " ",
    "NHSNO",
    "PSEUDO_HESID",
    "ENCRYPTED_HESID",
    "SEX",
    "EPIKEY",
    "FYEAR",
    "PARTYEAR",
    "DIAG_02",
    "PROCODE5",
]
NAMES += [
    "record",
    "delivery_id",
    "person_id",
    "__c0",
    "__line_state",
    "nulled_fields",
    "x" * 140_000,
    "\ufeff",
    "'",
    '"',
    "\0",
]
HEADER_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["rename", "repeat", "drop", "swap", "lower", "pad", "extra", "quote"]),
        st.integers(0, 30),
        st.sampled_from(NAMES),
    ),
    min_size=1,
    max_size=3,
)


def changed_header(names: list[str], changes: Sequence[tuple[str, int, str]]) -> list[str]:
    for kind, place, name in changes:
        at = place % max(1, len(names))
        before, after = names[:at], names[at + 1 :]
        old = names[at] if names else ""
        names = {
            "rename": [*before, name, *after],
            "repeat": [*before, old, old, *after],
            "drop": [*before, *after],
            "swap": [*after, old, *before],
            "lower": [*before, old.lower(), *after],
            "pad": [*before, f" {old}\u00a0", *after],
            "extra": [*names, name],
            "quote": [*before, f'"{old}', *after],
        }[kind]
    return names


@examples(40)
@example(numbered("opt_outs", "PSEUDO_HESID", {"PSEUDO_HESID": "Ab1"}, count=3), [("extra", 0, '"')], ",")
@given(valid(), HEADER_CHANGES, st.sampled_from([",", "|"]))
def test_a_changed_header_loses_no_record(found, changes, delimiter):
    lines = lines_of(found, delimiter=delimiter)[1:]
    (result,) = read(found, as_text([delimiter.join(changed_header(found.names, changes)), *lines]).encode())
    if result.delivery.status == "accepted":
        assert result.delivery.rows_read == len(lines)


def test_a_carriage_return_above_the_header_hides_no_record():
    header, *lines = lines_of(numbered(*VALID[0], count=3))
    (result,) = read(ONE, f"\r{as_text([header, *lines])}".encode())
    assert result.delivery.rows_read == len(lines)


def test_a_quote_in_the_header_that_is_closed_in_a_record_hides_no_record():
    header, *lines = lines_of(numbered(*VALID[0], count=3))
    text = as_text([f'{header},"NOTE', *(f"{line},x" for line in lines[:-1]), f'{lines[-1]},"'])
    (result,) = read(ONE, text.encode())
    assert (result.delivery.reason or "").startswith("header_broken: ")


@pytest.mark.parametrize("name", ["a[1].csv", "a?.csv", "a*.csv", "a[1].parquet", "a*.parquet"])
def test_a_file_name_stands_for_no_other_file(tmp_path, name):
    lake = SmallLake(tmp_path)
    one, other = numbered(*VALID[0], count=1), numbered(*VALID[0], count=2)
    write = AS_FILE["a.csv" if name.endswith("csv") else "a.parquet"]
    lake.put(name, write(one), extract="outpatients")
    lake.put(name.replace("[1]", "1").replace("*", "1").replace("?", "1"), write(other), extract="outpatients")
    assert {delivery.file_name: delivery.rows_read for delivery in lake.read("outpatients")}[name] == 1


# Encodings -----------------------------------------------------------------------------------------------------------

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp037", "utf-7"]


@examples(20)
@given(
    valid(),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["", "é", "’", "\x81", "\0", "\ufeff", "日"]),
    st.integers(0, 30),
)
def test_any_encoding_ends_in_a_refusal_or_in_all_records(found, encoding, letter, column):
    rows, _ = with_cells(found, [(0, column, letter)]) if letter else (found.rows, None)
    text = written([found.names, *rows], delimiter=",", quoting=csv.QUOTE_ALL)
    (result,) = read(found, text.encode(encoding, errors="ignore"))
    if result.delivery.status == "accepted":
        assert result.delivery.rows_read == len(rows)


# Parquet -------------------------------------------------------------------------------------------------------------

AS_TYPED: dict[str, Callable[[int], pl.Series]] = {
    "nothing": lambda n: pl.Series([None] * n),
    "float": lambda n: pl.Series([float("nan"), float("inf"), 5.0, 1e300, None][:n], dtype=pl.Float64),
    "integer": lambda n: pl.Series([5, -1, 2**62, None, 0][:n], dtype=pl.Int64),
    "date": lambda n: pl.Series([date(2010, 1, 2), date(1, 1, 1), None, date(9999, 12, 31), date(2010, 1, 2)][:n]),
    "time": lambda n: pl.Series([timedelta(hours=9)] * n),
    "flag": lambda n: pl.Series([True, False, None, True, True][:n]),
    "list": lambda n: pl.Series([["a"], [], None, ["b", "c"], [""]][:n], dtype=pl.List(pl.String)),
    "record": lambda n: pl.Series([{"a": 1}] * n),
    "bytes": lambda n: pl.Series([b"5", b"\xff\x00", None, b"", b"RXA"][:n], dtype=pl.Binary),
    "text": lambda n: pl.Series(["", "-", "5", "a\nb", "x" * 5000][:n]),
    "category": lambda n: pl.Series(["5", "", "a", None, "5"][:n], dtype=pl.Categorical),
}


@examples(25)
@given(valid(), st.lists(st.tuples(st.integers(0, 30), st.sampled_from(sorted(AS_TYPED))), min_size=1, max_size=3))
def test_columns_of_any_type_keep_the_number_of_records(found, changes):
    frame = pl.DataFrame(list(found.records))
    for place, kind in changes:
        name = found.names[place % len(found.names)]
        frame = frame.with_columns(AS_TYPED[kind](frame.height).alias(name))
    (result,) = read(found, parquet(frame), name="a.parquet")
    assert result.delivery.status == "accepted"
    assert result.delivery.rows_read == frame.height
