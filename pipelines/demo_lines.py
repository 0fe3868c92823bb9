"""The lines of a delivery byte by byte, sound and broken."""

import csv
import io

import polars as pl

from evaluation.simulation.dirt import BLANK, FORM, PLAIN

UNDEFINED_IN_CP1252 = b"\x81"


def dirty_text(records: pl.DataFrame, header: tuple[str, ...], separator: str) -> bytes:
    """The bytes of a delivery: sound lines as they are, each broken one in its form."""
    cells = records.select(pl.col(name.upper()).replace("", None).alias(name) for name in header)
    out = io.BytesIO()
    out.write(_line(header, separator))
    start = 0
    for number, form in enumerate(records[FORM]):
        if form == PLAIN:
            continue
        cells[start:number].write_csv(out, include_header=False, separator=separator)
        out.write(_broken([cell or "" for cell in cells.row(number)], form, header, separator))
        start = number + 1
    cells[start:].write_csv(out, include_header=False, separator=separator)
    return out.getvalue()


def _broken(cells: list[str], form: str, header: tuple[str, ...], separator: str) -> bytes:
    """One line in the form in which it is broken."""
    middle = len(cells) // 2
    if form == BLANK:
        return b"\n"
    if form == "header":
        return _line(header, separator)
    if form == "short":
        return _line(cells[:-1], separator)
    if form == "long":
        return _line([*cells, "."], separator)
    if form == "unclosed_quote":
        return separator.join([*cells[:middle], f'"{cells[middle]}', *cells[middle + 1 :]]).encode() + b"\n"
    line = _line(cells, separator, encoding="cp1252")
    if form == "cp1252":
        return line
    if form == "undecodable":
        return line[:-1] + UNDEFINED_IN_CP1252 + b"\n"
    if form == "truncated":
        return line[: len(line) // 2]
    raise ValueError(f"{form} is not a form of a line")


def _line(cells: list[str] | tuple[str, ...], separator: str, *, encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(encoding)
