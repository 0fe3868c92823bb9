"""What was known of the people compared on their placebo index date, by the models that say it of the true one."""

import polars as pl

from evaluation.matching.gap import CLASS_AT_INDEX, COUNTS_AT_INDEX, RECENT_CLASSES
from pipelines.own_schema import models_named, own_schema
from pipelines.warehouse import Warehouse

SCHEMA = "placebo"
WINDOWS = "look_back_windows"
MODELS = models_named(
    WINDOWS,
    "stays_before_index",
    "use_before_index",
    "diagnoses_before_index",
    "comorbidity_before_index",
    "covariates",
)
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


def placebo_covariates(warehouse: Warehouse) -> pl.DataFrame:
    """Covariates on the day before the placebo index date, one row per person, and use in the gap after it.

    The same SQL models as at the true index date read `placebo_index_dates` in place of `index_dates`: in a schema of
    their own, searched first, which is gone afterwards. What lies between the tested months and the true index date
    (`at_index_...`, see `evaluation.matching.gap`) is what `covariates` holds of the six months before it.
    """
    with own_schema(warehouse, SCHEMA):
        warehouse.connection.execute("create table index_dates as from main.placebo_index_dates")
        for model in MODELS:
            warehouse.connection.execute(f"create table {model.name} as {model.sql}")
            if model.name == WINDOWS:
                warehouse.connection.execute(CLIPPED)
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
