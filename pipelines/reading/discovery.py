"""Which files of an extract's folder are deliveries, of which kind, and which are not to be read at all."""

import fnmatch
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from pipelines.reading.archives import members_of
from pipelines.reading.delivery import RefusedDeliveryError
from pipelines.reading.local_faults import unreadable
from pipelines.reading.names import natural_key

Kind = Literal["text", "gzip", "parquet", "xlsx", "unknown"]
IGNORED = ("*.part", "*.tmp", "~$*", ".*")
_KINDS: dict[str, Kind] = {
    ".csv": "text",
    ".txt": "text",
    ".gz": "gzip",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst")
_NESTED = ("archive_nested", "an archive in an archive is not read")


@dataclass(frozen=True)
class Look:
    """Size and times of a file; two looks that differ mean that it still grows, or was replaced.

    `changed_ns` is the system's own time of the last change, which no copying program can set back.
    """

    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True)
class Found:
    """A file, or a member of a zip archive, named as the ledger names it.

    `refusal` is the rule and what was found, if it is not to be read.
    """

    file_name: str
    path: Path
    kind: Kind
    look: Look
    member: str | None = None
    refusal: tuple[str, str] | None = None


def look_at(path: Path) -> Look:
    """Size and times of a file as they are now; all 0 if it is gone."""
    try:
        state = path.stat()
    except OSError:
        return Look(0, 0, 0)
    return Look(state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def find_files(folder: Path) -> tuple[Found, ...]:
    """All deliveries in a folder, in natural order of their names; ignored files are left out."""
    if not folder.is_dir():
        return ()
    paths = [path for path in folder.iterdir() if not is_ignored(path.name)]
    return tuple(found for path in sorted(paths, key=lambda path: natural_key(path.name)) for found in _found(path))


def shown_name(path: Path) -> str:
    """A file's name as text can hold it; a byte that is not UTF-8 is written out, as in `adm\\xe9.csv`."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def is_ignored(name: str) -> bool:
    """Whether a file name says that it is no delivery (yet): `*.part *.tmp ~$* .*`."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in IGNORED)


def _found(path: Path) -> tuple[Found, ...]:
    name = shown_name(path)
    found = Found(file_name=name, path=path, kind=_kind(name), look=look_at(path))
    if name != path.name:
        return (replace(found, refusal=("file_name_undecodable", "its name is not UTF-8")),)
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        return (replace(found, refusal=("path_leaves_folder", "a link that leaves the folder")),)
    if path.is_dir():
        return (replace(found, refusal=("not_a_file", "a folder")),)
    if not path.is_file():
        return (replace(found, refusal=("not_a_file", "not a regular file")),)
    if path.suffix.lower() == ".zip":
        return _members(found)
    return (replace(found, refusal=_refusal(name)),)


def _kind(name: str) -> Kind:
    return _KINDS.get(PurePosixPath(name).suffix.lower(), "unknown")


def _refusal(name: str) -> tuple[str, str] | None:
    kind = _kind(name)
    inner = PurePosixPath(name).with_suffix("").suffix.lower()
    if kind == "gzip" and (inner in _ARCHIVES or inner in (".parquet", ".xlsx")):
        return _NESTED if inner in _ARCHIVES else ("archive_nested", "a packed Parquet file or spreadsheet")
    if kind == "unknown":
        return ("unknown_file_type", f"{PurePosixPath(name).suffix or 'a name without extension'} is not read")
    return None


def _members(archive: Found) -> tuple[Found, ...]:
    try:
        infos = members_of(archive.path)
    except RefusedDeliveryError as refused:
        return (replace(archive, refusal=(refused.rule_id, refused.found)),)
    except OSError as fault:
        refused = unreadable(fault, archive.path)
        return (replace(archive, refusal=(refused.rule_id, refused.found)),)
    members = [_member(archive, info) for info in infos if not is_ignored(PurePosixPath(info.filename).name)]
    if not members:
        return (replace(archive, refusal=("archive_empty", "the archive holds no file")),)
    if len({found.file_name for found in members}) < len(members):
        return (replace(archive, refusal=("archive_broken", "two of the archive's files have the same name")),)
    return tuple(sorted(members, key=lambda found: natural_key(found.file_name)))


def _member(archive: Found, info: zipfile.ZipInfo) -> Found:
    name = info.filename
    return Found(
        file_name=f"{archive.file_name}/{name}",
        path=archive.path,
        kind=_kind(name),
        look=archive.look,
        member=name,
        refusal=_member_refusal(name, info),
    )


def _member_refusal(name: str, info: zipfile.ZipInfo) -> tuple[str, str] | None:
    parts = PurePosixPath(name.replace("\\", "/"))
    is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
    if parts.is_absolute() or ".." in parts.parts or ":" in name or is_link:
        return ("path_leaves_archive", "its path leaves the archive")
    if info.flag_bits & 1:
        return ("archive_encrypted", "the archive is encrypted")
    if parts.suffix.lower() in _ARCHIVES:
        return _NESTED
    return _refusal(name)
