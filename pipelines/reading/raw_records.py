"""Raw records aside: every needed cell of a file as text, one Parquet row a record, in file order."""

import glob
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.errors import StudyError
from pipelines.reading.archives import most_bytes, too_large
from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.layout import Layout
from pipelines.reading.local_faults import is_local
from pipelines.reading.pseudonym import MADE_UP, PseudonymKey, hmac_sql, nhs_number_rule_sql
from pipelines.reading.typing_sql import NHS_NUMBER, raw_cell
from pipelines.reading.value import literal, quoted

# With a dictionary the engine looks once at each different text of a block; what is soon deleted is not compressed.
_QUICK_TO_WRITE = "compression uncompressed, dictionary_size_limit 8000"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


@dataclass(frozen=True)
class TextFormat:
    """How the engine is to read a plain text file: UTF-8 with line feeds."""

    delimiter: str
    header_lines: int
    has_quotes: bool


def take_in_text(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    target: Path,
    *,
    layout: Layout,
    text_format: TextFormat,
    key: PseudonymKey | None,
) -> int:
    """Write the raw records of a plain text file; returns their number. Raises duckdb.Error if it is not plain."""
    names = [raw_cell(position) for position in range(len(layout.header))]
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    quote = literal('"') if text_format.has_quotes else "''"
    relation = (
        f"read_csv($source, auto_detect=false, header=false, skip={text_format.header_lines}, "
        f"columns={{{columns}}}, delim={literal(text_format.delimiter)}, quote={quote}, escape={quote}, "
        "new_line='\\n', strict_mode=true, null_padding=false, encoding='utf-8')"
    )
    cells = {position: raw_cell(position) for position in layout.used}
    return _copy(connection, relation, {"source": _named(source)}, cells, target, layout=layout, key=key)


def take_in_parquet(
    connection: duckdb.DuckDBPyConnection, source: Path, target: Path, *, layout: Layout, key: PseudonymKey | None
) -> int:
    """Write the raw records of a Parquet file as text; returns their number."""
    described = parquet_columns(connection, source)
    cells = {position: _as_text(*described[position]) for position in layout.used}
    relation = "read_parquet($source)"
    return _copy(connection, relation, {"source": _named(source)}, cells, target, layout=layout, key=key)


