"""A full disk and a missing right are told by name, whichever library met them; nothing else is taken for them."""

import errno
import sqlite3

import duckdb
import polars as pl
import pytest
import sqlalchemy.exc

from pipelines.faults import UnexpectedFaultError, unexpected
from pipelines.storage import DamagedFileError, DiskFullError, NoRightError, storage_error

FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    OSError(errno.EFBIG, "File too large"),
    duckdb.IOException('IO Error: Could not write file "x": No space left on device'),
    pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)"),
    sqlite3.OperationalError("database or disk is full"),
    sqlalchemy.exc.OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")),
]
FORBIDDEN = [
    OSError(errno.EROFS, "Read-only file system"),
    PermissionError(errno.EACCES, "Permission denied"),
    duckdb.IOException('IO Error: Cannot open file "x": Permission denied'),
    sqlite3.OperationalError("attempt to write a readonly database"),
]
ELSE = [
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    duckdb.ConversionException("Could not convert string 'disk is full' to INT32"),
    duckdb.IOException("IO Error: Could not set lock on file"),
    ValueError("permission denied"),
]


@pytest.mark.parametrize("fault", FULL)
def test_a_full_disk_is_a_full_disk(fault):
    assert isinstance(storage_error(fault), DiskFullError)


@pytest.mark.parametrize("fault", FORBIDDEN)
def test_a_missing_right_is_a_missing_right(fault):
    assert isinstance(storage_error(fault), NoRightError)


@pytest.mark.parametrize(
    ("first", "last"), [(0, None), (4096, 12288)], ids=["no database at all", "its headers were overwritten"]
)
def test_a_damaged_database_is_told_with_what_to_do(tmp_path, first, last):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create table numbers as select i from range(100000) as r(i)")
    content = bytearray(path.read_bytes())
    content[first:last] = b"\x5a" * (len(content[first:last]))
    path.write_bytes(content)
    with pytest.raises(duckdb.IOException) as raised:
        duckdb.connect(path)
    told = unexpected(raised.value)
    assert isinstance(told, DamagedFileError)
    assert "delete warehouse.duckdb" in str(told)


@pytest.mark.parametrize("fault", ELSE)
def test_another_fault_is_neither(fault):
    assert storage_error(fault) is None
    with pytest.raises(type(fault)) as raised:
        raise fault
    assert isinstance(unexpected(raised.value), UnexpectedFaultError)


def test_what_led_to_a_fault_counts():
    fault = RuntimeError("the step failed")
    fault.__cause__ = FULL[0]
    told = unexpected(fault)
    assert isinstance(told, DiskFullError)
    assert told.exit_code == 1
