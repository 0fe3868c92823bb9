"""What can be wrong with an archive: it is broken, or it would expand without measure."""

import errno
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.reading.delivery import RefusedDeliveryError

LARGEST_RATIO = 200
LARGEST_BYTES = 20 * 10**9
_SMALL = 1 << 20
# What Python's zipfile, gzip and their decompressors raise for content that is not what it says it is. zipfile has no
# word of its own for a name that is not UTF-8, a field that is cut off or an offset beyond any file.
_BROKEN = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    EOFError,
    KeyError,
    lzma.LZMAError,
    OverflowError,
    RuntimeError,
    struct.error,
    UnicodeDecodeError,
    zlib.error,
)


@contextmanager
def refusing_broken(rule_id: str = "archive_broken", found: str = "the archive is broken") -> Iterator[None]:
    """Refuses what an archive cannot give; a fault of the disk or the network passes as the OSError it is."""
    try:
        yield
    except (*_BROKEN, OSError) as fault:
        for one in (fault, fault.__context__):
            if isinstance(one, OSError) and not _is_about_content(one):
                raise one from None
        raise RefusedDeliveryError(rule_id, found) from None


def members_of(path: Path) -> list[zipfile.ZipInfo]:
    """The files in a zip archive; raises RefusedDeliveryError if its directory cannot be read or promises too much.

    No member gives more than its directory says, so the sum of what that says bounds the whole archive.
    """
    with refusing_broken(), zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in infos) > most_bytes(path.stat().st_size):
        raise too_large()
    return infos


def most_bytes(packed_bytes: int) -> int:
    """What so many packed bytes may become: 200 times as many, a megabyte for small ones, never over 20 GB.

    >>> most_bytes(10_000_000)
    2000000000
    """
    return min(LARGEST_BYTES, max(_SMALL, packed_bytes * LARGEST_RATIO))


def too_large() -> RefusedDeliveryError:
    """The refusal of what expands beyond `most_bytes`."""
    return RefusedDeliveryError(
        "archive_too_large", f"the archive expands to more than {LARGEST_RATIO} times its size or 20 GB"
    )


def _is_about_content(fault: OSError) -> bool:
    """bzip2 and gzip give no number for broken content; a seek to before a file's start gives EINVAL."""
    return fault.errno in (None, errno.EINVAL)
