"""Checks in Dagster: what blocks, what warns, and that a fault of the engine is no failure of the data."""

import dagster as dg
import duckdb
import pytest

from assets.quality import data_quality_history, quality_rules
from pipelines.quality.checks import EngineFaultError
from pipelines.warehouse import Warehouse

COLUMNS = (
    "run_id varchar, contract_id varchar, table_name varchar, rule_id varchar, column_name varchar, "
    "severity varchar, dimension varchar, evaluated_rows bigint, failed_rows bigint, threshold double, status varchar"
)
RUN = "11111111-1111-4111-8111-111111111111"
JOB = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(quality_rules))


def checked(folder, *outcomes):
    """Runs the checks over outcomes (rule, severity, evaluated, failed, status) of admissions; evaluations by name."""
    with duckdb.connect(folder / "w.duckdb") as connection:
        connection.execute(f"create table data_quality ({COLUMNS})")
        for rule_id, *outcome in outcomes:
            fixed = [RUN, "hes_apc", "lake_admissions", rule_id, "sex", outcome[0], "completeness"]
            counted = [*outcome[1:3], 0.05, outcome[3]]
            connection.execute(f"insert into data_quality values ({', '.join('?' * 11)})", [*fixed, *counted])
    with Warehouse(folder / "w.duckdb") as warehouse:
        job = dg.Definitions(
            assets=[data_quality_history], asset_checks=[quality_rules], jobs=[JOB],
            resources={"warehouse": warehouse, "study": object()}, executor=dg.in_process_executor,
        ).resolve_job_def("checks")  # fmt: skip
        result = job.execute_in_process(run_id=RUN, raise_on_error=False)
    return result, {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def test_a_failed_error_rule_blocks_and_a_failed_warning_does_not(tmp_path):
    result, found = checked(
        tmp_path, ("not_null", "error", 100, 9, "fail"), ("delivery_volume", "warning", 100, 9, "fail")
    )
    assert not result.success
    blocked, warned = found["hes_apc__not_null"], found["hes_apc__delivery_volume"]
    assert (blocked.passed, blocked.blocking, blocked.severity) == (False, True, dg.AssetCheckSeverity.ERROR)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found["hes_apc__valid_codes"].passed


def test_a_warning_lets_the_run_go_on(tmp_path):
    result, found = checked(tmp_path, ("not_null", "warning", 100, 9, "fail"))
    assert result.success
    assert not found["hes_apc__not_null"].passed


def test_what_a_check_says_does_not_tell_how_few_rows_were_good(tmp_path):
    _, found = checked(tmp_path, ("not_null", "warning", 120, 118, "fail"))
    assert found["hes_apc__not_null"].description == (
        "hes_apc: lake_admissions.sex: not_null fails: all but 1 to 7 of 120, share above 93.3%, at most 5.0% allowed"
    )


@pytest.mark.parametrize(("severity", "is_stopped"), [("error", True), ("warning", False)])
def test_an_engine_fault_is_told_as_one_and_stops_the_run_only_in_an_error_rule(tmp_path, severity, is_stopped):
    result, found = checked(tmp_path, ("not_null", severity, None, None, "error"))
    assert found["hes_apc__not_null"].description == "hes_apc: lake_admissions.sex: not_null: the engine failed"
    assert found["hes_apc__not_null"].severity == dg.AssetCheckSeverity.WARN
    assert result.success is not is_stopped
    failures = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    assert [failure.cause.cls_name for failure in failures] == [EngineFaultError.__name__] * is_stopped
