"""The files beside the protocol that results rest on: what is in each, kept by hash, and how two versions differ."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import StudyError
from pipelines.protocol import INSTRUMENTS, STUDY_FILES
from pipelines.study import Study

FOLDER = "protocol_files"
SHOWN_OF_HASH = 12


def study_files(study: Study) -> Mapping[str, str]:
    """The content of each file by its name, as canonical JSON: the same whatever its order, spacing and comments.

    A table without rows is as good as none and left out. Totals to check counts by are no part of the plan.
    """
    tables = (study.sites, study.prices, study.imd, study.provider_successions, study.other_programmes)
    found = {name: _table(table) for name, table in zip(STUDY_FILES, tables, strict=True) if table.height}
    for instrument in study.instruments.values():
        content = json.dumps(instrument.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        found[f"{INSTRUMENTS}{instrument.instrument}.yaml"] = content
    return found


def content_hash(content: str) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(content.encode()).hexdigest()


def files_hash(study: Study) -> str:
    """SHA-256 over the names and contents of all files, to stand beside the protocol's hash."""
    return content_hash(json.dumps({name: content_hash(text) for name, text in sorted(study_files(study).items())}))


def keep_files(study: Study) -> Mapping[str, str]:
    """Writes what is not kept yet into `output/protocol_files`; the hash of each file by its name."""
    folder = study.output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    hashes = dict[str, str]()
    for name, content in study_files(study).items():
        hashes[name] = content_hash(content)
        path = folder / f"{hashes[name]}.json"
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
    return hashes


def kept_files(output: Path) -> Mapping[str, str]:
    """Kept contents by hash; StudyError for one that is not what its name says: somebody changed it."""
    kept = {path.stem: path.read_text(encoding="utf-8") for path in sorted((output / FOLDER).glob("*.json"))}
    for stored, content in kept.items():
        if content_hash(content) != stored:
            raise StudyError(
                f"{FOLDER}/{stored}.json: not as it was when it was kept",
                "the files kept beside the log of protocols were changed by hand: put it back from a copy",
            )
    return kept


def file_words(content_sha256: str, content: str | None) -> str:
    """A file in words: how much is in it, and its hash; of contents that are not kept, the hash alone.

    By hand: a table of two columns and three rows: "3 rows, 2 columns, SHA-256 ab12cd34ef56".
    """
    short = f"SHA-256 {content_sha256[:SHOWN_OF_HASH]}"
    if content is None:
        return f"not kept, {short}"
    found = json.loads(content)
    return f"{len(found['rows'])} rows, {len(found['columns'])} columns, {short}" if _is_table(found) else short


def difference_words(before: str | None, after: str | None) -> str:
    """What differs between two contents: rows as counts and columns by name, or settings by name; never a value.

    By hand: two rows of which one has another area: "1 rows added, 1 rows taken out; columns that differ: area".
    """
    if before is None or after is None:
        return ""
    old, new = json.loads(before), json.loads(after)
    if not _is_table(old) or not _is_table(new):
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return f"settings that differ: {', '.join(names)}"
    columns = list(dict.fromkeys((*old["columns"], *new["columns"])))
    rows, newer = (Counter(_rows(table, columns)) for table in (old, new))
    differ = [name for place, name in enumerate(columns) if _values(rows, place) != _values(newer, place)]
    counts = f"{(newer - rows).total()} rows added, {(rows - newer).total()} rows taken out"
    return f"{counts}; columns that differ: {', '.join(differ)}" if differ else counts


def _table(table: pl.DataFrame) -> str:
    names = [name for name in table.columns if table[name].null_count() < table.height]
    rows = json.loads(json.dumps(table.select(names).rows(), default=str))
    return json.dumps({"columns": names, "rows": sorted(rows, key=json.dumps)}, ensure_ascii=False)


def _is_table(content: Mapping[str, Any]) -> bool:
    return content.keys() == {"columns", "rows"}


def _rows(table: Mapping[str, Any], columns: list[str]) -> list[tuple[str, ...]]:
    found = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return [tuple(json.dumps(row.get(name)) for name in columns) for row in found]


def _values(rows: Counter[tuple[str, ...]], place: int) -> Counter[str]:
    values = Counter[str]()
    for row, times in rows.items():
        values[row[place]] += times
    return values
