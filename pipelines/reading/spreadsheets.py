"""Spreadsheets: the one sheet with data as text, and what is too large to be opened at all.

A sheet is read as a whole, a cell for every place between its first and its last: one stray cell far below or far to
the right asks for all memory there is, and the library then ends the process. So its places are counted before.
"""

import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import fastexcel
import polars as pl

from pipelines.reading.archives import most_bytes, refusing_broken
from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.scanning import CHUNK

# 55 bytes a cell and 1.6 a byte of XML were measured: below 4 GB in all.
MOST_CELLS = 50_000_000
MOST_BYTES = 10**9
_BROKEN = ("spreadsheet_unreadable", "not a readable spreadsheet: it is broken or has a password")
_ROW = re.compile(rb"<(?:\w+:)?row(?=[\s/>])")
_CELL = re.compile(rb"[<:]c[\s/>]")
_PLACE = re.compile(rb"""\sr=["']([A-Za-z]*)(\d*)["']""")


def read_sheet(source: Path) -> pl.DataFrame:
    """The only sheet of a spreadsheet with data, every cell as ISO text, no header taken; column names are numbers.

    Raises RefusedDeliveryError if it is broken, encrypted, too large or holds several sheets with data.
    """
    content = _measured(source)
    try:
        book = fastexcel.read_excel(content)
        sheets = [book.load_sheet(name, header_row=None, dtypes="string").to_polars() for name in book.sheet_names]
    except fastexcel.FastExcelError:
        raise RefusedDeliveryError(*_BROKEN) from None
    filled = [sheet for sheet in sheets if sheet.height and sheet.width]
    if not filled:
        raise RefusedDeliveryError("empty_file", "the spreadsheet has no sheet with data")
    if len(filled) > 1:
        raise RefusedDeliveryError("spreadsheet_several_sheets", "the spreadsheet has several sheets with data")
    text = pl.all().str.replace(r" 00:00:00(\.0+)?$", "").str.replace(r"^1899-12-3[01] ", "")
    return filled[0].rename(lambda name: str(filled[0].columns.index(name))).with_columns(text)


def _measured(source: Path) -> bytes:
    """The bytes of a spreadsheet whose parts are within bounds."""
    with refusing_broken(*_BROKEN), zipfile.ZipFile(source) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > min(MOST_BYTES, most_bytes(source.stat().st_size)):
            raise _too_large()
        for part in parts:
            with archive.open(part) as packed:
                if cells_between(iter(lambda: packed.read(CHUNK), b"")) > MOST_CELLS:
                    raise _too_large()
    return source.read_bytes()


def cells_between(chunks: Iterator[bytes]) -> int:
    """Places from the first row and column to the last that a sheet names, or has, in its XML; 0 where it is no sheet.

    Example: a cell `C1000` and nothing else makes 3 columns of 1,000 rows, 3,000 places.
    """
    last_row, last_column, unnumbered = 0, 0, 0
    for row in _rows(chunks):
        places = _PLACE.findall(row)
        last_column = max(
            last_column, len(_CELL.findall(row)), *(_number(column) for column in {p[0] for p in places}), 0
        )
        last_row = max(last_row, *(int(number[:12] or 0) for number in {p[1] for p in places}), 0)
        unnumbered += not places
    return (last_row + unnumbered) * last_column


def _rows(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The XML of each row with its own start tag, a broken-off one too."""
    held = b""
    for chunk in chunks:
        held += chunk
        starts = [found.start() for found in _ROW.finditer(held)]
        for start, end in pairwise(starts):
            yield held[start:end]
        held = held[starts[-1] :] if starts else held[-20:]
        if len(held) > 10 * CHUNK:
            raise _too_large()
    yield from [held] if _ROW.match(held) else []


def _number(column: bytes) -> int:
    """1 for `A`, 27 for `AA`."""
    number = 0
    for letter in column.upper()[:6]:
        number = number * 26 + letter - 64
    return number


def _too_large() -> RefusedDeliveryError:
    return RefusedDeliveryError("spreadsheet_too_large", "the spreadsheet is larger than can be opened")
