"""Weights for comparison people who enrol later, by hand: days, use and deaths count for those who had enrolled."""

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.censoring import FEWEST_ENROLMENTS, reweighted_for_enrolment
from evaluation.estimation.compared import ComparedPeople
from evaluation.regression import NotEstimableError

PEOPLE, DAYS = 200, 10


def people(n: int = PEOPLE) -> ComparedPeople:
    return ComparedPeople(
        person_id=pl.Series([f"c{number:03d}" for number in range(n)] + ["pilot"]),
        is_treated=np.array([False] * n + [True]),
        weights=np.ones(n + 1),
        covariates=np.zeros((n + 1, 0)),
    )


def follow_up(days: list[int], **columns: list) -> pl.DataFrame:
    """The pilot person last, observed for all days."""
    given = {"emergency_admissions": [0] * (len(days) + 1), "died": [False] * (len(days) + 1)} | columns
    return pl.DataFrame({"person_id": people(len(days)).person_id, "person_days": [*days, DAYS], **given})


def by_day(*rows: tuple[str, int, int], **more: list) -> pl.DataFrame:
    schema = ["person_id", "day_from_index", "emergency_admissions"]
    frame = pl.DataFrame(
        list(rows), schema=dict(zip(schema, (pl.String, pl.Int64, pl.Int64), strict=True)), orient="row"
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in more.items()})


def enrolled(number: int) -> pl.Series:
    return pl.Series([f"c{one:03d}" for one in range(number)], dtype=pl.String)


# 100 of 200 enrol after five days, the others are followed for ten: 100 enrolments in 1,500 days, 1/15 a day.
HALF = [5] * 100 + [10] * 100
HAZARD = 100 / 1500


def test_a_day_counts_for_those_who_had_enrolled_before_it():
    counted = reweighted_for_enrolment(people(), follow_up=follow_up(HALF), by_day=by_day(), enrolled=enrolled(100))
    days = dict(counted.counts.select("person_id", "person_days").iter_rows())
    assert days["c000"] == pytest.approx(sum(np.exp(HAZARD * day) for day in range(5)))
    assert days["c199"] == pytest.approx(sum(np.exp(HAZARD * day) for day in range(10)))
    assert counted.largest_weight == pytest.approx(np.exp(9 * HAZARD))


def test_use_counts_with_the_weight_of_its_day_and_a_death_with_that_of_the_last():
    died = [False] * 199 + [True, False]
    use = by_day(("c150", 0, 0), ("c150", 4, 0), outpatient_attendances=[1, 2])
    given = follow_up(HALF, died=died, outpatient_attendances=[0] * 150 + [3] + [0] * 50)
    counts = reweighted_for_enrolment(people(), follow_up=given, by_day=use, enrolled=enrolled(100)).counts
    found = {row["person_id"]: row for row in counts.iter_rows(named=True)}
    assert found["c150"]["outpatient_attendances"] == pytest.approx(1 + 2 * np.exp(4 * HAZARD))
    assert found["c151"]["outpatient_attendances"] == 0
    assert found["c199"]["died"] == pytest.approx(np.exp(9 * HAZARD))
    assert found["c198"]["died"] == 0


def test_pilot_people_count_as_they_are():
    given = follow_up(HALF, emergency_admissions=[0] * 200 + [3])
    counts = reweighted_for_enrolment(people(), follow_up=given, by_day=by_day(), enrolled=enrolled(100)).counts
    assert counts.filter(person_id="pilot").row(0) == ("pilot", 10.0, 3.0, 0.0)


def test_what_is_not_known_of_somebody_stays_unknown():
    given = follow_up(HALF, outpatient_attendances=[None] + [0] * 200)
    use = by_day(("c001", 1, 0), outpatient_attendances=[0])
    counts = reweighted_for_enrolment(people(), follow_up=given, by_day=use, enrolled=enrolled(100)).counts
    assert counts.filter(person_id="c000")["outpatient_attendances"].item() is None
    assert counts.filter(person_id="c001")["outpatient_attendances"].item() == 0


def test_an_admission_raises_the_hazard_from_its_day_on():
    # Of 100 people admitted on day 2, all enrol after day 4; of 100 others nobody does.
    use = by_day(*((f"c{number:03d}", 2, 1) for number in range(100)))
    given = follow_up(HALF, emergency_admissions=[1] * 100 + [0] * 101)
    counts = reweighted_for_enrolment(people(), follow_up=given, by_day=use, enrolled=enrolled(100)).counts
    days = dict(counts.select("person_id", "person_days").iter_rows())
    # Days 2, 3 and 4 of the hundred carry all enrolments: a third a day; nobody else's days grow.
    assert days["c000"] == pytest.approx(2 + 1 + np.exp(1 / 3) + np.exp(2 / 3), rel=1e-3)
    assert days["c199"] == pytest.approx(10, rel=1e-3)


def test_too_few_who_enrol_say_nothing_of_the_others():
    few = FEWEST_ENROLMENTS - 1
    days = [5] * few + [10] * (PEOPLE - few)
    with pytest.raises(NotEstimableError, match="too few comparison people enrol later"):
        reweighted_for_enrolment(people(), follow_up=follow_up(days), by_day=by_day(), enrolled=enrolled(few))


def test_without_admissions_nobody_knows_what_leads_people_to_enrol():
    given = follow_up(HALF, emergency_admissions=[None] * 201)
    with pytest.raises(NotEstimableError, match="not known of everyone"):
        reweighted_for_enrolment(people(), follow_up=given, by_day=by_day(), enrolled=enrolled(100))


def test_the_order_of_rows_changes_nothing():
    use = by_day(*((f"c{number:03d}", day, 1) for number in range(0, 200, 3) for day in (1, 4)))
    totals = [2 * (number % 3 == 0) for number in range(200)] + [0]
    given = follow_up(HALF, emergency_admissions=totals)
    there = reweighted_for_enrolment(people(), follow_up=given, by_day=use, enrolled=enrolled(100)).counts
    back = reweighted_for_enrolment(
        people(), follow_up=given.reverse(), by_day=use.reverse(), enrolled=enrolled(100).reverse()
    ).counts
    assert there.sort("person_id").equals(back.sort("person_id"))
