"""What goes wrong in registers, opt-out lists and questionnaires."""

import polars as pl

from evaluation.simulation.dirt import Fault, Mark
from evaluation.simulation.dirt_changes import (
    SENTINEL,
    USUAL,
    between,
    broken_lines,
    day_first,
    empty,
    filled,
    later,
    lower,
    nulled,
    persons,
    placing_date,
    quarantined,
    repaired,
    repeats,
    to,
    windows_blank,
)

PERSON = "PSEUDO_HESID"


def population_faults() -> tuple[Fault, ...]:
    """Faults for a snapshot of the population: nobody is in it who was not, nobody is missing."""
    return (
        *persons(PERSON),
        *placing_date("DOB"),
        quarantined("death_before_birth", "DATE_OF_DEATH", {"DATE_OF_DEATH": later("DOB", days=-400)}),
        nulled("out_of_range", "IMD_QUINTILE", {"IMD_QUINTILE": to("9")}),
        nulled("unknown_code", "CARE_HOME", {"CARE_HOME": to("maybe")}),
        nulled("malformed_code", "LSOA11", {"LSOA11": to("E0190")}),
        nulled("sentinel_date", "DATE_OF_DEATH", {"DATE_OF_DEATH": to(SENTINEL)}, empty("DATE_OF_DEATH")),
        nulled("impossible_date", "REG_END", {"REG_END": to("9999-99-99")}, empty("REG_END")),
        repaired(
            "date_format", "DATE_OF_DEATH", {"DATE_OF_DEATH": day_first("DATE_OF_DEATH")}, filled("DATE_OF_DEATH")
        ),
        repaired("whole_number", "IMD_QUINTILE", {"IMD_QUINTILE": between("", "IMD_QUINTILE", ".0")}),
        repaired("outer_blanks", "AREA", {"AREA": between("", "AREA", " ")}),
        repaired("lower_case_code", "GPPRAC", {"GPPRAC": lower("GPPRAC")}),
        repaired("newline_in_field", "AREA", {"AREA": between("", "AREA", "\n")}),
        windows_blank("ETHNOS"),
        *repeats(less={"ETHNOS": to(""), "CARE_HOME": to("Y")}),
        *broken_lines(has_end=True),
    )


def enrolment_faults() -> tuple[Fault, ...]:
    """Faults for a snapshot of the enrolments: nobody joins who did not, nobody joins on another day."""
    moved = {"STATUS": to("left \u2013 moved away")}
    return (
        *persons(PERSON),
        quarantined("missing_value", "SITE", {"SITE": to("")}),
        *placing_date("INDEX_DATE"),
        quarantined("enrolment_ends_before_start", "END_DATE", {"END_DATE": later("INDEX_DATE", days=-10)}),
        nulled("sentinel_date", "END_DATE", {"END_DATE": to(SENTINEL)}, empty("END_DATE")),
        nulled("impossible_date", "REFERRAL_DATE", {"REFERRAL_DATE": to("spring 2010")}),
        repaired("outer_blanks", "SITE", {"SITE": between("", "SITE", " ")}),
        repaired("newline_in_field", "STATUS", {"STATUS": to("enrolled\nby letter")}),
        Fault(marks=(Mark("repaired", "cp1252_line"),), share=USUAL, into="record", changes=moved, form="cp1252"),
        *repeats(less={"ROUTE": to(""), "TIER": to("3")}),
        Fault(marks=(), share=USUAL, into="stranger"),
        *broken_lines(has_end=True),
    )


def opt_out_faults() -> tuple[Fault, ...]:
    """Faults for a list of people who opted out; a list of one column has no cells to be too many or too few."""
    form = "header"
    return (
        quarantined("missing_person", PERSON, {PERSON: to("-")}),
        quarantined("malformed_person", PERSON, {PERSON: lambda row: f"{row[PERSON][:9]} {row[PERSON][9:]}"}),
        repaired("outer_blanks", PERSON, {PERSON: between(" ", PERSON, "")}),
        *repeats(less={})[:1],
        Fault(marks=(Mark("quarantined", "repeated_header"),), share=USUAL, into="extra", form=form),
        Fault(marks=(Mark("blank_line", "blank_line"),), share=USUAL, into="line", form="blank"),
    )


def nhs_number_faults() -> tuple[Fault, ...]:
    """Everything that can be wrong with an NHS number; `PSEUDO_HESID` is what the contract calls its column."""
    wrong = {
        "missing_person": lambda _row: "-",
        "nhs_number_not_numeric": lambda row: f"{row['NHSNO'][:9]}O",
        "nhs_number_wrong_length": lambda row: row["NHSNO"][:9],
        "nhs_number_wrong_check_digit": lambda row: f"{row['NHSNO'][:9]}{(int(row['NHSNO'][9]) + 1) % 10}",
        "nhs_number_equal_digits": lambda _row: "9" * 10,
    }
    spaced = {"NHSNO": lambda row: f"{row['NHSNO'][:3]} {row['NHSNO'][3:6]} {row['NHSNO'][6:]}"}
    mark = Mark("repaired", "blanks_in_number", PERSON)
    return (
        *(
            Fault(marks=(Mark("quarantined", rule_id, PERSON),), share=0, into="extra", changes={"NHSNO": change})
            for rule_id, change in wrong.items()
        ),
        Fault(marks=(mark,), share=0, into="record", changes=spaced),
    )


def survey_faults(items: tuple[str, ...]) -> tuple[Fault, ...]:
    """Faults for one wave of a questionnaire; `items` are the columns of its answers, at least two."""
    first, second = items[0], items[1]
    fewer = {column: to("") for column in items}
    return (
        quarantined("missing_respondent", PERSON, {PERSON: to("")}),
        quarantined("missing_value", "WAVE", {"WAVE": to("")}),
        quarantined("missing_value", "SITE", {"SITE": to("")}),
        repaired("outer_blanks", PERSON, {PERSON: between("", PERSON, " ")}),
        repaired("whole_number", first, {first: between("", first, ".0")}, filled(first)),
        repaired("outer_blanks", second, {second: between(" ", second, "")}, filled(second)),
        repaired("newline_in_field", "AGE_BAND", {"AGE_BAND": between("", "AGE_BAND", "\n")}, filled("AGE_BAND")),
        *repeats(less=fewer, suits=pl.any_horizontal(filled(column) for column in items)),
        *broken_lines(has_end=True),
    )
