"""The physical lines of a text file, decoded, and which of them are a record each beyond doubt."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

LONGEST_RECORD = 400_000
BLOCK = 1 << 22
KEPT, DECODED, DROPPED = "kept", "decoded", "dropped"
_LINE_FEED, _RETURN, _QUOTE, _NOT_ASCII = 10, 13, 34, 128
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Line:
    """One line without its end: its number from 1, its text, how that was decoded, and whether its end is missing."""

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


class Lines:
    """Physical lines of a file, decoded; lines can be put back to be read again."""

    def __init__(self, file: BinaryIO, *, delimiter: str, n_cells: int) -> None:
        self._blocks = _blocks(file, mark=ord(delimiter), delimiters=n_cells - 1)
        self._block: _Block | None = next(self._blocks, None)
        self._index = 0
        self._last = 0
        self._put_back: deque[Line] = deque()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> Line:
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

    def put_back(self, lines: list[Line]) -> None:
        """Read these again, in their order, before all others."""
        self._put_back.extendleft(reversed(lines))

    def _current(self) -> _Block | None:
        while self._block is not None and self._index == len(self._block.ends):
            self._block, self._index = next(self._blocks, None), 0
        return self._block


def _line(number: int, raw: bytes) -> Line:
    """A line as UTF-8, else as Windows text (cp1252), else marked as dropped."""
    text, state = _decoded(raw.rstrip(b"\r\n"))
    if number == 1:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    return Line(number, text.replace("\r", " "), state, not raw.endswith((b"\n", b"\r")))


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
