"""Questions about one person around an index date, and people who come and go on that day."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.sql.small_study import SmallStudy, enrolment, person

MONTHS = [date(year, month, 1) for year in (2008, 2009, 2010, 2011) for month in range(1, 13)]
# On 1 June 2010 some of them are born, alive and registered; those whose last day was the day before are not.
COMING_AND_GOING = [
    person("dies that day", date_of_death="2010-06-01"),
    person("died before", date_of_death="2010-05-31"),
    person("leaves that day", reg_end="2010-06-01"),
    person("left before", reg_end="2010-05-31"),
    person("comes that day", reg_start="2010-06-01"),
    person("comes after", reg_start="2010-06-02"),
    person("born that day", dob="2010-06-01"),
    person("born after", dob="2010-06-02"),
]
THERE_THAT_DAY = ("born that day", "comes that day", "dies that day", "leaves that day")


def covered(**changes: Iterable[date]) -> dict[str, Iterable[date]]:
    """Months that each extract covers: all from 2008 to 2011 unless `changes` says otherwise."""
    return {"admissions": MONTHS, "outpatients": MONTHS, "emergency_care": MONTHS, **changes}


def covariates(*columns: str, index_date: str = "2010-07-01", **study: Any) -> tuple[Any, ...]:
    """Covariates of pilot person p1 at the index date."""
    found = SmallStudy(enrolments=[enrolment(index_date)], **study).query(
        f"select {', '.join(columns)} from covariates where person_id = 'p1'"
    )
    assert len(found) == 1
    return found[0]


def period_counts(column: str, *, index_date: str = "2010-07-01", **study: Any) -> tuple[Any, Any]:
    """Value of person p1 in the baseline (1 January to 30 June 2010) and in follow-up (1 July to 31 December)."""
    found = SmallStudy(enrolments=[enrolment(index_date)], **study).query(
        f"select {column} from person_periods where person_id = 'p1' order by period"
    )
    return found[0][0], found[1][0]
