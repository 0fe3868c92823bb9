"""Use of the people compared up to each follow-up horizon, by the models that count it up to the primary one."""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from evaluation.estimation import Horizon
from pipelines.comparison import use_of_compared
from pipelines.own_schema import DATES_OF_COMPARED, models_named, own_schema
from pipelines.protocol import USUAL_HORIZONS, Periods
from pipelines.warehouse import Warehouse

SCHEMA = "horizons"
POPULATIONS = ("all_sites", "case_management", "model", "site")
ACTIVITY = models_named("index_months", "index_days", "activity_by_month")
PERIODS = models_named("index_months", "use_by_period")


def tables_read() -> list[str]:
    """The tables that use up to a horizon is made of."""
    read = {table for model in (*ACTIVITY, *PERIODS) for table in model.depends_on}
    made = {model.name for model in (*ACTIVITY, *PERIODS)}
    return sorted({*read, "design_people", "person_periods"} - made)


def horizons_of(periods: Periods, index_dates: pl.Series) -> tuple[int, ...]:
    """All lengths of follow-up in months, shortest first; `follow_up_months`, the primary one, is always among them.

    Those that the protocol names; where it names none (an empty list names none beside the primary one), the usual
    ones that the data hold the whole of for at least one of `index_dates`, the pilot people's. The calendar alone has
    a say.

    By hand: first index date 1 July 2010, data until 31 December 2010, follow-up of 6 months: 3 and 6.
    """
    named = periods.horizons_months
    if named is None:
        named = tuple(months for months in USUAL_HORIZONS if _is_reached(months, periods, index_dates))
    return tuple(sorted({*named, periods.follow_up_months}))


def _is_reached(months: int, periods: Periods, index_dates: pl.Series) -> bool:
    return bool((index_dates.dt.offset_by(f"{months}mo") <= periods.data_until + timedelta(days=1)).any())


def follow_up_to_horizons(warehouse: Warehouse, periods: Periods) -> tuple[Horizon, ...]:
    """Each horizon, shortest first: what was counted up to it, and whether anybody reached it."""
    starts = warehouse.read("design_people").filter("is_treated")["index_date"]
    horizons = horizons_of(periods, starts)
    others = [months for months in horizons if months != periods.follow_up_months]
    counts = {periods.follow_up_months: use_of_compared(warehouse, "person_periods", period="follow_up")}
    counts |= counts_to_months(warehouse, others)
    return tuple(
        Horizon(
            months=months,
            is_primary=months == periods.follow_up_months,
            is_reached=_is_reached(months, periods, starts),
            follow_up=counts[months],
        )
        for months in horizons
    )


def counts_to_months(warehouse: Warehouse, horizons: list[int]) -> Mapping[int, pl.DataFrame]:
    """`person_id`, `person_days` and counts of the people compared in as many months from the index date on.

    The same SQL models as for the primary follow-up, told of another one, in a schema of their own.
    """
    if not horizons:
        return {}
    with own_schema(warehouse, SCHEMA):
        execute = warehouse.connection.execute
        execute(DATES_OF_COMPARED)
        execute(f"create table study_design as {_design(max(horizons))}")
        for model in ACTIVITY:
            execute(f"create table {model.name} as {model.sql}")
        return {months: _counts(warehouse, months) for months in horizons}


def _counts(warehouse: Warehouse, months: int) -> pl.DataFrame:
    warehouse.connection.execute(f"create or replace table study_design as {_design(months)}")
    for model in PERIODS:
        warehouse.connection.execute(f"create or replace table {model.name} as {model.sql}")
    return warehouse.connection.sql(
        "select * exclude (is_pilot, site_id, index_date, period) from use_by_period where period = 'follow_up'"
    ).pl()


def _design(months: int) -> str:
    return f"select * replace (cast({months} as bigint) as follow_up_months) from main.study_design"
