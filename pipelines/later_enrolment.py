"""Comparison people who enrol later: their use beyond the enrolment, and everyone's use day by day until then."""

from dataclasses import dataclass

import polars as pl

from pipelines.own_schema import models_named, own_schema
from pipelines.warehouse import Warehouse

SCHEMA = "later_enrolment"
PERIODS = models_named("activity_by_month", "use_by_period")
# Followed as if the enrolment were nothing: until death, the end of the registration or of the data.
BEYOND = """create table index_dates as
    select
        index_dates.* replace (
            observed_people.observed_until_date as observed_until_date, observed_people.date_of_death as date_of_death
        )
    from main.index_dates
    inner join compared
    on index_dates.person_id = compared.person_id and index_dates.index_date = compared.index_date
    inner join main.observed_people on index_dates.record_person_id = observed_people.person_id"""
BY_DAY = """select used.* exclude (days_in_hospital) from use_by_day as used
    inner join index_dates on used.person_id = index_dates.person_id
    inner join compared on used.person_id = compared.person_id and index_dates.index_date = compared.index_date
    cross join study_design
    where
        used.day_from_index < date_diff(
            'day', compared.index_date, date_add(compared.index_date, to_months(cast(follow_up_months as integer)))
        )
    order by used.person_id, used.day_from_index"""
FOLLOW_UP = """select used.* exclude (is_pilot, site_id, index_date, period) from {table} as used
    inner join compared on used.person_id = compared.person_id and used.index_date = compared.index_date
    where used.period = 'follow_up' order by used.person_id"""
ENROLLED = """select people.person_id
    from people
    inner join compared on people.person_id = compared.person_id and people.index_date = compared.index_date
    cross join study_design
    where
        not people.is_pilot
        and people.later_enrolment_date = people.observed_until_date
        and people.later_enrolment_date
        < cast(date_add(people.index_date, to_months(cast(follow_up_months as integer))) as date)
    order by people.person_id"""


@dataclass(frozen=True, kw_only=True)
class LaterEnrolment:
    """`enrolled`: comparison people whose follow-up their enrolment ended. `until`: everyone's use in the follow-up
    until then. `beyond`: the same, theirs past the enrolment included. `by_day`: `person_id`, `day_from_index` and use
    of days with any, until then.
    """

    enrolled: pl.Series
    until: pl.DataFrame
    beyond: pl.DataFrame
    by_day: pl.DataFrame


def tables_read() -> list[str]:
    """The tables that use beyond an enrolment is made of."""
    read = {table for model in PERIODS for table in model.depends_on}
    return sorted(
        {*read, "index_dates", "index_days", "index_months", "observed_people", "people", "use_by_day"}
        - {"activity_by_month"}
    )


def later_enrolment(warehouse: Warehouse, compared: pl.DataFrame) -> LaterEnrolment | None:
    """Of the people `compared` (`person_id`, `index_date`), both arms; None where it ends nobody's follow-up.

    Beyond the enrolment the same SQL models count as for the run's own tables, in a schema that is gone afterwards.
    """
    connection = warehouse.connection
    connection.register("compared", compared.select("person_id", "index_date"))
    try:
        enrolled = connection.sql(ENROLLED).pl()["person_id"]
        if enrolled.is_empty():
            return None
        until = connection.sql(FOLLOW_UP.format(table="person_periods")).pl()
        by_day = connection.sql(BY_DAY).pl()
        return LaterEnrolment(enrolled=enrolled, until=until, beyond=_beyond(warehouse), by_day=by_day)
    finally:
        connection.unregister("compared")


def _beyond(warehouse: Warehouse) -> pl.DataFrame:
    with own_schema(warehouse, SCHEMA):
        warehouse.connection.execute(BEYOND)
        for model in PERIODS:
            warehouse.connection.execute(f"create table {model.name} as {model.sql}")
        return warehouse.connection.sql(FOLLOW_UP.format(table="use_by_period")).pl()
