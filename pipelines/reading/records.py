"""Splitting a text file that is not plain into records, so that each is kept, repaired or refused by name."""

import csv
import io
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

LONGEST_QUOTED_RECORD = 50
LONGEST_RECORD = 400_000
BLOCK = 1 << 22
KEPT, DECODED, DROPPED = "kept", "decoded", "dropped"
_LINE_FEED, _RETURN, _QUOTE, _NOT_ASCII = 10, 13, 34, 128
_BLANK_BEHIND_QUOTE = re.compile(r'"[ \t]+(?=[,|\t]|$)')
_BYTE_ORDER_MARK = "\ufeff"
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


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    state: str
    is_unended: bool


class _Block:
    """Whole lines of a file, and which of them are `odd`: not a record each beyond doubt."""

    def __init__(self, text: bytes, *, line_end: int, mark: int, delimiters: int) -> None:
        codes = np.frombuffer(text, dtype=np.uint8)
        self.text = text
        self.ends = np.flatnonzero(codes == line_end) + 1
        is_unended = not len(self.ends) or self.ends[-1] < len(text)
        if is_unended:
            self.ends = np.append(self.ends, len(text))
        self.starts = np.append(0, self.ends[:-1])
        is_odd = np.add.reduceat((codes == mark).view(np.uint8), self.starts, dtype=np.uint32) != delimiters
        is_odd |= self.ends - self.starts > LONGEST_RECORD
        is_odd[np.searchsorted(self.ends, _odd_places(codes), side="right")] = True
        is_odd[-1] |= is_unended
        self.odd = np.flatnonzero(is_odd | (delimiters == 0) | (line_end == _RETURN))

    def line(self, index: int) -> bytes:
        """One line with its end."""
        return self.text[self.starts[index] : self.ends[index]]

    def plain_until(self, index: int) -> int:
        """The index of the first odd line from `index` on, or the number of lines."""
        place = np.searchsorted(self.odd, index)
        return int(self.odd[place]) if place < len(self.odd) else len(self.ends)


class _Lines:
    """Physical lines of a file, decoded; lines can be put back to be read again."""

    def __init__(self, file: BinaryIO, *, delimiter: str, n_cells: int) -> None:
        self._blocks = _blocks(file, mark=ord(delimiter), delimiters=n_cells - 1)
        self._block: _Block | None = next(self._blocks, None)
        self._index = 0
        self._last = 0
        self._put_back: deque[_Line] = deque()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> _Line:
        if self._put_back:
            return self._put_back.popleft()
        block = self._current()
        if block is None:
            raise StopIteration
        raw = block.line(self._index)
        self._index += 1
        self._last += 1
        return _line(self._last, raw)

    @property
    def next_number(self) -> int:
        """Number of the line that comes next."""
        return self._put_back[0].number if self._put_back else self._last + 1

    def plain(self) -> tuple[bytes, int]:
        """Lines that are a record each beyond doubt, as they stand, up to the next that is none; their number."""
        block = self._current()
        if self._put_back or block is None:
            return b"", 0
        stop = block.plain_until(self._index)
        number = stop - self._index
        text = block.text[block.starts[self._index] : block.ends[stop - 1]] if number else b""
        self._index = stop
        self._last += number
        return text, number

    def put_back(self, lines: list[_Line]) -> None:
        """Read these again, in their order, before all others."""
        self._put_back.extendleft(reversed(lines))

    def _current(self) -> _Block | None:
        while self._block is not None and self._index == len(self._block.ends):
            self._block, self._index = next(self._blocks, None), 0
        return self._block


def rewrite(source: Path, target: Path, *, delimiter: str, n_cells: int, header_lines: int) -> Split:
    """Copy the records of `source` in clean form: UTF-8, line feeds, no header, no blank lines.

    A refused record becomes empty cells, so that record numbers stay.
    """
    split = Split()
    with source.open("rb") as file, target.open("wb") as clean:
        lines = _Lines(file, delimiter=delimiter, n_cells=n_cells)
        header = [next(lines, None) for _ in range(header_lines)]
        split.lines_blank += sum(line is not None and not line.text.strip() for line in header)
        clean.writelines(_clean(lines, split, delimiter=delimiter, n_cells=n_cells))
    return split


def _clean(lines: _Lines, split: Split, *, delimiter: str, n_cells: int) -> Iterator[bytes]:
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


def _record(line: _Line, lines: _Lines, *, delimiter: str, n_cells: int) -> tuple[str, str, str]:
    """The record that starts with a line in clean form, the rule it fails, and its text."""
    if '"' not in line.text or line.state == DROPPED or len(line.text) > LONGEST_RECORD:
        return *_of_line(line, delimiter, n_cells), line.text
    cells, shown = _quoted(line, lines, delimiter=delimiter, n_cells=n_cells)
    return *_of_cells(cells, delimiter, n_cells), shown


def _is_blank(line: _Line, delimiter: str) -> bool:
    return not line.text.strip() and delimiter not in line.text


def _of_line(line: _Line, delimiter: str, n_cells: int) -> tuple[str, str]:
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


def _quoted(line: _Line, following: _Lines, *, delimiter: str, n_cells: int) -> tuple[list[str] | None, str]:
    """Cells of a record with quotes (None if a quote is never closed) and its text.

    A quote that is still open at the line's end may hold line breaks: the record goes on until the cells are
    as many as they should be. A line that is a record of its own right is never swallowed.
    """
    cells, is_open = _parsed(line.text, delimiter)
    if not is_open:
        return cells, line.text
    taken, text = list[_Line](), line.text
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


def _stands_alone(line: _Line, so_far: str, *, delimiter: str, n_cells: int) -> bool:
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


def _line(number: int, raw: bytes) -> _Line:
    """A line as UTF-8, else as Windows text (cp1252), else marked as dropped."""
    text, state = _decoded(raw.rstrip(b"\r\n"))
    if number == 1:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    return _Line(number, text.replace("\r", " "), state, not raw.endswith((b"\n", b"\r")))


def _blocks(file: BinaryIO, *, mark: int, delimiters: int) -> Iterator[_Block]:
    """The file in blocks of whole lines; lines may end with a line feed, or all with a carriage return alone."""
    line_end = _LINE_FEED
    while text := file.read(BLOCK):
        if file.tell() == len(text) and b"\n" not in text and b"\r" in text:
            line_end = _RETURN
        text += file.read() if line_end == _RETURN else file.readline()
        yield _Block(text, line_end=line_end, mark=mark, delimiters=delimiters)


def _odd_places(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where a block has quotes, bytes beyond ASCII, or a carriage return that does not end a line."""
    is_odd = (codes >= _NOT_ASCII) | (codes == _QUOTE)
    is_odd[:-1] |= (codes[:-1] == _RETURN) & (codes[1:] != _LINE_FEED)
    is_odd[-1] |= codes[-1] == _RETURN
    return np.flatnonzero(is_odd)


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8"), KEPT
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), DECODED
    except UnicodeDecodeError:
        return raw.decode("latin-1"), DROPPED
