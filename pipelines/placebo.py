"""What was known of the people compared on their placebo index date, by the models that say it of the true one."""

import polars as pl

from evaluation.matching.gap import CLASS_AT_INDEX, COUNTS_AT_INDEX, RECENT_CLASSES
from pipelines.contracts import contract_by_table
from pipelines.own_schema import DATES_OF_COMPARED, models_named, own_schema
from pipelines.warehouse import Warehouse

SCHEMA = "placebo"
WINDOWS = "look_back_windows"
MODELS = models_named(
    WINDOWS,
    "stays_before_index",
    "use_before_index",
    "diagnoses_before_index",
    "comorbidity_before_index",
    "registers_at_index",
    "covariates",
)
(MONTHS,) = models_named("person_months")
PLACEBO_DATES = "create table index_dates as from placebo_index_dates"
# A window never starts before the look-back: the placebo date has so many months less of it.
CLIPPED = """
with first_days as (
    select
        look_back_windows.index_date,
        cast(date_add(index_date, to_months(cast(12 - look_back_months as integer))) as date) as first_day
    from look_back_windows cross join study_design
)
update look_back_windows set
    start_12_months_date = greatest(start_12_months_date, first_day),
    start_24_months_date = greatest(start_24_months_date, first_day)
from first_days where look_back_windows.index_date = first_days.index_date"""


def tables_read() -> list[str]:
    """The tables that covariates at the placebo date are made of."""
    read = {table for model in MODELS for table in model.depends_on}
    return sorted({*read, "placebo_index_dates", "covariates", "design_people"} - {"index_dates"})


def months_read() -> list[str]:
    """The tables that use after the placebo date is made of."""
    return sorted({*MONTHS.depends_on, "placebo_index_dates", "study_design"})


def placebo_covariates(warehouse: Warehouse) -> pl.DataFrame:
    """Covariates on the day before the placebo index date, one row per person, and use in the gap after it.

    The same SQL models as at the true index date read `placebo_index_dates` in place of `index_dates`: in a schema of
    their own, searched first, which is gone afterwards. What lies between the tested months and the true index date
    (`at_index_...`, see `evaluation.matching.gap`) is what `covariates` holds of the six months before it.
    """
    with own_schema(warehouse, SCHEMA):
        make_covariates(warehouse, PLACEBO_DATES)
        counts = ", ".join(f"known.{name} as {at_index}" for name, at_index in COUNTS_AT_INDEX.items())
        recent = ", ".join(f"'{name}'" for name in RECENT_CLASSES)
        return warehouse.connection.sql(
            f"""select earlier.*, {counts}, case
                    when known.emergency_discharge_class in ({recent}) then known.emergency_discharge_class
                    when known.emergency_discharge_class is not null then 'none'
                end as {CLASS_AT_INDEX},
                from covariates as earlier inner join main.covariates as known using (person_id)
                order by person_id"""
        ).pl()


def covariates_as_at_placebo(warehouse: Warehouse) -> pl.DataFrame:
    """Covariates of the people compared on the day before their true index date, looking back no further than at the
    placebo date: what a model that was fitted on those can be asked of.
    """
    with own_schema(warehouse, SCHEMA):
        make_covariates(warehouse, DATES_OF_COMPARED)
        return warehouse.connection.sql("from covariates order by person_id").pl()


def placebo_use(warehouse: Warehouse) -> pl.DataFrame:
    """Use and cost of the people compared in the months after their placebo index date."""
    with own_schema(warehouse, SCHEMA):
        return use_after(warehouse)


def use_after(warehouse: Warehouse) -> pl.DataFrame:
    """Rows of `placebo_use_sql`, before outcomes too: months are counted anew from what lies before the index date.

    Within a schema of its own.
    """
    warehouse.connection.execute(f"create view {MONTHS.name} as {MONTHS.sql}")
    return warehouse.connection.sql(f"{placebo_use_sql()} order by person_id").pl()


def make_covariates(warehouse: Warehouse, dates: str) -> None:
    """The table `covariates` of the index dates that a query makes, looking back no further than at placebo dates.

    Within a schema of its own.
    """
    warehouse.connection.execute(dates)
    for model in MODELS:
        warehouse.connection.execute(f"create table {model.name} as {model.sql}")
        if model.name == WINDOWS:
            warehouse.connection.execute(CLIPPED)


def placebo_use_sql() -> str:
    """Use and cost of each of the people compared in the months after their placebo index date, as a query.

    As many months as follow-up has, at most the six from month -12 to -7 before the index date: what led people to
    join came after them. The sum of the person's months, null where any of them is.
    """
    metrics = [column for column in contract_by_table("person_periods").columns if "metric_domain" in column.options]
    sums = ", ".join(_sum(column.name, column.sql_type) for column in metrics if column.name != "died")
    return f"""select person_months.person_id, cast(sum(person_days) as bigint) as person_days, {sums}
        from person_months
        inner join placebo_index_dates on person_months.person_id = placebo_index_dates.person_id
        cross join study_design
        where month_from_index >= -12 and month_from_index < -12 + least(follow_up_months, 6)
        group by person_months.person_id"""


def _sum(name: str, sql_type: str) -> str:
    """Money as decimals: a sum of floating-point numbers would depend on the order of the rows."""
    total = f"sum(cast({name} as decimal(18, 4)))" if sql_type == "DOUBLE" else f"sum({name})"
    return f"case when count({name}) = count(*) then cast({total} as {sql_type}) end as {name}"
