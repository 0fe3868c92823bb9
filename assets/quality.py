"""Data quality: every rule counted inside DuckDB, judged by the contracts' limits, kept, and shown as checks."""

from collections.abc import Iterator

import dagster as dg

from pipelines.faults import guarded
from pipelines.quality.checks import EngineFaultError, RuleCheck, engine_faults, rule_checks, verdict
from pipelines.quality.current import count_current, current_run_frame, source_limits
from pipelines.quality.history import keep_outcomes
from pipelines.quality.suites import LAKE_VIEWS, QUALITY_TABLES
from pipelines.study import Study
from pipelines.table_metadata import frame_metadata, written
from pipelines.warehouse import Warehouse

ASSET = {"group_name": "quality", "kinds": {"duckdb"}}
COUNTED_TABLES = [dg.AssetKey(table) for table in (*LAKE_VIEWS.values(), *QUALITY_TABLES)]
CHECKS = {check.name: check for check in rule_checks()}


@dg.asset(**ASSET)
@guarded
def current_run(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """The run and when it started: the present of rules about lateness, one row."""
    frame = current_run_frame(study.output, run_id=context.run.run_id)
    return dg.MaterializeResult(metadata=written(warehouse, "current_run", frame))


@dg.asset(deps=[*COUNTED_TABLES, "deliveries_read", "delivery_order", current_run], **ASSET)
@guarded
def data_quality_counts(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """Rows that every rule was evaluated on, and rows that broke it, in every run; nothing is judged here."""
    counts = count_current(study, warehouse, run_id=context.run.run_id)
    return dg.MaterializeResult(metadata=written(warehouse, "data_quality_counts", counts))


@dg.asset(**ASSET)
@guarded
def data_quality_limits(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """What each rule is judged by: severity and threshold, as the contracts say today."""
    return dg.MaterializeResult(metadata=written(warehouse, "data_quality_limits", source_limits(study)))


@dg.asset(deps=["data_quality", data_quality_counts], group_name="quality", kinds={"parquet"})
@guarded
def data_quality_history(
    warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
) -> dg.MaterializeResult:
    """`quality/data_quality.parquet`: the outcome of every rule in every run; written before a rule can stop one."""
    kept = keep_outcomes(study.output, warehouse.read("data_quality"), warehouse.read("data_quality_counts"))
    return dg.MaterializeResult(metadata=frame_metadata(kept))


@dg.multi_asset_check(
    name="quality_rules",
    specs=[
        dg.AssetCheckSpec(check.name, asset=data_quality_history, description=check.description, blocking=check.blocks)
        for check in CHECKS.values()
    ],
)
@guarded
def quality_rules(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.AssetCheckResult]:
    """The contracts' rules, one check a contract and rule; what is blocking keeps the run from publishing."""
    outcomes = warehouse.read("data_quality").filter(run_id=context.run.run_id)
    for name, check in CHECKS.items():
        yield _result(name, check, outcomes)
    if faults := engine_faults(outcomes):
        raise EngineFaultError(*faults)


def _result(name: str, check: RuleCheck, outcomes) -> dg.AssetCheckResult:
    found = verdict(check, outcomes)
    return dg.AssetCheckResult(
        check_name=name,
        passed=found.passed,
        severity=dg.AssetCheckSeverity.ERROR if found.is_error else dg.AssetCheckSeverity.WARN,
        description=found.description,
        metadata=found.metadata,
    )
