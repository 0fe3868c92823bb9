"""Archives become plain files aside, within limits; UTF-16 becomes UTF-8, Windows line ends become plain ones."""

import gzip
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipelines.reading.archives import most_bytes, refusing_broken, too_large
from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.scanning import CHUNK


def unpack_gzip(source: Path, target: Path) -> None:
    """The one file in a .gz; raises RefusedDeliveryError if it is broken or expands without measure."""
    with refusing_broken(), gzip.open(source) as packed:
        _write(target, _limited(packed, source.stat().st_size))


def unpack_member(source: Path, member: str, target: Path) -> None:
    """One member of a zip archive; raises RefusedDeliveryError if it is broken or expands without measure."""
    with refusing_broken(), zipfile.ZipFile(source) as archive, archive.open(member) as packed:
        _write(target, _limited(packed, archive.getinfo(member).compress_size))


def sha256_of_member(source: Path, member: str) -> str:
    """SHA-256 of the content of one member, hex, without unpacking it to disk."""
    digest = hashlib.sha256()
    with refusing_broken(), zipfile.ZipFile(source) as archive, archive.open(member) as packed:
        for chunk in _limited(packed, archive.getinfo(member).compress_size):
            digest.update(chunk)
    return digest.hexdigest()


def as_utf8(source: Path, target: Path, *, encoding: str) -> None:
    """A UTF-16 file as UTF-8 without byte order mark; raises RefusedDeliveryError if it is not UTF-16 throughout."""
    try:
        with source.open(encoding=encoding, newline="") as text, target.open("w", encoding="utf-8", newline="") as out:
            while piece := text.read(CHUNK):
                out.write(piece.lstrip("\ufeff") if out.tell() == 0 else piece)
    except UnicodeDecodeError:
        raise RefusedDeliveryError("encoding_broken", "the file starts as UTF-16 and does not go on as it") from None


def with_line_feeds(source: Path, target: Path) -> bool:
    """A copy with line feeds where carriage return and line feed stood; False if other carriage returns are left."""
    is_clean = True
    with source.open("rb") as file, target.open("wb") as out:
        held = b""
        while chunk := file.read(CHUNK):
            chunk = held + chunk
            held = chunk[-1:] if chunk.endswith(b"\r") else b""
            piece = chunk[: len(chunk) - len(held)].replace(b"\r\n", b"\n")
            is_clean = is_clean and b"\r" not in piece
            out.write(piece)
        out.write(held)
    return is_clean and not held


def _write(target: Path, chunks: Iterator[bytes]) -> None:
    with target.open("wb") as out:
        out.writelines(chunks)


def _limited(packed: gzip.GzipFile | IO[bytes], packed_bytes: int) -> Iterator[bytes]:
    limit = most_bytes(packed_bytes)
    unpacked = 0
    while chunk := packed.read(CHUNK):
        unpacked += len(chunk)
        if unpacked > limit:
            raise too_large()
        yield chunk
