"""Dagster's SQLite records with connections that stay open: a run has hundreds of events, and each would open its own.

The files and tables are Dagster's own; whoever reads them need not know of this module.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy.engine import Connection, Engine

MOST_OPEN = 4  # files: Dagster keeps one for each run and one for what runs have in common


class EventLog(SqliteEventLogStorage):
    """Events of runs; a file that was just used stays open, since the next event goes into it too."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The engine of a file, which is then the last to be closed."""
        engine = self._engines.pop(shard, None) or self._opened(shard)
        self._engines[shard] = engine
        while len(self._engines) > MOST_OPEN:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def _opened(self, shard: str) -> Engine:
        timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        engine = sqlalchemy.create_engine(self.conn_string_for_shard(shard), pool_size=1, connect_args=timeout)
        sqlalchemy.event.listen(engine, "connect", _without_waiting_for_the_disk)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def wipe(self) -> None:
        """Forgets all runs."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Closes the files."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        while self._engines:
            self._engines.popitem()[1].dispose()


class Storage(DagsterSqliteStorage):
    """Runs, events and schedules below `base_dir`, where Dagster's own storage has them."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "Storage":
        """As Dagster makes it from `storage` in dagster.yaml."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _without_waiting_for_the_disk(connection: Any, _record: object) -> None:
    """A killed process loses no event and a power cut at most the last ones: the file stays whole (WAL)."""
    connection.execute("PRAGMA synchronous = NORMAL")
