"""Faults of this machine while a delivery is read, told apart from what is wrong with the delivery."""

import errno
import os
from pathlib import Path

import duckdb

from pipelines.reading.delivery import RefusedDeliveryError

# What the system says of one file, and a person can mend there; all else is about the disk, the network or memory.
_OF_THE_FILE = {errno.EACCES, errno.EPERM, errno.ENOENT}
_SYSTEMS_WORDS = tuple({os.strerror(number).lower() for number in errno.errorcode})


def unreadable(fault: OSError, path: Path) -> RefusedDeliveryError:
    """The refusal of a delivery that may not be opened; raises the fault again where it is about anything else."""
    named = fault.filename is not None and Path(os.fsdecode(fault.filename)) == path
    if not named or fault.errno not in _OF_THE_FILE:
        raise fault
    return RefusedDeliveryError("file_unreadable", f"the system says: {os.strerror(fault.errno)}")


def is_local(fault: duckdb.Error) -> bool:
    """Whether the engine had no memory, or ends with the system's own words for what a disk or network did.

    >>> is_local(duckdb.IOException('IO Error: Could not write file "raw.parquet": No space left on device'))
    True
    >>> is_local(duckdb.IOException("IO Error: Snappy decompression failure"))
    False
    """
    if isinstance(fault, duckdb.OutOfMemoryException):
        return True
    first_line = str(fault).partition("\n")[0].lower()
    return isinstance(fault, duckdb.IOException) and first_line.endswith(_SYSTEMS_WORDS)
