"""What goes wrong in extracts of outpatient appointments and A&E attendances."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import polars as pl

from evaluation.simulation.dirt import Fault, Mark
from evaluation.simulation.dirt_changes import (
    OFTEN,
    RARE,
    USUAL,
    between,
    broken_lines,
    clock,
    days_after,
    empty,
    later,
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
SHARE_BOOKED = 0.01


def appointment_faults(
    *, deaths: Mapping[str, date], living: Collection[str], data_until: date, has_end: bool
) -> tuple[Fault, ...]:
    """Faults for a year of appointments.

    `deaths` are those of linked people after which the year still goes on, `living` the linked people
    who have not died.
    """
    is_cancelled = pl.col("ATTENDED").is_in(["2", "4"])
    return (
        *_after_death("APPTDATE", deaths, {"ATTENDED": "5", "FIRSTATT": "2"}),
        *_booked(living, data_until),
        quarantined("missing_value", "ATTENDKEY", {"ATTENDKEY": to("")}),
        *persons(PERSON),
        *placing_date("APPTDATE", suits=pl.col("ATTENDED") != "0"),
        *provider(),
        nulled("unknown_code", "ATTENDED", {"ATTENDED": to("8")}, is_cancelled),
        nulled("unknown_code", "FIRSTATT", {"FIRSTATT": to("7")}, empty("FIRSTATT")),
        nulled("unknown_code", "SEX", {"SEX": to("M")}),
        nulled("out_of_range", "APPTAGE", {"APPTAGE": to("150")}),
        nulled_of_stranger("unknown_code", "ATTENDED", "X"),
        nulled_of_stranger("malformed_code", "TRETSPEF", "ENT clinic"),
        repaired("outer_blanks", "ATTENDKEY", {"ATTENDKEY": between("", "ATTENDKEY", " ")}),
        repaired("padded_code", "ATTENDED", {"ATTENDED": between("", "ATTENDED", " ")}),
        repaired("whole_number", "APPTAGE", {"APPTAGE": between("", "APPTAGE", ".0")}),
        repaired("newline_in_field", "GPPRAC", {"GPPRAC": between("", "GPPRAC", "\n")}),
        windows_blank("GPPRAC"),
        *(_infant(f"700{number}") for number in range(1, 8)),
        *repeats(less={"SEX": to(""), "GPPRAC": to("Y99999")}, other_key=True),
        Fault(marks=(), share=OFTEN, into="stranger"),
        *broken_lines(has_end=has_end),
    )


def attendance_faults(*, deaths: Mapping[str, date], has_end: bool) -> tuple[Fault, ...]:
    """Faults for a year of A&E attendances; `deaths` are those of linked people after which the year still goes on."""
    return (
        *_after_death("ARRIVALDATE", deaths, {"AEATTENDCAT": "1"}),
        quarantined("missing_value", "AEKEY", {"AEKEY": to("")}),
        *persons(PERSON),
        *placing_date("ARRIVALDATE"),
        *provider(),
        nulled("impossible_time", "ARRIVALTIME", {"ARRIVALTIME": to("2561")}),
        nulled("unknown_code", "AEATTENDCAT", {"AEATTENDCAT": to("7")}, empty("AEATTENDCAT")),
        nulled("unknown_code", "AEATTENDDISP", {"AEATTENDDISP": to("98")}),
        nulled("unknown_code", "AEDEPTTYPE", {"AEDEPTTYPE": to("A")}),
        nulled_of_stranger("unknown_code", "AEATTENDCAT", "0"),
        repaired("outer_blanks", "AEKEY", {"AEKEY": between("", "AEKEY", " ")}),
        repaired("time_format", "ARRIVALTIME", {"ARRIVALTIME": clock("ARRIVALTIME")}),
        repaired("padded_code", "AEATTENDDISP", {"AEATTENDDISP": between("", "AEATTENDDISP", " ")}),
        repaired("newline_in_field", "AEDEPTTYPE", {"AEDEPTTYPE": between("", "AEDEPTTYPE", "\n")}),
        windows_blank("AEDEPTTYPE"),
        *repeats(less={"AEDEPTTYPE": to(""), "ARRIVALTIME": to("0000")}),
        Fault(marks=(), share=OFTEN, into="stranger"),
        *broken_lines(has_end=has_end),
    )


def _booked(living: Collection[str], data_until: date) -> tuple[Fault, ...]:
    """Appointments that were still to come when the last delivery was made: their dates may be in the future."""
    quarter = timedelta(days=91)
    booked = {"APPTDATE": later("APPTDATE", days=quarter.days), "ATTENDED": to("0")}
    is_recent = pl.col("APPTDATE") > str(data_until - quarter)
    is_living = pl.col(PERSON).is_in(list(living))
    mark = Mark("accepted", "appointment_to_come", "APPTDATE")
    return (Fault(marks=(mark,), share=SHARE_BOOKED, into="extra", changes=booked, suits=is_recent & is_living),)


def _infant(age: str) -> Fault:
    """An infant from elsewhere, whose age is written as a code."""
    mark = Mark("repaired", "infant_age", "APPTAGE")
    return Fault(marks=(mark,), share=RARE, into="stranger", changes={"APPTAGE": to(age)})


def _after_death(column: str, deaths: Mapping[str, date], codes: Mapping[str, str]) -> tuple[Fault, ...]:
    """Activity of people who had died: within a week a slip of the pen, later a doubtful death link."""
    return tuple(
        Fault(
            marks=(Mark("after_death", rule_id, column),),
            share=USUAL,
            into="extra",
            changes={
                column: days_after(deaths, PERSON, days=days),
                **{name: to(code) for name, code in codes.items()},
            },
            suits=pl.col(PERSON).is_in(list(deaths)),
        )
        for rule_id, days in (("after_death", 3), ("death_link_doubtful", 45))
    )