def require_measure(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """Refuses a Parquet file that would expand without measure, by what it says of itself: its bytes and its cells."""
    described = connection.execute(
        "select coalesce(sum(total_uncompressed_size), 0), coalesce(sum(num_values), 0) from parquet_metadata($source)",
        {"source": _named(source)},
    ).fetchone()
    if described and max(described) > most_bytes(source.stat().st_size):
        raise too_large()


def parquet_columns(connection: duckdb.DuckDBPyConnection, source: Path) -> list[tuple[str, str]]:
    """Names and types of a Parquet file's columns; raises RefusedDeliveryError if it is none or too large."""
    try:
        require_measure(connection, source)
        rows = connection.execute("describe select * from read_parquet($source)", {"source": _named(source)}).fetchall()
    except duckdb.Error as fault:
        raise not_parquet(fault) from None
    return [(name, sql_type) for name, sql_type, *_ in rows]


def not_parquet(fault: duckdb.Error) -> RefusedDeliveryError:
    """The refusal of a Parquet file that the engine cannot read; a fault of this machine is raised again."""
    if is_local(fault):
        raise fault
    return RefusedDeliveryError("parquet_unreadable", "not a readable Parquet file")


def take_in_sheet(
    connection: duckdb.DuckDBPyConnection,
    sheet: pl.DataFrame,
    target: Path,
    *,
    layout: Layout,
    key: PseudonymKey | None,
) -> int:
    """Write the raw records of a spreadsheet's rows below the header; returns their number."""
    connection.register("incoming_sheet", sheet)
    cells = {position: quoted(str(position)) for position in layout.used}
    try:
        return _copy(connection, "incoming_sheet", {}, cells, target, layout=layout, key=key)
    finally:
        connection.unregister("incoming_sheet")


def _copy(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    parameters: dict[str, object],
    cells: dict[int, str],
    target: Path,
    *,
    layout: Layout,
    key: PseudonymKey | None,
) -> int:
    person = layout.header.index(NHS_NUMBER) if layout.person_column == NHS_NUMBER else None
    selected = [f"{cell} as {raw_cell(position)}" for position, cell in cells.items() if position != person]
    if person is not None:
        relation, hashed = _hashed(relation, cells[person], raw_cell(person))
        selected += hashed
        parameters = {**parameters, **_pads(key)}
        if key is not None and key.made_up_only:
            _require_made_up(connection, f"select {cells[person]} as written from {relation}", parameters)
    sql = (
        f"copy (select {', '.join(selected)} from {relation}) "
        f"to {literal(str(target))} (format parquet, {_QUICK_TO_WRITE})"
    )
    found = connection.execute(sql, parameters).fetchone()
    return int(found[0]) if found else 0


def _named(path: Path) -> str:
    """A path as the engine is to read it: no character of it stands for others."""
    return glob.escape(str(path))


def _hashed(relation: str, cell: str, name: str) -> tuple[str, list[str]]:
    """The relation with digits, number and verdict computed once, and what to select of it in the cell's place."""
    looked = f"(select *, regexp_full_match({cell}, '[0-9]{{10}}') as __is_ten_digits from {relation})"
    digits = f"(select *, case when __is_ten_digits then {cell} else {_digits(cell)} end as __digits from {looked})"
    numbers = f"(select *, try_cast(__digits as bigint) as __number from {digits})"
    judged = f"(select *, {nhs_number_rule_sql(cell, '__digits', '__number')} as __person_rule from {numbers})"
    return judged, [
        f"case when __person_rule is null then {hmac_sql('__digits')} end as {name}",
        "__person_rule",
        f"coalesce(not __is_ten_digits and __digits <> {cell}, false) as __person_is_repaired",
    ]


def _require_made_up(connection: duckdb.DuckDBPyConnection, written: str, parameters: dict[str, object]) -> None:
    """Raises StudyError if a valid number is not one of those that are given to nobody, before anything is stored."""
    digits = _digits("written")
    real = f"{nhs_number_rule_sql('written', digits)} is null and not starts_with({digits}, {literal(MADE_UP)})"
    needed = {name: value for name, value in parameters.items() if name not in ("inner", "outer")}
    if connection.execute(f"select 1 from ({written}) where {real} limit 1", needed).fetchone():
        raise StudyError(
            f"NHS numbers that do not start with {MADE_UP}, and there is no pseudonym key",
            f"only made-up numbers, which start with {MADE_UP}, may be read without a key",
            "set ICP_PSEUDONYM_KEY to the study's secret; is this a study of real people? then set synthetic: false",
        )


def _digits(cell: str) -> str:
    return f"replace(replace(trim({cell}), ' ', ''), '-', '')"


def _pads(key: PseudonymKey | None) -> dict[str, object]:
    if key is None:
        raise StudyError(
            "NHS numbers, and there is no pseudonym key",
            "set ICP_PSEUDONYM_KEY to the study's secret, or send a pseudonym instead of NHSNO",
        )
    inner, outer = key.pads
    return {"inner": inner, "outer": outer}


def _as_text(name: str, sql_type: str) -> str:
    column = quoted(name)
    if sql_type.startswith("TIMESTAMP"):
        return f"replace({column}::varchar, ' 00:00:00', '')"
    if sql_type in ("DOUBLE", "FLOAT") or sql_type.startswith("DECIMAL"):
        is_whole = f"{column} = trunc({column}) and abs({column}) < 1e15"
        return f"case when {is_whole} then {column}::bigint::varchar else {column}::varchar end"
    return f"{column}::varchar"
