"""Faults of the place where files lie, told in words that say what to do: full, not to be written, or damaged."""

import errno
import sqlite3
from collections.abc import Iterator

import duckdb
import polars as pl
import sqlalchemy.exc

from pipelines.errors import IcpError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
# DuckDB, SQLite and Polars give no number, only the system's or their own words for it.
WITHOUT_NUMBER = (
    duckdb.FatalException,
    duckdb.IOException,
    pl.exceptions.ComputeError,
    sqlalchemy.exc.OperationalError,
    sqlite3.OperationalError,
)
# SQLite's "disk i/o error" is what it says when it can make no journal beside its file.
FULL_IN_WORDS = ("no space left on device", "disk is full", "disk quota exceeded", "file too large", "disk i/o error")
FORBIDDEN_IN_WORDS = ("read-only file system", "readonly database", "permission denied")
DAMAGED_IN_WORDS = ("not a valid duckdb database file", "corrupt database file")
STAYS = "nothing new was published, the published file stays as it was"


class DiskFullError(IcpError):
    """There is no room left for what a run writes."""

    def __init__(self) -> None:
        super().__init__(
            "the disk or the quota is full, or the disk fails",
            STAYS,
            "make room where the output lies, then run again",
        )


class NoRightError(IcpError):
    """A file or folder cannot be read or written: it is read-only, or belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__(
            "a file or folder of the study is read-only, or this user may not use it",
            STAYS,
            "the extracts must be readable and the output writable; --output names another folder for it",
        )


class DamagedFileError(IcpError):
    """A DuckDB file does not hold what was written into it."""

    def __init__(self) -> None:
        super().__init__(
            "a DuckDB file of the output is damaged",
            "the published file stays as it was",
            "delete warehouse.duckdb in the output and run again: everything in it is computed anew",
            "is it the published file? then delete that one too; its predecessors stand beside it",
        )


def storage_error(fault: BaseException) -> IcpError | None:
    """What a fault, or one that led to it, says about the place where files lie; None if it says nothing of it.

    >>> str(storage_error(OSError(errno.ENOSPC, "No space left on device"))).splitlines()[0]
    'the disk or the quota is full, or the disk fails'
    """
    for one in _chain(fault):
        if _is_about(one, FULL, FULL_IN_WORDS):
            return DiskFullError()
        if _is_about(one, FORBIDDEN, FORBIDDEN_IN_WORDS):
            return NoRightError()
        if _is_about(one, set(), DAMAGED_IN_WORDS):
            return DamagedFileError()
    return None


def _is_about(fault: BaseException, numbers: set[int], words: tuple[str, ...]) -> bool:
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.errno in numbers
    first_line = str(fault).partition("\n")[0].lower()
    return isinstance(fault, WITHOUT_NUMBER) and any(word in first_line for word in words)


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """The fault, then those that led to it."""
    seen: list[BaseException] = []
    one: BaseException | None = fault
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__
