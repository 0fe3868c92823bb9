"""What people and programs do to the texts of a record, and the forms in which lines are broken."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import polars as pl

from evaluation.simulation.dirt import BLANK, Change, Fault, Mark

SENTINEL = "1801-01-01"
OFTEN, USUAL, RARE = 0.001, 0.0004, 0.00015


def to(text: str) -> Change:
    """Whatever stood there, this text stands there now."""
    return lambda _row: text


def between(before: str, column: str, after: str) -> Change:
    """The column's text with something before and after it."""
    return lambda row: f"{before}{row[column]}{after}"


def day_first(column: str) -> Change:
    """An ISO date as dd/mm/yyyy."""
    return lambda row: "/".join(reversed(row[column].split("-")))


def later(column: str, *, days: int) -> Change:
    """The date of a column, so many days later (negative: earlier)."""
    return lambda row: str(date.fromisoformat(row[column]) + timedelta(days=days))


def days_after(dates: Mapping[str, date], person: str, *, days: int) -> Change:
    """So many days after the date that stands for the record's person."""
    return lambda row: str(dates[row[person]] + timedelta(days=days))


def lower(column: str) -> Change:
    """In lower case."""
    return lambda row: row[column].lower()


def dotted(column: str) -> Change:
    """An ICD-10 code with the dot that people write: `A419` as `A41.9`."""
    return lambda row: f"{row[column][:3]}.{row[column][3:]}"


def clock(column: str) -> Change:
    """`2345` as `23:45`."""
    return lambda row: f"{row[column][:2]}:{row[column][2:]}"


def filled(column: str) -> pl.Expr:
    """Records in which something stands in the column."""
    return pl.col(column).str.contains("[A-Za-z0-9]")


def empty(column: str) -> pl.Expr:
    """Records in which nothing stands in the column."""
    return pl.col(column) == ""


def quarantined(rule_id: str, column: str, changes: Mapping[str, Change], suits: pl.Expr | None = None) -> Fault:
    """An extra record that cannot be placed."""
    marks = (Mark("quarantined", rule_id, column),)
    return Fault(marks=marks, share=RARE, into="extra", changes=changes, suits=_any(suits))


def nulled(rule_id: str, column: str, changes: Mapping[str, Change], suits: pl.Expr | None = None) -> Fault:
    """A field of a record that says nothing, where no count reads it or where nothing stood before."""
    marks = (Mark("nulled", rule_id, column),)
    return Fault(marks=marks, share=USUAL, into="record", changes=changes, suits=_any(suits))


def nulled_of_stranger(rule_id: str, column: str, text: str) -> Fault:
    """A field that counts, of a person who counts nowhere."""
    marks = (Mark("nulled", rule_id, column),)
    return Fault(marks=marks, share=RARE, into="stranger", changes={column: to(text)})


def repaired(rule_id: str, column: str, changes: Mapping[str, Change], suits: pl.Expr | None = None) -> Fault:
    """A value that is only written differently."""
    marks = (Mark("repaired", rule_id, column),)
    return Fault(marks=marks, share=OFTEN, into="record", changes=changes, suits=_any(suits))


def windows_blank(column: str) -> Fault:
    """A line as Windows writes it, with a no-break space behind a code."""
    marks = (Mark("repaired", "padded_code", column), Mark("repaired", "cp1252_line"))
    changes = {column: between("", column, "\u00a0")}
    return Fault(marks=marks, share=USUAL, into="record", changes=changes, suits=filled(column), form="cp1252")


def persons(column: str) -> tuple[Fault, ...]:
    """Everything that can be wrong with a pseudonym."""
    return (
        quarantined("missing_person", column, {column: to("")}),
        quarantined("malformed_person", column, {column: lambda row: f"{row[column][:9]} {row[column][9:]}"}),
        quarantined("malformed_person", column, {column: lambda row: row[column] * 3}),
        repaired("outer_blanks", column, {column: between(" ", column, "")}),
    )


def placing_date(column: str, *, suits: pl.Expr | None = None) -> tuple[Fault, ...]:
    """Everything that can be wrong with a date that places a record."""
    suits = filled(column) & _any(suits)
    return (
        quarantined("missing_value", column, {column: to("")}, suits),
        quarantined("impossible_date", column, {column: lambda row: f"{row[column][:4]}-02-30"}, suits),
        quarantined("sentinel_date", column, {column: to(SENTINEL)}, suits),
        quarantined("future_date", column, {column: lambda row: f"21{row[column][2:]}"}, suits),
        repaired("date_format", column, {column: day_first(column)}, suits),
        repaired("outer_blanks", column, {column: between(" ", column, " ")}, suits),
    )


def provider() -> tuple[Fault, ...]:
    """Everything that can be wrong with a provider's code."""
    column = "PROCODE3"
    return (
        quarantined("missing_value", column, {column: to("")}),
        quarantined("malformed_code", column, {column: to("?")}),
        repaired("lower_case_code", column, {column: lower(column)}),
        repaired("padded_code", column, {column: between(" ", column, " ")}),
    )


def repeats(*, less: Mapping[str, Change], other_key: bool = False, suits: pl.Expr | None = None) -> tuple[Fault, ...]:
    """The same record again; its key again with fewer and other content; the same event under another key."""
    again = (_repeat("same_record", "repeat", {}, suits), _repeat("same_key", "repeat", less, suits))
    return (*again, _repeat("same_event", "extra", less, suits)) if other_key else again


def _repeat(
    rule_id: str, into: Literal["repeat", "extra"], changes: Mapping[str, Change], suits: pl.Expr | None
) -> Fault:
    marks = (Mark("duplicate", rule_id),)
    return Fault(marks=marks, share=USUAL, into=into, changes=changes, suits=_any(suits))


def broken_lines(*, has_end: bool) -> tuple[Fault, ...]:
    """Lines that cannot be taken apart, a header in the middle, blank lines; `has_end`: the last line is cut off."""
    forms = {
        "short": "wrong_field_count",
        "long": "wrong_field_count",
        "header": "repeated_header",
        "undecodable": "undecodable_row",
        "unclosed_quote": "unclosed_quote",
    }
    broken = tuple(
        Fault(marks=(Mark("quarantined", rule_id),), share=RARE, into="extra", form=form)
        for form, rule_id in forms.items()
    )
    blank = Fault(marks=(Mark("blank_line", "blank_line"),), share=USUAL, into="line", form=BLANK)
    cut = Fault(
        marks=(Mark("quarantined", "truncated_last_line"),), share=0, into="extra", form="truncated", is_last=True
    )
    return (*broken, blank, *([cut] if has_end else []))


def _any(suits: pl.Expr | None) -> pl.Expr:
    return pl.lit(value=True) if suits is None else suits
