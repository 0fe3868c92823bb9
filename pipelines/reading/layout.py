"""Which cells of this file hold which columns of the contract: by name, any case, any order."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.contracts import Column, Contract
from pipelines.reading.delivery import RefusedDeliveryError

DELIMITERS = (",", "|", "\t")
LINES_OF_A_NAME = 3


@dataclass(frozen=True)
class Layout:
    """`cells` are positions in the record, by contract column (several for a list); absent columns are left out."""

    header: tuple[str, ...]
    cells: Mapping[str, tuple[int, ...]]
    ignored: tuple[str, ...]
    person_column: str | None

    @property
    def used(self) -> tuple[int, ...]:
        """Positions of all cells that the contract reads, in file order."""
        return tuple(sorted({position for cells in self.cells.values() for position in cells}))


def header_of(text: str, contract: Contract) -> tuple[tuple[str, ...], str, int]:
    """The names in a text's first record, its delimiter, and how many lines it takes.

    The delimiter is the one under which most names are known to the contract, else the most frequent. Raises
    RefusedDeliveryError if a quote in it goes on into the records.
    """
    known = set(_known_names(contract))
    text = _with_line_feeds(text)
    found = []
    for delimiter in DELIMITERS:
        names, lines = _first_record(text, delimiter)
        found.append((len(known.intersection(names)), len(names), delimiter, names, lines))
    _, _, delimiter, names, lines = max(found, key=lambda row: row[:2])
    if _goes_on(names, text, delimiter):
        raise RefusedDeliveryError("header_broken", "a quote in its first line is not closed there")
    return names, delimiter, lines


def lay_out(header: Sequence[str], contract: Contract) -> Layout:
    """Find the contract's columns in a header; raises RefusedDeliveryError naming what is missing or stands twice.

    Of several names that a column may have, the first in the contract's order counts; the others are ignored.
    """
    names = tuple(normal(name) for name in header)
    places = {name: position for position, name in reversed(list(enumerate(names)))}
    cells = {column.name: _cells(column, places) for column in contract.columns}
    cells = {name: found for name, found in cells.items() if found}
    _refuse_strangers(cells, contract)
    used = {position for found in cells.values() for position in found}
    _refuse_repeats(names, used)
    ignored = tuple(name for position, name in enumerate(names) if position not in used and name)
    person = next((c.name for c in contract.columns if c.options.get("person") and c.name in cells), None)
    person_column = names[cells[person][0]] if person else None
    return Layout(header=names, cells=cells, ignored=ignored, person_column=person_column)


def normal(name: str) -> str:
    """A header's name as the contract writes it."""
    return name.strip().strip("\ufeff\u00a0\"' ").upper()


def _goes_on(names: Sequence[str], text: str, delimiter: str) -> bool:
    """Whether a quote in the header holds whole records: a name may have line breaks, but few, and no delimiter."""
    broken = [name for name in names if "\n" in name]
    if any(delimiter in name or name.count("\n") > LINES_OF_A_NAME for name in broken):
        return True
    strict = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next((record for record in strict if any(name.strip() for name in record)), None)
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _with_line_feeds(text: str) -> str:
    """Lines as the records are split into: at line feeds, at carriage returns only where there is no line feed."""
    return text.replace("\r\n", "\n").replace("\r", " " if "\n" in text else "\n")


def _first_record(text: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            if any(name.strip() for name in record):
                return tuple(normal(name) for name in record), reader.line_num
    except csv.Error:
        pass
    return (), 0


def _known_names(contract: Contract) -> list[str]:
    return [name for column in contract.columns for name in _names(column)]


def _names(column: Column) -> tuple[str, ...]:
    if "prefixes" in column.options:
        return tuple(name for prefix in column.options["prefixes"] for name in _numbered(column, prefix))
    return tuple(name.upper() for name in (column.name, *column.synonyms))


def _numbered(column: Column, prefix: str) -> tuple[str, ...]:
    first, last = column.options["numbers"]
    return tuple(f"{prefix}{number:02d}".upper() for number in range(first, last + 1))


def _cells(column: Column, places: Mapping[str, int]) -> tuple[int, ...]:
    if "prefixes" in column.options:
        for prefix in column.options["prefixes"]:
            found = tuple(places[name] for name in _numbered(column, prefix) if name in places)
            if found:
                return found
        return ()
    return next(((places[name],) for name in _names(column) if name in places), ())


def _refuse_strangers(cells: Mapping[str, tuple[int, ...]], contract: Contract) -> None:
    missing = [column for column in contract.columns if column.is_required and column.name not in cells]
    if not cells:
        raise RefusedDeliveryError(
            "header_missing",
            f"its first line names no column of the contract {contract.id}: "
            "the header is missing, or the file belongs to another data set",
        )
    if missing:
        wanted = "; ".join(" or ".join(_names(column)[:5]) for column in missing)
        raise RefusedDeliveryError(
            "required_column_missing", f"required columns of the contract {contract.id} are missing: {wanted}"
        )
    for group in contract.options.get("one_of", []):
        if not any(name in cells for name in group):
            raise RefusedDeliveryError(
                "required_column_missing", f"one of the columns {', '.join(group)} is required and none is there"
            )


def _refuse_repeats(names: Sequence[str], used: set[int]) -> None:
    counts = Counter(names)
    repeated = sorted({names[position] for position in used if counts[names[position]] > 1})
    if repeated:
        raise RefusedDeliveryError("column_repeated", f"the column {repeated[0]} stands twice in the header")
