"""Splitting a text file that is not plain into records, so that each is kept, repaired or refused by name."""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.reading.lines import DECODED, DROPPED, LONGEST_RECORD, Line, Lines

LONGEST_QUOTED_RECORD = 50
_BLANK_BEHIND_QUOTE = re.compile(r'"[ \t]+(?=[,|\t]|$)')
# A cell may be as long as its record; the csv module stops at 131,072 characters otherwise.
csv.field_size_limit(LONGEST_RECORD)


@dataclass(frozen=True)
class RefusedRecord:
    """A record that cannot be taken apart: its number, its first line, the rule and its text."""

    record: int
    line: int
    rule_id: str
    text: str


@dataclass
class Split:
    """What splitting a file gave: `lines_blank`, the refused records and the numbers of those that were not UTF-8.

    Grows while the file is written. `starts` holds the text line of some records; those between two of them are a
    line each.
    """

    lines_blank: int = 0
    records: int = 0
    refused: list[RefusedRecord] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    starts: dict[int, int] = field(default_factory=dict)

    def note_start(self, record: int, line: int) -> None:
        """Remember where a record starts, unless that follows from the one before."""
        before = next(reversed(self.starts), None)
        if before is None or line - record != self.starts[before] - before:
            self.starts[record] = line

    def lines_of(self, wanted: set[int]) -> dict[int, int]:
        """First text line of some records, counted from 1."""
        known = list(self.starts)
        before = {record: known[bisect_right(known, record) - 1] for record in wanted}
        return {record: self.starts[start] + record - start for record, start in before.items()}


def rewrite(source: Path, target: Path, *, delimiter: str, n_cells: int, header_lines: int) -> Split:
    """Copy the records of `source` in clean form: UTF-8, line feeds, no header, no blank lines.

    A refused record becomes empty cells, so that record numbers stay.
    """
    split = Split()
    with source.open("rb") as file, target.open("wb") as clean:
        lines = Lines(file, delimiter=delimiter, n_cells=n_cells)
        header = [next(lines, None) for _ in range(header_lines)]
        split.lines_blank += sum(line is not None and not line.text.strip() for line in header)
        clean.writelines(_clean(lines, split, delimiter=delimiter, n_cells=n_cells))
    return split


def _clean(lines: Lines, split: Split, *, delimiter: str, n_cells: int) -> Iterator[bytes]:
    dropped = (delimiter.join(['""'] * n_cells) + "\n").encode()
    while True:
        split.note_start(split.records + 1, lines.next_number)
        plain, number = lines.plain()
        if number:
            split.records += number
            yield plain.replace(b"\r\n", b"\n") if b"\r" in plain else plain
            continue
        line = next(lines, None)
        if line is None:
            return
        if _is_blank(line, delimiter):
            split.lines_blank += 1
            continue
        split.records += 1
        split.note_start(split.records, line.number)
        clean, rule, shown = _record(line, lines, delimiter=delimiter, n_cells=n_cells)
        if rule:
            split.refused.append(RefusedRecord(split.records, line.number, rule, shown))
        elif line.state == DECODED:
            split.decoded.append(split.records)
        yield f"{clean}\n".encode() if not rule else dropped


def _record(line: Line, lines: Lines, *, delimiter: str, n_cells: int) -> tuple[str, str, str]:
    """The record that starts with a line in clean form, the rule it fails, and its text."""
    if '"' not in line.text or line.state == DROPPED or len(line.text) > LONGEST_RECORD:
        return *_of_line(line, delimiter, n_cells), line.text
    cells, shown = _quoted(line, lines, delimiter=delimiter, n_cells=n_cells)
    if len(shown) > LONGEST_RECORD:
        return "", "record_too_long", shown
    return *_of_cells(cells, delimiter, n_cells), shown


def _is_blank(line: Line, delimiter: str) -> bool:
    return not line.text.strip() and delimiter not in line.text


def _of_line(line: Line, delimiter: str, n_cells: int) -> tuple[str, str]:
    """A line without quotes in clean form, or the rule it fails."""
    if line.state == DROPPED:
        return "", "undecodable_row"
    if len(line.text) > LONGEST_RECORD:
        return "", "record_too_long"
    if line.text.count(delimiter) == n_cells - 1:
        return line.text, ""
    return "", "truncated_last_line" if line.is_unended else "wrong_field_count"


def _of_cells(cells: list[str] | None, delimiter: str, n_cells: int) -> tuple[str, str]:
    """A record with quotes in clean form, or the rule it fails."""
    if cells is None:
        return "", "unclosed_quote"
    return (_written(cells, delimiter), "") if len(cells) == n_cells else ("", "wrong_field_count")


def _quoted(line: Line, following: Lines, *, delimiter: str, n_cells: int) -> tuple[list[str] | None, str]:
    """Cells of a record with quotes (None if a quote is never closed) and its text.

    A quote that is still open at the line's end may hold line breaks: the record goes on until the cells are
    as many as they should be. A line that is a record of its own right is never swallowed.
    """
    cells, is_open = _parsed(line.text, delimiter)
    if not is_open:
        return cells, line.text
    taken, text = list[Line](), line.text
    for more in following:
        taken.append(more)
        if more.state == DROPPED or _stands_alone(more, text, delimiter=delimiter, n_cells=n_cells):
            break
        text = f"{text}\n{more.text}"
        cells, is_open = _parsed(text, delimiter)
        if not is_open and cells is not None and len(cells) == n_cells:
            return cells, text
        if len(taken) == LONGEST_QUOTED_RECORD or len(text) > LONGEST_RECORD:
            break
    following.put_back(taken)
    return None, line.text


def _stands_alone(line: Line, so_far: str, *, delimiter: str, n_cells: int) -> bool:
    """Whether a line has all cells of a record; a line break in the first cell leaves them all to the line that
    closes its quote.
    """
    closes_first_cell = delimiter not in so_far and '"' in line.text
    return n_cells > 1 and line.text.count(delimiter) == n_cells - 1 and not closes_first_cell


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
    csv.writer(buffer, delimiter=delimiter, lineterminator="", quoting=csv.QUOTE_ALL).writerow(cells)
    return buffer.getvalue()
