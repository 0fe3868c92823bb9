"""Comparison people of the demo who enrol later: their use beyond the enrolment, and what the estimates make of it."""

import shutil

import duckdb
import polars as pl
import pytest

from pipelines.comparison import comparison_cohort
from pipelines.later_enrolment import later_enrolment
from pipelines.sensitivity import LOCAL_POOLS
from pipelines.warehouse import Warehouse

KEYS = ("person_id", "person_days")


@pytest.fixture(scope="module")
def warehouse(demo_study, tmp_path_factory):
    copy = tmp_path_factory.mktemp("later_enrolment") / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        yield opened


@pytest.fixture(scope="module")
def cohort(demo_study, warehouse):
    return comparison_cohort(warehouse, demo_study.protocol, pools=LOCAL_POOLS)


@pytest.fixture(scope="module")
def found(warehouse, cohort):
    return later_enrolment(warehouse, cohort)


def test_use_by_day_adds_up_to_the_use_of_the_follow_up(found):
    counted = [name for name in found.by_day.columns if name in found.until.columns and name not in KEYS]
    assert {"emergency_admissions", "outpatient_attendances", "emergency_bed_days", "cost_gbp"} <= set(counted)
    sums = found.by_day.group_by("person_id").agg(pl.col(counted).sum())
    both = found.until.join(sums, on="person_id", how="left", suffix="_by_day")
    for name in counted:
        assert (both[name] - both[f"{name}_by_day"].fill_null(0)).abs().max() == pytest.approx(0, abs=1e-6), name
    assert found.by_day["day_from_index"].min() == 0


def test_only_who_enrolled_within_the_follow_up_is_followed_further(found, warehouse):
    both = found.until.join(found.beyond, on="person_id", suffix="_beyond")
    further = both.filter(pl.col("person_days_beyond") > pl.col("person_days"))
    assert set(further["person_id"]) == set(found.enrolled)
    assert all(person_id.endswith(" before enrolment") for person_id in found.enrolled)
    same = both.filter(pl.col("person_days_beyond") == pl.col("person_days"))
    assert same["emergency_admissions"].equals(same["emergency_admissions_beyond"].rename("emergency_admissions"))


def test_beyond_the_enrolment_a_person_has_what_they_have_as_a_pilot_person_on_the_same_days(found, warehouse):
    """Emergency admissions of the records between the enrolment and the end of the follow-up, counted by hand."""
    warehouse.connection.register("enrolled", found.enrolled.rename("person_id").to_frame())
    later = warehouse.connection.sql(
        """select people.person_id, sum(coalesce(activity_events.emergency_admissions, 0)) as later
        from people
        inner join enrolled on people.person_id = enrolled.person_id
        left join activity_events
            on people.record_person_id = activity_events.person_id
            and activity_events.activity_date >= people.later_enrolment_date
            and activity_events.activity_date < people.index_date + interval 6 month
        group by people.person_id"""
    ).pl()
    both = found.until.join(found.beyond, on="person_id", suffix="_beyond").join(later, on="person_id")
    gained = both["emergency_admissions_beyond"] - both["emergency_admissions"]
    assert gained.cast(pl.Int64).to_list() == both["later"].cast(pl.Int64).to_list()
    assert gained.sum() > 0


def test_without_a_later_enrolment_there_is_nothing_to_follow(warehouse):
    outside = warehouse.read("design_people").filter(~pl.col("person_id").str.ends_with("before enrolment"))
    assert later_enrolment(warehouse, outside) is None


def test_the_estimates_name_both_ways_for_the_local_pool_and_none_for_a_plan_in_which_nobody_enrols(published_demo):
    with duckdb.connect(published_demo, read_only=True) as connection:
        rows = connection.sql(
            """select analysis, variant, count(*) filter (where explanation is null) as unexplained
            from sensitivity_estimates where starts_with(analysis, 'later_enrolled') group by all order by all"""
        ).fetchall()
        flags = connection.sql("select distinct survives_later_enrolment from robustness").fetchall()
    assert rows == [("later_enrolled_reweighted", "local", 0), ("later_enrolled_uncensored", "local", 0)]
    assert flags == [(None,)]
