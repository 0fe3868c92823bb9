"""Every protocol that a study was run with, one line each in `output/protocols.jsonl`: the source of its amendments.

A line also has the hashes of the files beside the protocol (`study_files`), whose changes are amendments too.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import StudyError
from pipelines.protocol import Amendment
from pipelines.study import Study
from pipelines.study_files import difference_words, file_words, keep_files

FILE = "protocols.jsonl"
AMENDMENTS = {
    "amendment_number": pl.Int64,
    "setting": pl.String,
    "previous_protocol_hash": pl.String,
    "protocol_hash": pl.String,
    "amended_on": pl.Date,
    "value_before": pl.String,
    "value_after": pl.String,
    "reason": pl.String,
}


class UsedProtocol(BaseModel):
    """A protocol as it stood when a run first used it (UTC): its settings as canonical JSON, and their SHA-256.

    `files` is the SHA-256 of each file beside it; None in lines of a time when none was kept.
    """

    model_config = ConfigDict(frozen=True)

    first_used_at: datetime
    protocol_hash: str
    settings: str
    files: dict[str, str] | None = None


def note_protocol(study: Study, *, now: datetime) -> None:
    """Adds the study's protocol to the log unless it and its files are those of the last line.

    The caller holds the study.
    """
    used, files = used_protocols(study.output), dict(keep_files(study))
    if used and used[-1].protocol_hash == study.protocol_hash and used[-1].files == files:
        return
    line = UsedProtocol(
        first_used_at=now, protocol_hash=study.protocol_hash, settings=study.protocol_settings, files=files
    )
    study.output.mkdir(parents=True, exist_ok=True)
    path = study.output / FILE
    is_cut = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("ab") as log:
        log.write((b"\n" if is_cut else b"") + line.model_dump_json().encode() + b"\n")


def used_protocols(output: Path) -> tuple[UsedProtocol, ...]:
    """All protocols in the order of their first use; a line that a crash cut short is left out.

    Raises StudyError for a line whose settings are not those of its hash: somebody changed the log.
    """
    path = output / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    used = tuple(protocol for protocol in map(_parse, lines) if protocol is not None)
    for number, protocol in enumerate(used, start=1):
        if hashlib.sha256(protocol.settings.encode()).hexdigest() != protocol.protocol_hash:
            raise StudyError(
                f"{FILE}: the settings of protocol {number} do not have the hash that was stored with them",
                "the log of protocols was changed by hand: put the file back from a copy",
            )
    return used


def amendments_frame(
    used: Sequence[UsedProtocol], *, reasons: Sequence[Amendment], kept: Mapping[str, str] = MappingProxyType({})
) -> pl.DataFrame:
    """One row per amendment and setting, or file, that it changed, columns `AMENDMENTS`.

    An amendment is a protocol, or a file beside it, other than the one used before it, dated by its first use. Of a
    file it says how much is in it and what differs, from the contents `kept` by hash, and no value. Its reason is the
    one that `reasons` states for the setting, or for a section that holds it, on a day from the former protocol's
    first use to its own; of several the last. Null where nobody stated one.

    By hand: `comparison: {ratio: 5}` first used on 1 March, `comparison: {ratio: 3}` on 9 April: one row,
    `comparison.ratio`, before `5`, after `3`, with the reason stated for `comparison.ratio` or `comparison` on a day
    from 1 March to 9 April.
    """
    rows = [
        {
            "amendment_number": number,
            "setting": setting,
            "previous_protocol_hash": before.protocol_hash,
            "protocol_hash": after.protocol_hash,
            "amended_on": after.first_used_at.date(),
            "value_before": old,
            "value_after": new,
            "reason": _reason(setting, before, after, reasons),
        }
        for number, (before, after) in enumerate(filter(_is_amended, pairwise(used)), start=1)
        for setting, (old, new) in _changes(before, after, kept).items()
    ]
    return pl.DataFrame(rows, schema=AMENDMENTS, orient="row")


def _is_amended(pair: tuple[UsedProtocol, UsedProtocol]) -> bool:
    return bool(_changes(*pair, {}))


def _changes(
    before: UsedProtocol, after: UsedProtocol, kept: Mapping[str, str]
) -> Mapping[str, tuple[str | None, str | None]]:
    files = {} if before.files is None or after.files is None else changed_files(before.files, after.files, kept)
    return {**changed_settings(before.settings, after.settings), **files}


def changed_files(
    before: Mapping[str, str], after: Mapping[str, str], kept: Mapping[str, str]
) -> Mapping[str, tuple[str | None, str | None]]:
    """Files that differ by name, in words; None where there is none of it."""
    changed = dict[str, tuple[str | None, str | None]]()
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        contents = [None if one is None else kept.get(one) for one in (old, new)]
        words = [None if one is None else file_words(one, text) for one, text in zip((old, new), contents, strict=True)]
        difference = difference_words(*contents)
        changed[name] = (words[0], f"{words[1]}; {difference}" if difference else words[1])
    return changed


def changed_settings(before: str, after: str) -> Mapping[str, tuple[str | None, str | None]]:
    """Settings that differ between two protocols (canonical JSON), by dotted name; None where one has none of it."""
    old, new = flat_settings(json.loads(before)), flat_settings(json.loads(after))
    names = sorted(old.keys() | new.keys())
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def flat_settings(settings: Any, prefix: str = "") -> Mapping[str, str]:
    """Each setting as text by its dotted name; an outcome goes by its metric, any other list is one setting."""
    if isinstance(settings, list) and settings and all(isinstance(one, dict) and "metric" in one for one in settings):
        settings = {one["metric"]: {name: value for name, value in one.items() if name != "metric"} for one in settings}
    if not isinstance(settings, dict):
        return {prefix: settings if isinstance(settings, str) else json.dumps(settings, ensure_ascii=False)}
    flat: dict[str, str] = {}
    for name, value in settings.items():
        flat |= flat_settings(value, f"{prefix}.{name}" if prefix else str(name))
    return flat


def amended_outcomes(amendments: pl.DataFrame) -> Mapping[str, tuple[str, ...]]:
    """A caution by metric for outcomes of which the protocol said something else when it was first used."""
    outcomes = amendments.filter(pl.col("setting").str.starts_with("outcomes."))
    last = outcomes.group_by(pl.col("setting").str.split(".").list.get(1).alias("metric")).agg(pl.max("amended_on"))
    return {
        metric: (f"What the protocol says of this outcome was amended on {day}, after the protocol's first use.",)
        for metric, day in last.sort("metric").iter_rows()
    }


def _reason(setting: str, before: UsedProtocol, after: UsedProtocol, reasons: Sequence[Amendment]) -> str | None:
    first, last = before.first_used_at.date(), after.first_used_at.date()
    stated = [
        one.reason
        for one in sorted(reasons, key=lambda reason: reason.amended_on)
        if first <= one.amended_on <= last and f"{setting}.".startswith(f"{one.setting}.")
    ]
    return stated[-1] if stated else None


def _parse(line: str) -> UsedProtocol | None:
    try:
        return UsedProtocol.model_validate_json(line)
    except ValidationError:
        return None
