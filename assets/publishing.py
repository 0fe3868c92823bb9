"""The last step: the analysts' file, written aside, checked against its contracts, published in one move."""

import dagster as dg

from assets.areas import PUBLISHED as PUBLISHED_AREAS
from assets.effects import ACROSS_SITES, effect_statements, subgroup_interactions
from assets.estimates import comparison_with_published, estimates_by_horizon, metric_estimates, survey_estimates
from assets.ledger import deliveries
from assets.matching import PUBLISHED as PUBLISHED_DESIGN
from assets.over_time import OVER_TIME
from assets.quality import data_quality_counts, data_quality_history, data_quality_limits
from assets.sensitivity import robustness, sensitivity_estimates
from pipelines.code_lists import code_lists_frame, load_code_lists
from pipelines.contracts import published_contracts
from pipelines.faults import guarded
from pipelines.publishing import publish
from pipelines.run_log import read_runs, runs_frame
from pipelines.study import Study
from pipelines.table_metadata import rows_by_table, written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "published", "kinds": {"duckdb"}}
PYTHON_TABLES = [
    metric_estimates,
    estimates_by_horizon,
    effect_statements,
    subgroup_interactions,
    survey_estimates,
    comparison_with_published,
    sensitivity_estimates,
    robustness,
    deliveries,
    data_quality_counts,
    data_quality_limits,
    data_quality_history,
]
NAMED_TABLES = [
    *ACROSS_SITES,
    *OVER_TIME,
    *PUBLISHED_AREAS,
    *PUBLISHED_DESIGN,
    "activity_by_month",
    "area_months",
    "attrition",
    "continuous_inpatient_spells",
    "continuous_spell_agreement",
    "data_quality",
    "earlier_baselines",
    "emergency_admissions_by_rule",
    "end_of_data",
    "index_months",
    "month_coverage",
    "people",
    "person_months",
    "person_periods",
    "protocol_amendments",
    "provider_month_completeness",
    "quarantine_summary",
    "reach",
    "record_quality",
    "spells",
    "survey_answers",
]


@dg.asset(**ASSET)
@guarded
def code_lists(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult:
    """Name, version, source and verified flag of every code list."""
    return dg.MaterializeResult(metadata=written(warehouse, "code_lists", code_lists_frame(load_code_lists())))


@dg.asset(**ASSET)
@guarded
def runs(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """Every run of the study so far, this one included."""
    return dg.MaterializeResult(metadata=written(warehouse, "runs", runs_frame(read_runs(study.output))))


@dg.asset(deps=[*PYTHON_TABLES, *NAMED_TABLES, code_lists, runs], **ASSET)
@guarded
def published(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """`published/evaluation.duckdb`: every published table, checked; connected readers keep the file they have."""
    contracts = published_contracts()
    publish(warehouse.connection, contracts=contracts, folder=study.published, run_id=context.run.run_id)
    tables = [contract.table for contract in contracts if contract.table != "schema_version"]
    return dg.MaterializeResult(metadata={"tables": len(tables), "rows_by_table": rows_by_table(warehouse, tables)})
