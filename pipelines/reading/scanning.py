"""One fast look at the bytes of a text file: hash, encoding, line ends, and whether anything is odd."""

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.reading.delivery import RefusedDeliveryError

CHUNK = 1 << 22
_SAMPLE = 1 << 12
_BLANK_LINE = re.compile(rb"\n[\n\r]")
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document, or an encrypted one"),
    (b"7z\xbc\xaf", "a 7-zip archive"),
)


@dataclass(frozen=True)
class Scan:
    """What a text file is made of. `lines` counts physical lines, the last one with or without a line end."""

    lines: int
    is_utf8: bool
    has_quotes: bool
    has_carriage_returns: bool
    has_blank_lines: bool

    @property
    def is_plain(self) -> bool:
        """Whether the engine can read the file as it is."""
        return self.is_utf8 and not self.has_carriage_returns and not self.has_blank_lines


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def encoding_of(path: Path) -> str:
    """`utf-8` or `utf-16-le`/`utf-16-be`, by byte order mark, else by where the NUL bytes stand.

    Raises RefusedDeliveryError when the file is empty, or not text at all.
    """
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    if not start.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise RefusedDeliveryError("empty_file", "the file is empty")
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise RefusedDeliveryError("misnamed_file", f"the file is {what} under the name of a text file")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le" if start.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) * 5 > len(start) // 2:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def scan(path: Path) -> Scan:
    """Look once at all bytes of a file that is meant to be UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    breaks, is_utf8, quotes, returns, blanks, before = 0, True, False, False, False, b"\n"
    for chunk in _chunks(path):
        breaks += chunk.count(b"\n")
        quotes = quotes or b'"' in chunk
        returns = returns or b"\r" in chunk
        blanks = blanks or (before == b"\n" and chunk[:1] in b"\n\r") or _BLANK_LINE.search(chunk) is not None
        is_utf8 = is_utf8 and _decodes(decoder, chunk)
        before = chunk[-1:]
    return Scan(
        lines=breaks + (before != b"\n"),
        is_utf8=is_utf8 and _decodes(decoder, b"", final=True),
        has_quotes=quotes,
        has_carriage_returns=returns,
        has_blank_lines=blanks,
    )


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
