"""Covariates are what was known on the day before the index date, whatever comes later and in whatever order."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INDEX_DATE = date(2010, 7, 1)
CODES = ["I500", "E119", "E112", "F00X", "R296", "R298", "C509", "C780", "I10X", "Z000"]

days = st.one_of(st.integers(-12, 12), st.integers(-740, 200)).map(lambda number: INDEX_DATE + timedelta(number))


@st.composite
def stays(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(days)
    end = start + timedelta(draw(st.sampled_from([0, 1, 2, 5, 40])))
    fields = {
        "procode3": draw(st.sampled_from(["RAA", "RBB"])),
        "admimeth": draw(st.sampled_from(["21", "11", "81", "2B"])),
        "admisorc": draw(st.sampled_from(["19", "51"])),
        "disdest": draw(st.sampled_from(["19", "51"])),
        "classpat": draw(st.sampled_from(["1", "1", "2", "3"])),
        "diag_01": draw(st.sampled_from([*CODES, None])),
        "diag_secondary": draw(st.lists(st.sampled_from(CODES), max_size=4)),
    }
    if draw(st.integers(0, 4)) == 0:
        fields |= {"disdate": None, "dismeth": "8"}
    return episode(start.isoformat(), end.isoformat(), **fields)


histories = st.lists(
    stays(), max_size=12, unique_by=lambda row: (row["procode3"], row["epistart"], row["epiend"], row["disdate"])
)
visits = st.lists(days.map(date.isoformat), max_size=8, unique=True)


def covariates(admissions: list[dict[str, Any]], outpatients: list[str], emergency_care: list[str]) -> tuple[Any, ...]:
    study = SmallStudy(
        enrolments=[enrolment(INDEX_DATE.isoformat())],
        admissions=[{**row, "epikey": f"e{row['procode3']}{row['epistart']}{row['epiend']}{row['disdate']}"}
                    for row in admissions],
        outpatients=[appointment(day, attendkey=f"o{day}") for day in outpatients],
        emergency_care=[attendance(day, aekey=f"a{day}") for day in emergency_care],
    )  # fmt: skip
    (found,) = study.query("select * from covariates")
    return found


@FEW
@given(admissions=histories, outpatients=visits, emergency_care=visits)
def test_what_begins_on_the_index_date_or_later_changes_no_covariate(
    admissions: list[dict[str, Any]], outpatients: list[str], emergency_care: list[str]
) -> None:
    first_day = INDEX_DATE.isoformat()
    earlier = covariates(
        [row for row in admissions if row["epistart"] < first_day],
        [day for day in outpatients if day < first_day],
        [day for day in emergency_care if day < first_day],
    )
    assert covariates(admissions, outpatients, emergency_care) == earlier


@FEW
@given(admissions=histories, visits=visits, data=st.data())
def test_the_order_of_the_records_changes_no_covariate(
    admissions: list[dict[str, Any]], visits: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(admissions)), data.draw(st.permutations(visits))
    assert covariates(shuffled[0], shuffled[1], shuffled[1]) == covariates(admissions, visits, visits)
