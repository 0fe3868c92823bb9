"""The run's working file, `warehouse.duckdb`, opened for one run at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipelines.errors import IcpError
from pipelines.study import Study
from pipelines.warehouse import Warehouse

WORKING_FILE = "warehouse.duckdb"
LOOK_AGAIN_SECONDS = 1
_HELD = "Could not set lock on file"


@contextmanager
def working_file(study: Study, *, wait_seconds: float = 10) -> Iterator[Warehouse]:
    """The file, opened at once and closed after the block; the caller holds the study.

    IcpError where another program keeps it open beyond the wait.
    """
    with Warehouse(study.output / WORKING_FILE) as warehouse:
        give_up_at = time.monotonic() + wait_seconds
        while not _is_open(warehouse):
            if time.monotonic() >= give_up_at:
                raise IcpError(
                    f"{WORKING_FILE}: another program has it open",
                    "close it there; to query, open published/evaluation.duckdb read-only",
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        yield warehouse


def _is_open(warehouse: Warehouse) -> bool:
    try:
        return warehouse.connection is not None
    except duckdb.IOException as fault:
        if _HELD not in str(fault):
            raise
        return False
