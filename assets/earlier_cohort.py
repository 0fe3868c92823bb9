"""The people compared a year earlier, when nobody was treated: what was known of them, and what they used then."""

import dagster as dg

from pipelines import placebo
from pipelines.faults import guarded
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "matching", "kinds": {"duckdb"}}


@dg.asset(deps=placebo.tables_read(), **ASSET)
@guarded
def placebo_covariates(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """What was known of the people compared the day before their placebo index date, and of the gap after it."""
    found = placebo.placebo_covariates(warehouse)
    return dg.MaterializeResult(metadata=written(warehouse, "placebo_covariates", found))


@dg.asset(deps=placebo.months_read(), **ASSET)
@guarded
def placebo_use(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """Use and cost of the people compared in the months after their placebo index date, all before the true one."""
    found = placebo.placebo_use(warehouse)
    return dg.MaterializeResult(metadata=written(warehouse, "placebo_use", found))


@dg.asset(deps=placebo.tables_read(), **ASSET)
@guarded
def covariates_as_at_placebo(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """What was known of the people compared the day before their index date, in windows as at the placebo date."""
    found = placebo.covariates_as_at_placebo(warehouse)
    return dg.MaterializeResult(metadata=written(warehouse, "covariates_as_at_placebo", found))
