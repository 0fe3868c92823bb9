"""Splitting a text file that is not plain into records, so that each is kept, repaired or refused by name."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from pipelines.reading.typing_sql import DECODED, DROPPED, KEPT

LONGEST_QUOTED_RECORD = 50
LONGEST_RECORD = 1_000_000
_BLANK_BEHIND_QUOTE = re.compile(r'"[ \t]+(?=[,|\t]|$)')
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class RefusedRecord:
    """A record that cannot be taken apart: its number, its first line, the rule and its text."""

    record: int
    line: int
    rule_id: str
    text: str


@dataclass
class Split:
    """What splitting a file gave: `lines_blank` and the refused records; grows while the file is written."""

    lines_blank: int = 0
    records: int = 0
    refused: list[RefusedRecord] = field(default_factory=list)


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    state: str
    is_last: bool


def rewrite(source: Path, target: Path, *, delimiter: str, n_cells: int, header_lines: int) -> Split:
    """Copy the records of `source` in clean form, each followed by its state, so that record numbers stay.

    A refused record becomes empty cells with the state `dropped`. UTF-8, line feeds, no header, no blank lines.
    """
    split = Split()
    lines = _lines(source)
    for _ in range(header_lines):
        header = next(lines, None)
        split.lines_blank += header is not None and not header.text.strip()
    with target.open("w", encoding="utf-8", newline="") as file:
        for line in _clean(lines, split, delimiter=delimiter, n_cells=n_cells):
            file.write(line)
    return split


def lines_of_records(source: Path, records: set[int], *, delimiter: str, n_cells: int) -> dict[int, int]:
    """First text line of some records of a file; the header is record 0 and starts at its own line."""
    wanted, found, number = set(records), {}, -1
    pending = _lines(source)
    while wanted and (line := next(pending, None)) is not None:
        if not line.text.strip():
            continue
        number += 1
        if number in wanted:
            found[number] = line.number
            wanted.discard(number)
        if '"' in line.text:
            cells, joined, pending = _quoted(line, pending, delimiter=delimiter, n_cells=n_cells)
    return found


def _clean(lines: Iterator[_Line], split: Split, *, delimiter: str, n_cells: int) -> Iterator[str]:
    dropped = delimiter.join(['""'] * n_cells) + f"{delimiter}{DROPPED}\n"
    pending = lines
    while (line := next(pending, None)) is not None:
        if not line.text.strip():
            split.lines_blank += 1
            continue
        split.records += 1
        clean, state, rule, shown = None, line.state, "", line.text
        if line.state == DROPPED:
            rule = "undecodable_row"
        elif len(line.text) > LONGEST_RECORD:
            rule = "record_too_long"
        elif '"' not in line.text:
            if line.text.count(delimiter) == n_cells - 1:
                clean = line.text
            else:
                rule = "truncated_last_line" if line.is_last else "wrong_field_count"
        else:
            cells, shown, pending = _quoted(line, pending, delimiter=delimiter, n_cells=n_cells)
            if cells is None:
                rule = "unclosed_quote"
            elif len(cells) != n_cells:
                rule = "wrong_field_count"
            else:
                clean = _written(cells, delimiter)
        if clean is None:
            split.refused.append(RefusedRecord(split.records, line.number, rule, shown))
            yield dropped
        else:
            yield f"{clean}{delimiter}{state}\n"


def _quoted(
    line: _Line, following: Iterator[_Line], *, delimiter: str, n_cells: int
) -> tuple[list[str] | None, str, Iterator[_Line]]:
    """Cells of a record with quotes (None if a quote is never closed), its text, and the lines behind it.

    A quote that is still open at the line's end may hold line breaks: the record goes on until the cells are
    as many as they should be. A line that is a record of its own right is never swallowed.
    """
    cells, is_open = _parsed(line.text, delimiter)
    if not is_open:
        return cells, line.text, following
    taken, text = [], line.text
    for more in following:
        taken.append(more)
        if more.state == DROPPED or (n_cells > 1 and more.text.count(delimiter) == n_cells - 1):
            break
        text = f"{text}\n{more.text}"
        cells, is_open = _parsed(text, delimiter)
        if not is_open and cells is not None and len(cells) == n_cells:
            return cells, text, following
        if len(taken) == LONGEST_QUOTED_RECORD or len(text) > LONGEST_RECORD:
            break
    return None, line.text, chain(taken, following)


def _parsed(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Cells of one record (None if they cannot be told apart), and whether a quote is still open."""
    for attempt in (text, _BLANK_BEHIND_QUOTE.sub('"', text)):
        try:
            rows = list(csv.reader(io.StringIO(attempt, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None, True
            continue
        return (rows[0] if len(rows) == 1 else None), False
    return None, False


def _written(cells: list[str], delimiter: str) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="").writerow(cells)
    return buffer.getvalue()


def _lines(source: Path) -> Iterator[_Line]:
    """Physical lines, decoded as UTF-8, else as Windows text (cp1252), else marked as dropped."""
    with source.open("rb") as file:
        number = 0
        for raw in _broken(file):
            number += 1
            text, state = _decoded(raw.rstrip(b"\r\n"))
            yield _Line(number, text.lstrip(_BYTE_ORDER_MARK) if number == 1 else text, state, not raw.endswith((b"\n", b"\r")))


def _broken(file: io.BufferedReader) -> Iterator[bytes]:
    start = file.read(1 << 20)
    file.seek(0)
    if b"\n" in start or b"\r" not in start:
        return iter(file)
    return iter(line + b"\n" for line in file.read().split(b"\r") if line)


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8"), KEPT
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), DECODED
    except UnicodeDecodeError:
        return raw.decode("latin-1"), DROPPED
