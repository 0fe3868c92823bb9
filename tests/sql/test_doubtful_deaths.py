"""Hospital use long after a death says that the death record may belong to somebody else."""

import pytest

from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person

DOUBTFUL = "select is_death_link_doubtful from people"
DEAD = {"enrolments": [enrolment("2010-07-01")], "population": [person("p1", date_of_death="2010-08-01")]}


@pytest.mark.parametrize(("day", "is_doubtful"), [("2010-08-01", False), ("2010-08-08", False), ("2010-08-09", True)])
def test_an_admission_more_than_seven_days_after_death_makes_it_doubtful(day: str, is_doubtful: bool) -> None:
    assert SmallStudy(**DEAD, admissions=[episode(day, day)]).query(DOUBTFUL) == [(is_doubtful,)]


def test_an_attendance_does_too() -> None:
    assert SmallStudy(**DEAD, emergency_care=[attendance("2010-09-01")]).query(DOUBTFUL) == [(True,)]


@pytest.mark.parametrize(("attended", "is_doubtful"), [("5", True), ("2", False), ("3", False)])
def test_an_appointment_does_only_if_somebody_came(attended: str, is_doubtful: bool) -> None:
    study = SmallStudy(**DEAD, outpatients=[appointment("2010-09-01", attended=attended)])
    assert study.query(DOUBTFUL) == [(is_doubtful,)]


def test_the_date_of_death_still_ends_the_observed_days() -> None:
    study = SmallStudy(**DEAD, admissions=[episode("2010-09-01", "2010-09-02")])
    assert study.query("select person_days, emergency_admissions from person_periods where period = 'follow_up'") == [
        (32, 0)
    ]
