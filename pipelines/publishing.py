"""The analysts' file: written aside from the warehouse, checked against its contracts, published in one step."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.contracts import Contract
from pipelines.contracts.comments import column_comment, table_comment
from pipelines.errors import IcpError
from pipelines.models import load_models
from pipelines.published_checks import check_published_file, column_types, literal, quoted

SCHEMA_VERSION = "1.0.0"
LINK = "evaluation.duckdb"
SETTINGS = {"autoinstall_known_extensions": "false"}
LOSSLESS = {
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"},
    "DOUBLE": {"FLOAT"},
}


class PublishingError(IcpError):
    """The warehouse does not hold what the contracts of the published tables ask for."""


def publish(
    warehouse_connection: duckdb.DuckDBPyConnection,
    *,
    contracts: Sequence[Contract],
    folder: Path,
    run_id: str,
    keep: int = 3,
) -> Path:
    """Write `evaluation-<run_id>.duckdb` into `folder` and move the link `evaluation.duckdb` to it in one step.

    Each table has its contract's columns, in its order and with its comments, and the rows of the warehouse's
    table of that name, sorted by primary key; a table whose contract is a draft may be absent and is then empty.
    A contract that is a view becomes one, by the SQL model of its name.
    Readers of the former file go on reading it; the newest `keep` files stay. Returns the path of the new file.

    Raises PublishingError for a missing table or column or another type, and DataQualityError for rows that
    break their contract; the published file is then as before, and nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    part = folder / f".evaluation-{run_id}.duckdb.part"
    published = folder / f"evaluation-{run_id}.duckdb"
    try:
        _write(warehouse_connection, part, contracts, run_id)
        _create_views(part, contracts)
        check_published_file(part, contracts)
        _synchronise(part)
        part.replace(published)
        _move_link(folder, published)
    finally:
        _remove_leftovers(folder)
    _remove_old_files(folder, newest=published, keep=keep)
    return published


def _write(connection: duckdb.DuckDBPyConnection, part: Path, contracts: Sequence[Contract], run_id: str) -> None:
    tables = [contract for contract in contracts if not contract.is_view]
    for contract in contracts:
        _check_source(connection, contract)
    connection.execute(f"attach {literal(str(part))} as publication")
    try:
        for contract in tables:
            _create(connection, contract)
            _fill(connection, contract, contracts, run_id)
        connection.execute("checkpoint publication")
    finally:
        connection.execute("detach publication")


def _create_views(part: Path, contracts: Sequence[Contract]) -> None:
    """Views are made in the file itself: what they read are the tables beside them, wherever the file goes."""
    models = {model.name: model for model in load_models()}
    with duckdb.connect(part, config=SETTINGS) as connection:
        for contract in contracts:
            if contract.is_view:
                name = quoted(contract.table)
                connection.execute(f"create view {name} as {models[contract.table].sql}")
                _comment(connection, f"view {name}", name, contract)


def _check_source(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    found = column_types(connection, contract.table)
    if contract.table == "schema_version" or (contract.is_draft and not found):
        return
    if not found:
        raise PublishingError(f"{contract.table}: the warehouse has no such table", f"see {contract.path.name}")
    for column in contract.columns:
        if column.name not in found:
            raise PublishingError(
                f"{contract.table}: the warehouse's table has no column {column.name}",
                f"columns there: {', '.join(found)}",
            )
        if found[column.name] not in {column.sql_type, '"NULL"', *LOSSLESS.get(column.sql_type, ())}:
            raise PublishingError(
                f"{contract.table}.{column.name}: {found[column.name]} in the warehouse, {column.sql_type} expected",
                "cast it in the model that makes the table",
            )


def _create(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    target = f"publication.{quoted(contract.table)}"
    columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in contract.columns)
    connection.begin()  # one wait for the disk in place of one a comment
    connection.execute(f"create table {target} ({columns})")
    _comment(connection, f"table {target}", target, contract)
    connection.commit()


def _comment(connection: duckdb.DuckDBPyConnection, what: str, target: str, contract: Contract) -> None:
    connection.execute(f"comment on {what} is {literal(table_comment(contract))}")
    for column in contract.columns:
        comment = literal(column_comment(column))
        connection.execute(f"comment on column {target}.{quoted(column.name)} is {comment}")


def _fill(
    connection: duckdb.DuckDBPyConnection, contract: Contract, contracts: Sequence[Contract], run_id: str
) -> None:
    target = f"publication.{quoted(contract.table)}"
    if contract.table == "schema_version":
        row = [SCHEMA_VERSION, _contracts_hash(contracts), len(contracts), run_id]
        connection.execute(f"insert into {target} (version, contracts_sha256, tables, run_id) values (?, ?, ?, ?)", row)
    elif column_types(connection, contract.table):
        names = ", ".join(quoted(column.name) for column in contract.columns)
        key = ", ".join(f"{quoted(name)} nulls last" for name in contract.primary_key)
        order = f"order by {key}" if key else ""
        connection.execute(f"insert into {target} ({names}) select {names} from {quoted(contract.table)} {order}")


def _contracts_hash(contracts: Sequence[Contract]) -> str:
    lines = sorted(f"{contract.table} {contract.sha256}\n" for contract in contracts)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _move_link(folder: Path, published: Path) -> None:
    _synchronise(folder)
    link = folder / f".{LINK}.link"
    link.symlink_to(published.name)
    link.replace(folder / LINK)
    _synchronise(folder)


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    (folder / f".{LINK}.link").unlink(missing_ok=True)
    for leftover in folder.glob(".evaluation-*.duckdb.part*"):
        leftover.unlink()


def _remove_old_files(folder: Path, *, newest: Path, keep: int) -> None:
    others = [path for path in folder.glob("evaluation-*.duckdb") if path != newest]
    others.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    for path in others[max(keep - 1, 0) :]:
        path.unlink()
