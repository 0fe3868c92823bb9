"""Does a written file hold what its contracts promise? Asked of the file itself, before analysts can see it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from pipelines.contracts import Column, Contract
from pipelines.errors import DataQualityError
from pipelines.masking import masked_count

READ_ONLY = {"autoinstall_known_extensions": "false"}


def check_published_file(path: Path, contracts: Sequence[Contract]) -> None:
    """Check tables, types, required columns, codes and primary keys of a DuckDB file against `contracts`.

    Of a view only names and types: its rows follow from the tables it reads, which are checked, and its model.
    Raises DataQualityError with one line a broken rule: table, column, rule and a masked number of rows.
    """
    with duckdb.connect(path, read_only=True, config=READ_ONLY) as connection:
        broken = [line for contract in contracts for line in _broken_rules(connection, contract)]
    if broken:
        raise DataQualityError("the published file was not replaced: rows break their contract", *broken)


def _broken_rules(connection: duckdb.DuckDBPyConnection, contract: Contract) -> Iterator[str]:
    found = column_types(connection, contract.table)
    expected = {column.name: column.sql_type for column in contract.columns}
    if list(found.items()) != list(expected.items()):
        yield f"{contract.table}: types: columns are not those of {contract.path.name}"
        return
    if contract.is_view:
        return
    rules = list(_row_rules(contract))
    counts = _counts(connection, contract.table, [condition for _, condition in rules])
    for (rule, _), rows in zip(rules, counts, strict=True):
        if rows:
            yield f"{contract.table}.{rule}, rows: {masked_count(rows)}"
    repeated = _repeated_rows(connection, contract)
    if repeated:
        key = ", ".join(contract.primary_key)
        yield f"{contract.table}: unique: the key ({key}) stands more than once, rows: {masked_count(repeated)}"


def _row_rules(contract: Contract) -> Iterator[tuple[str, str]]:
    for column in contract.columns:
        if column.is_required:
            yield f"{column.name}: required: is null", f"{quoted(column.name)} is null"
        if column.valid:
            yield f"{column.name}: valid: is none of {', '.join(column.valid)}", _not_valid(column)


def _not_valid(column: Column) -> str:
    codes = ", ".join(literal(code) for code in column.valid)
    return f"cast({quoted(column.name)} as varchar) not in ({codes})"


def _counts(connection: duckdb.DuckDBPyConnection, table: str, conditions: Sequence[str]) -> Iterable[int]:
    if not conditions:
        return ()
    counts = ", ".join(f"count(*) filter (where {condition})" for condition in conditions)
    return connection.execute(f"select {counts} from {quoted(table)}").fetchall()[0]


def _repeated_rows(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    if not contract.primary_key:
        return 0
    key = ", ".join(quoted(name) for name in contract.primary_key)
    groups = f"select count(*) as rows_of_key from {quoted(contract.table)} group by {key}"
    found = connection.execute(f"select coalesce(sum(rows_of_key - 1), 0) from ({groups}) as keys").fetchall()
    return int(found[0][0])


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Names and DuckDB types of a table's columns in order, empty if there is no such table."""
    found = connection.execute(
        """
        select column_name, data_type from duckdb_columns()
        where database_name = current_database() and schema_name = current_schema() and table_name = ?
        order by column_index
        """,
        [table],
    ).fetchall()
    return dict(found)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
