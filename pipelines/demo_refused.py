"""Files that no run reads: one small example of each kind, for tests and for training."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from evaluation.simulation import SimulatedStudy
from pipelines.reading.rules import REFUSED_FILES

ROWS = 20
MONTH = "2012-01"
ADMISSIONS = f"admissions_{MONTH}"
BOMB_BYTES = 8_000_000
_ENCRYPTED = 0x1
_LOCAL_FLAGS, _CENTRAL_FLAGS = 6, 8
_ABOUT = """\
{what}

Rule      {rule_id}
Expected  {expected}
Do        {advice}

To see it, copy the example into extracts/{extract}/ of this study and run `icp check` or `icp run`:
all other files are read and checked, the run ends with exit code 3, nothing new is published,
and the message names this file and the rule. Take the file away again, and the study runs as before.
"""
# Kind of example: what it is, the rule that refuses it, the extract whose folder it would be put into.
KINDS: Mapping[str, tuple[str, str, str]] = {
    "required_column_missing": ("Admissions without the column EPISTART.", "required_column_missing", "admissions"),
    "header_missing": ("Admissions without a header line.", "header_missing", "admissions"),
    "zero_bytes": ("A file of zero bytes.", "empty_file", "admissions"),
    "header_without_records": ("A header and no record.", "no_records", "admissions"),
    "another_data_set": ("A&E attendances under the name of admissions.", "required_column_missing", "admissions"),
    "broken_gzip": ("A packed file of which the second half is missing.", "archive_broken", "admissions"),
    "broken_zip": ("An archive of which the second half is missing.", "archive_broken", "admissions"),
    "encrypted_zip": ("An archive with a password.", "archive_encrypted", "admissions"),
    "nested_zip": ("An archive in an archive.", "archive_nested", "admissions"),
    "absurdly_compressed": (
        "A few kilobytes that unpack to a thousand times as much.",
        "archive_too_large",
        "admissions",
    ),
    "path_leaves_archive": (
        "An archive whose member would be written outside the folder.",
        "path_leaves_archive",
        "admissions",
    ),
    "link_out_of_folder": ("A symbolic link to a file elsewhere.", "path_leaves_folder", "admissions"),
    "overlapping_period": (
        "Admissions of one month of a year that is there already.",
        "overlapping_periods",
        "admissions",
    ),
}


def write_refused_examples(folder: Path, simulated: SimulatedStudy) -> None:
    """One folder per kind with the example and a README.txt that says what it is and what a run makes of it."""
    admissions = simulated.admissions.filter(EPISTAT="3").head(ROWS)
    header, *lines = _text(admissions).splitlines(keepends=True)
    for kind, (what, rule_id, extract) in KINDS.items():
        rule = REFUSED_FILES[rule_id]
        (folder / kind).mkdir(parents=True)
        about = _ABOUT.format(what=what, rule_id=rule_id, expected=rule.expected, advice=rule.advice, extract=extract)
        (folder / kind / "README.txt").write_text(about, encoding="utf-8")
    whole = b"".join([header, *lines])
    for name, content in {
        f"required_column_missing/{ADMISSIONS}.csv": _text(admissions.drop("EPISTART")),
        f"header_missing/{ADMISSIONS}.csv": b"".join(lines),
        f"zero_bytes/{ADMISSIONS}.csv": b"",
        f"header_without_records/{ADMISSIONS}.csv": header,
        f"another_data_set/{ADMISSIONS}.csv": _text(simulated.emergency_care.head(ROWS)),
        f"broken_gzip/{ADMISSIONS}.csv.gz": _half(gzip.compress(whole, mtime=0)),
        f"broken_zip/{ADMISSIONS}.zip": _half(_zip(f"{ADMISSIONS}.csv", whole)),
        f"encrypted_zip/{ADMISSIONS}.zip": _as_encrypted(_zip(f"{ADMISSIONS}.csv", whole)),
        f"nested_zip/{ADMISSIONS}.zip": _zip("inner.zip", _zip(f"{ADMISSIONS}.csv", whole)),
        f"absurdly_compressed/{ADMISSIONS}.csv.gz": gzip.compress(
            header + lines[0] * (BOMB_BYTES // len(lines[0])), mtime=0
        ),
        f"path_leaves_archive/{ADMISSIONS}.zip": _zip(f"../../{ADMISSIONS}.csv", whole),
        "overlapping_period/admissions_2010-07.csv": whole,
    }.items():
        (folder / name).write_bytes(content)
    (folder / "link_out_of_folder" / f"{ADMISSIONS}.csv").symlink_to("../../protocol.yaml")


def _text(records: pl.DataFrame) -> bytes:
    return records.write_csv().encode()


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _zip(member: str, content: bytes) -> bytes:
    """An archive with one member; the same content gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _as_encrypted(archive: bytes) -> bytes:
    """The archive with the flags set that say that its member has a password (the content is left as it is)."""
    marked = bytearray(archive)
    marked[_LOCAL_FLAGS] |= _ENCRYPTED
    marked[archive.index(b"PK\x01\x02") + _CENTRAL_FLAGS] |= _ENCRYPTED
    return bytes(marked)
