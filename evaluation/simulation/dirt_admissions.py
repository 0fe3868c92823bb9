"""What goes wrong in extracts of admitted patient care."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from evaluation.simulation.dirt import Fault, Mark
from evaluation.simulation.dirt_changes import (
    OFTEN,
    RARE,
    SENTINEL,
    USUAL,
    between,
    broken_lines,
    days_after,
    dotted,
    empty,
    filled,
    later,
    lower,
    nulled,
    nulled_of_stranger,
    persons,
    placing_date,
    provider,
    quarantined,
    repaired,
    repeats,
    to,
    windows_blank,
)

PERSON = "PSEUDO_HESID"
_IS_FINISHED = pl.col("EPISTAT") == "3"
_CODES_OF_STRANGERS = {
    "ADMIMETH": "7Q",
    "ADMISORC": "00",
    "DISMETH": "6",
    "DISDEST": "00",
    "CLASSPAT": "7",
    "EPISTAT": "2",
}


def admission_faults(*, deaths: Mapping[str, date], has_end: bool) -> tuple[Fault, ...]:
    """Faults for a year of episodes; `deaths` are those of linked people after which the year still goes on."""
    return (
        *_after_death(deaths),
        *_unplaced(),
        *_nulled(),
        *_repaired(),
        *repeats(less={"SEX": to(""), "GPPRAC": to("Y99999")}, other_key=True, suits=_IS_FINISHED),
        Fault(marks=(), share=OFTEN, into="stranger"),
        *broken_lines(has_end=has_end),
    )


def _unplaced() -> tuple[Fault, ...]:
    has_admission = filled("ADMIDATE")
    return (
        quarantined("missing_value", "EPIKEY", {"EPIKEY": to("")}),
        *persons(PERSON),
        *placing_date("EPISTART"),
        *placing_date("EPIEND", suits=_IS_FINISHED),
        *provider(),
        quarantined("episode_ends_before_start", "EPIEND", {"EPIEND": later("EPISTART", days=-3)}, _IS_FINISHED),
        quarantined("discharge_before_admission", "DISDATE", {"DISDATE": later("ADMIDATE", days=-2)}, has_admission),
        quarantined(
            "episode_before_admission",
            "EPISTART",
            {"EPISTART": later("ADMIDATE", days=-1)},
            has_admission & _IS_FINISHED,
        ),
    )


def _nulled() -> tuple[Fault, ...]:
    """On linked people only what no count reads, or a sentinel where there was no date."""
    return (
        nulled("unknown_code", "SEX", {"SEX": to("F")}),
        nulled("out_of_range", "STARTAGE", {"STARTAGE": to("199")}),
        nulled("not_a_number", "STARTAGE", {"STARTAGE": to("n/k")}),
        nulled("malformed_code", "GPPRAC", {"GPPRAC": to("unknown practice")}),
        nulled("malformed_code", "LSOA11", {"LSOA11": to("E0190")}),
        nulled("malformed_code", "DIAG_SECONDARY", {"DIAG_06": to("R69?")}, empty("DIAG_06")),
        nulled("sentinel_date", "DISDATE", {"DISDATE": to("1582-10-15")}, empty("DISDATE")),
        nulled("sentinel_date", "ADMIDATE", {"ADMIDATE": to(SENTINEL)}, empty("ADMIDATE")),
        *(nulled_of_stranger("unknown_code", column, text) for column, text in _CODES_OF_STRANGERS.items()),
        nulled_of_stranger("malformed_code", "DIAG_01", "cough"),
        nulled_of_stranger("impossible_date", "DISDATE", "2010-02-30"),
        nulled_of_stranger("future_date", "DISDATE", "2110-05-01"),
        nulled_of_stranger("out_of_range", "EPIORDER", "0"),
    )


def _repaired() -> tuple[Fault, ...]:
    return (
        repaired("outer_blanks", "EPIKEY", {"EPIKEY": between(" ", "EPIKEY", " ")}),
        repaired(
            "date_format", "ADMIDATE", {"ADMIDATE": lambda row: row["ADMIDATE"].replace("-", "")}, filled("ADMIDATE")
        ),
        repaired("padded_code", "ADMIMETH", {"ADMIMETH": between("", "ADMIMETH", "  ")}),
        repaired("lower_case_code", "HRG", {"SUSHRG": lower("SUSHRG")}),
        repaired("dotted_code", "DIAG_01", {"DIAG_01": dotted("DIAG_01")}, pl.col("DIAG_01").str.len_chars() == 4),
        repaired(
            "dotted_code", "DIAG_SECONDARY", {"DIAG_02": dotted("DIAG_02")}, pl.col("DIAG_02").str.len_chars() == 4
        ),
        repaired("whole_number", "STARTAGE", {"STARTAGE": between("", "STARTAGE", ".0")}),
        repaired("number_format", "EPIORDER", {"EPIORDER": between("0", "EPIORDER", "")}),
        repaired("newline_in_field", "GPPRAC", {"GPPRAC": between("", "GPPRAC", "\n")}),
        windows_blank("ETHNOS"),
        *(_infant(f"700{number}") for number in range(1, 8)),
    )


def _infant(age: str) -> Fault:
    """An infant from elsewhere, whose age is written as a code."""
    mark = Mark("repaired", "infant_age", "STARTAGE")
    return Fault(marks=(mark,), share=RARE, into="stranger", changes={"STARTAGE": to(age)})


def _after_death(deaths: Mapping[str, date]) -> tuple[Fault, ...]:
    """Planned day cases of people who had died: within a week a slip of the pen, later a doubtful death link."""
    has_died = pl.col(PERSON).is_in(list(deaths))
    same_day = ("EPISTART", "EPIEND", "ADMIDATE", "DISDATE")
    day_case = {
        "EPIORDER": "1",
        "EPISTAT": "3",
        "ADMIMETH": "11",
        "ADMISORC": "19",
        "DISMETH": "1",
        "DISDEST": "19",
        "CLASSPAT": "2",
    }
    return tuple(
        Fault(
            marks=(Mark("after_death", rule_id, "EPISTART"),),
            share=USUAL,
            into="extra",
            changes={
                **{column: days_after(deaths, PERSON, days=days) for column in same_day},
                **{column: to(code) for column, code in day_case.items()},
            },
            suits=has_died,
        )
        for rule_id, days in (("after_death", 5), ("death_link_doubtful", 30))
    )
