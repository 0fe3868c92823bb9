"""People a year earlier, when nobody was treated: what was known of them, what they used then, what it foretells."""

import dagster as dg

from pipelines import placebo, predictive_risk
from pipelines.faults import guarded
from pipelines.freezing import frozen_design
from pipelines.parameters import DESIGN_STAGE
from pipelines.study import Study
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


@dg.asset(deps=predictive_risk.tables_read(), **ASSET)
@guarded
def predictive_risks(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """The rate of each count outcome that an earlier cohort of the pool foretells; empty unless the protocol asks."""
    is_new = context.run.job_name == DESIGN_STAGE or frozen_design(study) is None
    found = predictive_risk.predictive_risks(warehouse, study.protocol, for_new_pairs=is_new)
    return dg.MaterializeResult(metadata=written(warehouse, "predictive_risks", found))
