"""The run's private working file: SQL models run in it, Python reads and writes frames through it."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl

from pipelines.models import SqlModel

# What does not fit into memory goes to a folder beside the file.
SETTINGS = {"autoinstall_known_extensions": "false", "memory_limit": "2.5GB"}
SMALL_CACHE = "256MB"
# Squeezing text with FSST would cost a sixth of a run, for a file that may be deleted any time.
NO_FSST = "set disabled_compression_methods = 'fsst'"


class Warehouse:
    """One DuckDB file, opened when first used; it may be deleted between runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The one connection of this process."""
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = duckdb.connect(self.path, config=SETTINGS)
            self._connection.execute(NO_FSST)
        return self._connection

    def read(self, table: str) -> pl.DataFrame:
        """A whole table or view as a frame."""
        return self.connection.execute(f"select * from {_quoted(table)}").pl()

    def write(self, table: str, frame: pl.DataFrame) -> int:
        """Replaces a table by a frame; returns its number of rows."""
        self.connection.register("incoming_frame", frame)
        try:
            self.connection.execute(f"create or replace table {_quoted(table)} as select * from incoming_frame")
        finally:
            self.connection.unregister("incoming_frame")
        return frame.height

    def run_model(self, model: SqlModel) -> None:
        """Replaces a table or view by its SQL model."""
        kind = "view" if model.is_view else "table"
        self._drop_if_not(kind, model.name)
        self.connection.execute(f"create or replace {kind} {_quoted(model.name)} as {model.sql}")

    def _drop_if_not(self, kind: str, name: str) -> None:
        """A working file of an earlier version may hold a table where there is a view now, or the other way round."""
        found = self.connection.execute(
            "select view_name is not null from duckdb_tables() full join duckdb_views() on table_name = view_name "
            "where coalesce(table_name, view_name) = ?",
            [name],
        ).fetchone()
        if found is not None and found[0] != (kind == "view"):
            self.connection.execute(f"drop {'view' if found[0] else 'table'} {_quoted(name)}")

    def count(self, table: str) -> int:
        """Rows of a table or view."""
        found = self.connection.execute(f"select count(*) from {_quoted(table)}").fetchone()
        return int(found[0]) if found else 0

    def columns(self, table: str) -> dict[str, str]:
        """DuckDB's types of the columns of a table or view, by name."""
        return {name: kind for name, kind, *_ in self.connection.execute(f"describe {_quoted(table)}").fetchall()}

    def free_cache(self) -> None:
        """Gives back the memory of pages kept for later queries, for work that needs it outside DuckDB.

        The connection stays, so that no other program can take the file meanwhile. What can't be freed stays too.
        """
        with suppress(duckdb.OutOfMemoryException):
            self.connection.execute(f"set memory_limit = '{SMALL_CACHE}'")
        self.connection.execute(f"set memory_limit = '{SETTINGS['memory_limit']}'")

    def close(self) -> None:
        """Ends the connection; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Warehouse":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
