"""Taking a file in: from bytes of any kind to raw records as text, and what could not be taken apart."""

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts import Contract
from pipelines.reading import raw_records, records, scanning, unpacking
from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.discovery import Found
from pipelines.reading.layout import Layout, header_of, lay_out
from pipelines.reading.pseudonym import PseudonymKey
from pipelines.reading.raw_records import TextFormat
from pipelines.reading.records import RefusedRecord, Split
from pipelines.reading.spreadsheets import read_sheet

_HEADER_BYTES = 1 << 20
# The widest HES extract has some 400; the engine needs minutes for 50,000, as in a file that lost its line ends.
MOST_COLUMNS = 5_000


@dataclass(frozen=True)
class Taken:
    """`raw` holds one row a record, in file order; `rows` counts them, those in `split` included.

    `lines_of` gives the text lines of some records, where the file has lines; `decoded` are those that were cp1252.
    """

    raw: Path
    rows: int
    layout: Layout
    lines_blank: int
    split: Sequence[RefusedRecord]
    lines_of: Callable[[set[int]], Mapping[int, int]]
    decoded: Sequence[int] = ()


def content_hash(found: Found) -> str:
    """SHA-256 of what a delivery holds: of the file, or of the member of an archive."""
    if found.member is not None:
        return unpacking.sha256_of_member(found.path, found.member)
    return scanning.sha256_of(found.path)


def take_in(
    connection: duckdb.DuckDBPyConnection, found: Found, aside: Path, *, contract: Contract, key: PseudonymKey | None
) -> Taken:
    """Write the raw records of a delivery aside; raises RefusedDeliveryError if it is not what the contract says."""
    source = _plain_file(found, aside)
    target = aside / "raw.parquet"
    if found.kind == "parquet":
        return _parquet(connection, source, target, contract=contract, key=key)
    if found.kind == "xlsx":
        return _sheet(connection, source, target, contract=contract, key=key)
    return _text(connection, source, target, contract=contract, key=key)


def _plain_file(found: Found, aside: Path) -> Path:
    target = aside / f"unpacked.{found.kind}"
    if found.member is not None:
        unpacking.unpack_member(found.path, found.member, target)
        return target
    if found.kind == "gzip":
        unpacking.unpack_gzip(found.path, target)
        return target
    return found.path


def _parquet(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, *, contract: Contract, key: PseudonymKey | None
) -> Taken:
    names = [name for name, _ in raw_records.parquet_columns(connection, source)]
    layout = lay_out(names, contract)
    try:
        rows = raw_records.take_in_parquet(connection, source, target, layout=layout, key=key)
    except duckdb.Error as fault:
        raise raw_records.not_parquet(fault) from None
    return Taken(target, rows, layout, 0, (), lambda _: {})


def _sheet(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, *, contract: Contract, key: PseudonymKey | None
) -> Taken:
    sheet = read_sheet(source)
    filled = sheet.filter(~pl.all_horizontal(pl.all().is_null() | (pl.all().str.strip_chars() == "")))
    layout = lay_out([name or "" for name in filled.row(0)] if filled.height else [], contract)
    rows = raw_records.take_in_sheet(connection, filled.slice(1), target, layout=layout, key=key)
    return Taken(target, rows, layout, sheet.height - filled.height, (), lambda _: {})


def _text(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, *, contract: Contract, key: PseudonymKey | None
) -> Taken:
    encoding = scanning.encoding_of(source)
    if encoding != "utf-8":
        decoded = target.with_name("decoded.csv")
        unpacking.as_utf8(source, decoded, encoding=encoding)
        source = decoded
    names, delimiter, header_lines = header_of(_start_of(source), contract)
    if len(names) > MOST_COLUMNS:
        raise RefusedDeliveryError("records_unreadable", f"its first line has more than {MOST_COLUMNS:,} cells")
    layout = lay_out(names, contract)
    text_format = TextFormat(delimiter, header_lines, has_quotes=True)
    plain = _take_in_plain(connection, source, target, layout=layout, text_format=text_format, key=key)
    if plain is not None:
        return Taken(target, plain, layout, 0, (), lambda wanted: {record: record + 1 for record in wanted})

    split = _take_in_split(connection, source, target, layout=layout, text_format=text_format, key=key)
    return Taken(target, split.records, layout, split.lines_blank, split.refused, split.lines_of, split.decoded)


def _start_of(source: Path) -> str:
    with source.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return start.decode("cp1252", errors="replace")


def _take_in_plain(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    target: Path,
    *,
    layout: Layout,
    text_format: TextFormat,
    key: PseudonymKey | None,
) -> int | None:
    """Number of records where the engine reads every line as one, without any doubt; None where it cannot."""
    seen = scanning.scan(source)
    if not seen.is_utf8 or text_format.header_lines != 1 or len(layout.header) == 1:
        return None
    if seen.has_carriage_returns:
        plain = target.with_name("plain.csv")
        if not unpacking.with_line_feeds(source, plain):
            return None
        source, seen = plain, scanning.scan(plain)
    if not seen.is_plain:
        return None
    plain_format = TextFormat(text_format.delimiter, 1, has_quotes=seen.has_quotes)
    try:
        rows = raw_records.take_in_text(connection, source, target, layout=layout, text_format=plain_format, key=key)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    return rows if rows == seen.lines - 1 else None


def _take_in_split(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    target: Path,
    *,
    layout: Layout,
    text_format: TextFormat,
    key: PseudonymKey | None,
) -> Split:
    clean = target.with_name("clean.csv")
    split = records.rewrite(
        source,
        clean,
        delimiter=text_format.delimiter,
        n_cells=len(layout.header),
        header_lines=text_format.header_lines,
    )
    clean_format = TextFormat(text_format.delimiter, 0, has_quotes=True)
    try:
        rows = raw_records.take_in_text(connection, clean, target, layout=layout, text_format=clean_format, key=key)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        raise RefusedDeliveryError("records_unreadable", "the file cannot be taken apart into records") from None
    if rows != split.records:
        raise RefusedDeliveryError("records_unreadable", "the file cannot be taken apart into records")
    return split
