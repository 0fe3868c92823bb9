"""One cell of the survey table: an item, a group of respondents and a population."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from evaluation.surveys.change import MeanChange, change_in_mean
from evaluation.surveys.design import Flags, Sample

WAVES = ("baseline", "follow_up")
GROUPS = {"role": "role", "group": "respondent_group", "age_band": "age_band"}
FEW_ANSWERS = 30
PERCENT = 100.0

UNCONTROLLED = (
    "Those who answered before and after, with no comparison: the change is not the effect of the pilot, and "
    "other people may have answered the second time."
)
ONE_WAVE = "Answers from one wave only: no change can be stated."
NO_BLANKS = "The file holds no unanswered questionnaires, so it does not show who was asked: no response rate."
NO_INTERVAL = "Too few answers, or all alike in a wave: no interval."
APPROXIMATE = "Few answers: the interval is approximate."
NO_WEIGHT = "Answers without a weight are not in the levels."


@dataclass(frozen=True, kw_only=True)
class AskedItem:
    """All rows of one item of one survey in arrays of one length, and the sample they are from.

    `in_wave`, `is_valid`, `is_positive`, `is_not_counted` say what each row is; `has_answered` whether the respondent
    answered any item in that wave; `shows_blanks` per wave whether the survey has rows of people who did not.
    """

    in_wave: dict[str, Flags]
    is_valid: Flags
    is_positive: Flags
    is_not_counted: Flags
    has_answered: Flags
    has_weight: Flags
    shows_blanks: dict[str, bool]
    sample: Sample


def asked_item(rows: pl.DataFrame, *, sample: Sample, has_weight: Flags) -> AskedItem:
    """Arrays from answer rows with `period is_valid is_positive is_not_counted has_answered`."""
    in_wave = {wave: _flags(rows.select(pl.col("period") == wave)) for wave in WAVES}
    has_answered = _flags(rows.select("has_answered"))
    return AskedItem(
        in_wave=in_wave,
        is_valid=_flags(rows.select("is_valid")),
        is_positive=_flags(rows.select("is_positive")),
        is_not_counted=_flags(rows.select("is_not_counted")),
        has_answered=has_answered,
        has_weight=has_weight,
        shows_blanks={wave: not bool(has_answered[in_wave[wave]].all()) for wave in WAVES},
        sample=sample,
    )


def group_rows(rows: pl.DataFrame) -> Iterator[tuple[str, Flags]]:
    """Names of the groups of respondents and which rows are theirs: `all` first, then `role=...` and so on."""
    yield "all", np.ones(rows.height, dtype=np.bool_)
    for prefix, column in GROUPS.items():
        for value in rows[column].drop_nulls().unique().sort():
            yield f"{prefix}={value}", _flags(rows.select((pl.col(column) == value).fill_null(value=False)))


def population_rows(rows: pl.DataFrame, site_populations: pl.DataFrame) -> Iterator[tuple[str, Flags]]:
    """Names of the populations and which rows are theirs: `all_sites` first."""
    yield "all_sites", np.ones(rows.height, dtype=np.bool_)
    members = site_populations.group_by("population", maintain_order=True).agg("site_id")
    for population, site_ids in members.iter_rows():
        yield population, _flags(rows.select(pl.col("site_id").is_in(site_ids).fill_null(value=False)))


def cell(item: AskedItem, members: Flags) -> dict[str, Any]:
    """Counts, levels, change and caution for the rows of `members`."""
    waves = {wave: members & rows for wave, rows in item.in_wave.items()}
    valid = {wave: rows & item.is_valid for wave, rows in waves.items()}
    counted = {wave: rows & item.has_weight for wave, rows in valid.items()}
    change = change_in_mean(
        item.is_positive.astype(np.float64) * PERCENT,
        baseline=counted["baseline"],
        follow_up=counted["follow_up"],
        sample=item.sample,
    )
    return {
        "design": _design(change),
        **{name: count for wave, rows in waves.items() for name, count in _counts(item, wave, rows).items()},
        "baseline_level": change.baseline,
        "follow_up_level": change.follow_up,
        "change": change.change,
        "change_low": change.low,
        "change_high": change.high,
        "standard_error": change.standard_error,
        "p_value": change.p_value,
        "n_clusters": change.clusters,
        "caution": _caution(item, waves, valid, change),
    }


def _counts(item: AskedItem, wave: str, rows: Flags) -> dict[str, Any]:
    asked = int(np.count_nonzero(rows))
    answers = int(np.count_nonzero(rows & item.is_valid))
    not_counted = int(np.count_nonzero(rows & item.is_not_counted))
    responded = int(np.count_nonzero(rows & item.has_answered))
    return {
        f"rows_{wave}": asked,
        f"answers_{wave}": answers,
        f"positive_{wave}": int(np.count_nonzero(rows & item.is_positive)),
        f"not_counted_{wave}": not_counted,
        f"missing_{wave}": asked - answers - not_counted,
        f"response_rate_{wave}_pct": 100 * responded / asked if asked and item.shows_blanks[wave] else None,
    }


def _design(change: MeanChange) -> str:
    if change.baseline is None and change.follow_up is not None:
        return "follow_up_only"
    return "baseline_only" if change.follow_up is None and change.baseline is not None else "uncontrolled"


def _caution(item: AskedItem, waves: dict[str, Flags], valid: dict[str, Flags], change: MeanChange) -> str:
    answers = [int(np.count_nonzero(rows)) for rows in valid.values()]
    hidden = any(rows.any() and not item.shows_blanks[wave] for wave, rows in waves.items())
    unweighted = any((rows & ~item.has_weight).any() for rows in valid.values())
    sentences = (
        ONE_WAVE if change.change is None else UNCONTROLLED,
        NO_INTERVAL if change.change is not None and change.standard_error is None else "",
        APPROXIMATE if change.standard_error is not None and min(answers) < FEW_ANSWERS else "",
        NO_BLANKS if hidden else "",
        NO_WEIGHT if unweighted else "",
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _flags(column: pl.DataFrame) -> Flags:
    return column.to_series().to_numpy().astype(np.bool_)
