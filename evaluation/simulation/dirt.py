"""Dirt in a clean delivery: faults planted record by record, each written down with the rule that finds it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from evaluation.simulation.calendar import BoolArray

Row = Mapping[str, str]
Change = Callable[[Row], str]
PLANTED = {"record": pl.Int64, "rule_id": pl.String, "kind": pl.String, "column": pl.String}
FORM = "form"
PLAIN, BLANK = "plain", "blank"
WHOLE_RECORD = "*"
NOT_IN_POPULATION = "person_not_in_population"
_POSITION, _NUMBER = "position", "number"


@dataclass(frozen=True)
class Mark:
    """What a run has to find: a rule, what becomes of the record or field, and the contract's column (`*`: all)."""

    kind: str
    rule_id: str
    column: str = WHOLE_RECORD


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which records go wrong.

    `into` says where it is planted: in a `record` as it is; in an `extra` record of the same person under another
    key; in an extra record of a `stranger` who is in no population; in a `repeat` of a record under its own key;
    in a `line` that is no record. `share` is that of the delivery's records; `suits` says which records it can
    start from, those not under another fault; `changes` are the new texts by column, made from the record's own.
    `form` is how the line is broken, `is_last`: it stands at the end of the file, once.
    """

    marks: tuple[Mark, ...]
    share: float
    into: Literal["record", "extra", "stranger", "repeat", "line"]
    changes: Mapping[str, Change] = field(default_factory=dict)
    suits: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
    form: str = PLAIN
    is_last: bool = False


@dataclass(frozen=True, kw_only=True)
class Names:
    """What records of an extract are told apart by, and where new names come from.

    `key` is None where a person is a record's key. `is_linked`: records of strangers are accepted as unlinked.
    """

    key: str | None
    person: str
    new_keys: Iterator[str]
    new_people: Iterator[str]
    is_linked: bool = True


@dataclass(frozen=True, kw_only=True)
class Soiled:
    """`records`: all text, "" for nothing, in file order, with `form`; `planted`: columns of `PLANTED`.

    A record's number counts from 1, without blank lines; that of a blank line is the number of the record before it.
    """

    records: pl.DataFrame
    planted: pl.DataFrame


def soiled(
    records: pl.DataFrame, faults: Sequence[Fault], *, names: Names, at_least: int, rng: np.random.Generator
) -> Soiled:
    """A delivery with faults planted: of each at least `at_least`, otherwise as many as its share gives by chance.

    No record is under two faults. What is planted into a `record` must leave the record's meaning as it was:
    that is up to the faults. A fault that no free record suits is not planted.
    """
    text = records.with_columns(pl.all().cast(pl.String).fill_null(""))
    people = text[names.person].to_list()
    free = np.ones(text.height, dtype=bool)
    stands = np.ones(text.height, dtype=bool)
    changed: list[dict[str, object]] = []
    marks: list[tuple[int, Mark]] = []
    for fault in faults:
        suitable = text.select(fault.suits.alias("suits") & pl.lit(pl.Series(free)))["suits"].to_numpy()
        count = 1 if fault.is_last else max(at_least, int(rng.binomial(text.height, fault.share)))
        for number in _drawn(suitable, people, count=count, rng=rng):
            free[number] = False
            stands[number] = fault.into != "record"
            position = _position(number, fault, count=text.height, rng=rng)
            marks += [(len(changed), mark) for mark in _marks(fault, names)]
            row = _planted(text.row(number, named=True), fault, names)
            changed.append({_POSITION: position, **row, FORM: fault.form, _NUMBER: len(changed)})
    return _in_file_order(text.with_row_index(_POSITION).filter(pl.Series(stands)), changed, marks)


def _drawn(suitable: BoolArray, people: Sequence[str], *, count: int, rng: np.random.Generator) -> list[int]:
    """Numbers of suitable records by chance, one of a person, so that two of a kind never look like one repeated."""
    drawn: dict[str, int] = {}
    for number in rng.permutation(np.flatnonzero(suitable)).tolist():
        if len(drawn) == count:
            break
        drawn.setdefault(people[number], number)
    return list(drawn.values())


def _planted(row: Row, fault: Fault, names: Names) -> dict[str, str]:
    """The record that stands in the delivery for the fault."""
    fresh: dict[str, str] = {}
    if fault.into in ("extra", "stranger"):
        if names.key:
            fresh[names.key] = next(names.new_keys)
        if fault.into == "stranger" or names.key is None:
            fresh[names.person] = next(names.new_people)
    row = {**row, **fresh}
    return {**row, **{column: change(row) for column, change in fault.changes.items()}}


def _marks(fault: Fault, names: Names) -> tuple[Mark, ...]:
    if fault.into != "stranger" or not names.is_linked:
        return fault.marks
    return (*fault.marks, Mark("unlinked", NOT_IN_POPULATION, "PSEUDO_HESID"))


def _position(number: int, fault: Fault, *, count: int, rng: np.random.Generator) -> float:
    """Where the fault stands among the records, which stand at 0, 1, 2 ...

    A repeat stands behind its record. What opens a quote stands right before the record it was made from, which
    is sound: nothing else is drawn into the quote.
    """
    if fault.into == "record":
        return float(number)
    if fault.is_last:
        return float(count)
    if fault.form == "unclosed_quote":
        return number - 1e-6
    return float(rng.uniform(number if fault.into == "repeat" else 0, count - 1e-3))


def _in_file_order(kept: pl.DataFrame, changed: list[dict[str, object]], marks: list[tuple[int, Mark]]) -> Soiled:
    sound = kept.with_columns(
        pl.col(_POSITION).cast(pl.Float64), pl.lit(PLAIN).alias(FORM), pl.lit(None, dtype=pl.Int64).alias(_NUMBER)
    )
    dirty = pl.DataFrame(changed, schema=sound.schema)
    ordered = pl.concat([sound, dirty]).sort(_POSITION, _NUMBER, nulls_last=True, maintain_order=True)
    numbered = ordered.with_columns(record=(pl.col(FORM) != BLANK).cum_sum().cast(pl.Int64))
    found = pl.DataFrame(
        [(number, mark.rule_id, mark.kind, mark.column) for number, mark in marks],
        schema={_NUMBER: pl.Int64, "rule_id": pl.String, "kind": pl.String, "column": pl.String},
        orient="row",
    )
    planted = found.join(numbered.select(_NUMBER, "record"), on=_NUMBER, how="left")
    return Soiled(
        records=ordered.drop(_POSITION, _NUMBER),
        planted=planted.select(list(PLANTED)).sort("record", "column", "rule_id"),
    )
