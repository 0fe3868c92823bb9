"""Which outpatient and A&E records count, and what an appointment or attendance counts as."""

from typing import Any

from tests.sql.small_study import SmallStudy, appointment, attendance, person


def appointment_fates(*rows: dict[str, Any]) -> list[str]:
    study = SmallStudy(outpatients=rows)
    return [f for (f,) in study.query("select fate from appointment_records order by delivery_id, record")]


def attendance_fates(*rows: dict[str, Any]) -> list[str]:
    study = SmallStudy(emergency_care=rows)
    return [f for (f,) in study.query("select fate from attendance_records order by delivery_id, record")]


def test_the_later_delivery_of_an_appointment_key_supersedes_the_earlier_one() -> None:
    booked = appointment("2010-01-05", attendkey="k", attended="0", delivery_id="d1")
    seen = appointment("2010-01-05", attendkey="k", attended="5", delivery_id="d2")
    assert appointment_fates(booked, seen) == ["superseded", "accepted"]


def test_an_appointment_key_twice_in_a_delivery_is_a_duplicate_and_the_most_complete_row_stays() -> None:
    bare = appointment("2010-01-05", attendkey="k", firstatt=None)
    full = appointment("2010-01-05", attendkey="k")
    assert appointment_fates(bare, full) == ["duplicate", "accepted"]


def test_the_same_person_day_provider_and_specialties_under_another_key_is_a_duplicate() -> None:
    assert appointment_fates(appointment("2010-01-05"), appointment("2010-01-05")) == ["accepted", "duplicate"]


def test_an_appointment_of_another_day_person_provider_or_specialty_is_another_appointment() -> None:
    rows = [
        appointment("2010-01-05"),
        appointment("2010-01-06"),
        appointment("2010-01-05", person_id="p2"),
        appointment("2010-01-05", procode3="RBB"),
        appointment("2010-01-05", tretspef="340"),
        appointment("2010-01-05", mainspef="340"),
    ]
    assert appointment_fates(*rows) == ["accepted"] * 6


def test_an_attendance_key_is_superseded_across_deliveries_and_a_duplicate_within_one() -> None:
    rows = [
        attendance("2010-01-05", aekey="k", delivery_id="d1"),
        attendance("2010-01-05", aekey="k", aeattenddisp=None, delivery_id="d2"),
        attendance("2010-01-05", aekey="k", delivery_id="d2"),
    ]
    assert attendance_fates(*rows) == ["superseded", "duplicate", "accepted"]


def test_two_attendances_on_one_day_are_two_attendances() -> None:
    assert attendance_fates(attendance("2010-01-05"), attendance("2010-01-05")) == ["accepted", "accepted"]


def test_an_appointment_counts_by_its_status_and_kind() -> None:
    attended, tele, missed, nothing = (True, False, False), (True, True, False), (False, False, True), (False,) * 3
    cases = {
        ("5", "1"): attended,
        ("6", "2"): attended,
        ("5", None): attended,  # an unknown kind of appointment is kept
        ("5", "9"): attended,
        ("5", "3"): tele,
        ("6", "4"): tele,
        ("5", "5"): nothing,  # an administrative event
        ("3", "1"): missed,
        ("7", "2"): missed,
        ("3", "5"): nothing,  # an administrative event
        ("2", "1"): nothing,  # cancelled by the patient
        ("4", "1"): nothing,  # cancelled by the provider
        ("0", "1"): nothing,  # in the future
        (None, "1"): nothing,
    }
    rows = [
        appointment("2010-01-05", attended=status, firstatt=kind, tretspef=f"{number}")
        for number, (status, kind) in enumerate(cases)
    ]
    found = SmallStudy(outpatients=rows).query(
        "select is_attended, is_tele_attended, is_did_not_attend from appointments order by appointment_key"
    )
    assert dict(zip(cases, found, strict=True)) == cases


def test_an_attendance_is_unplanned_unless_it_is_a_planned_follow_up() -> None:
    cases = {"1": True, "2": False, "3": True, None: True}
    study = SmallStudy(emergency_care=[attendance("2010-01-05", aeattendcat=category) for category in cases])
    found = study.query("select is_unplanned from attendances order by attendance_key")
    assert dict(zip(cases, found, strict=True)) == {category: (value,) for category, value in cases.items()}


def test_leaving_before_or_refusing_treatment_is_marked() -> None:
    cases = {"12": True, "13": True, "01": False, None: False}
    study = SmallStudy(emergency_care=[attendance("2010-01-05", aeattenddisp=disposal) for disposal in cases])
    found = study.query("select is_left_untreated from attendances order by attendance_key")
    assert dict(zip(cases, found, strict=True)) == {disposal: (left,) for disposal, left in cases.items()}


def test_activity_after_death_is_kept_and_flagged_here_too() -> None:
    study = SmallStudy(
        outpatients=[appointment("2010-01-09")],
        emergency_care=[attendance("2010-01-08")],
        population=[person(date_of_death="2010-01-08")],
    )
    assert study.value("select is_after_death from appointments") is True
    assert study.value("select is_after_death from attendances") is False


def test_records_of_people_outside_the_population_or_opted_out_are_no_activity() -> None:
    study = SmallStudy(
        outpatients=[appointment("2010-01-05"), appointment("2010-01-05", person_id="p2")],
        emergency_care=[attendance("2010-01-05"), attendance("2010-01-05", person_id="p2")],
        population=[person("p2")],  # p1 is unlinked
        opt_outs=[{"person_id": "p2"}],
    )
    assert study.query("select * from appointments") == []
    assert study.query("select * from attendances") == []
    assert study.query("select person_id, is_unlinked, is_opted_out from appointment_records order by all") == [
        ("p1", True, False),
        ("p2", False, True),
    ]
