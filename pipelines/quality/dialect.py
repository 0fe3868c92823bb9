"""Great Expectations asks our own DuckDB connection, through SQLAlchemy, as if it were PostgreSQL."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, CursorWrapper, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.exc import SAWarning
from sqlalchemy.pool import NullPool, Pool
from sqlalchemy.types import NullType, Text

DRIVER = "icp_duckdb"
_LENT: dict[str, duckdb.DuckDBPyConnection] = {}
_NUMBERS = count(1)


class LentConnection(ConnectionWrapper):
    """A connection that was lent: a cursor of its own for each statement, and closing closes nothing."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection)
        self._connection = connection

    def cursor(self) -> CursorWrapper:
        """A cursor that no other statement uses: Great Expectations fetches when it has already closed."""
        return CursorWrapper(self._connection.cursor(), self)

    def close(self) -> None:
        """Nothing: the connection belongs to the lender."""


class LentConnectionDialect(Dialect):
    """DuckDB for Great Expectations 1.24, which knows PostgreSQL and fetches after its connection is closed.

    Under the name `postgresql` it gets SQL that DuckDB understands. `connect` hands out the connection that was
    lent, so that both use one database. Beginning, committing and rolling back do nothing: a transaction that
    ends would end the result that is still to be fetched.
    """

    name = "postgresql"
    supports_statement_cache = False

    def connect(self, *_arguments: Any, **parameters: Any) -> Any:
        """The connection that the URL names."""
        return LentConnection(_LENT[parameters["database"]])

    def do_begin(self, connection: Any) -> None:
        """Nothing: reading needs no transaction of its own."""

    def do_commit(self, connection: Any) -> None:
        """Nothing: nothing was written."""

    def do_rollback(self, connection: Any) -> None:
        """Nothing: nothing was written."""

    def get_multi_columns(self, *arguments: Any, **options: Any) -> list[Any]:
        """Columns of tables; a type that SQLAlchemy does not know, such as a list, is called text.

        Great Expectations writes the names of all types down, and no rule is about such a column.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Did not recognize type", category=SAWarning)
            tables = list(super().get_multi_columns(*arguments, **options))
        for _, columns in tables:
            for column in columns:
                if isinstance(column["type"], NullType):
                    column["type"] = Text()
        return tables

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:  # noqa: ARG003
        """No pool: a cursor costs nothing, and none outlives the loan."""
        return NullPool


registry.register(DRIVER, __name__, LentConnectionDialect.__name__)


@contextmanager
def lent(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The URL under which SQLAlchemy reaches a connection of ours, as long as the block lasts."""
    name = f"loan{next(_NUMBERS)}"
    _LENT[name] = connection
    try:
        yield f"{DRIVER}:///{name}"
    finally:
        del _LENT[name]
