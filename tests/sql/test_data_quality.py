"""Counts become a status by the limits of today; the engine's faults and empty tables are neither pass nor fail."""

import pytest

from tests.sql.small_study import SmallStudy

RULE = {"contract_id": "hes_apc", "table_name": "lake_admissions", "rule_id": "not_null", "column_name": "sex"}


def outcome(evaluated, failed, *, threshold=0.05, is_engine_fault=False):
    study = SmallStudy(
        data_quality_counts=[
            {**RULE, "run_id": "r1", "evaluated_rows": evaluated, "failed_rows": failed,
             "is_engine_fault": is_engine_fault},
        ],
        data_quality_limits=[{**RULE, "severity": "warning", "dimension": "completeness", "threshold": threshold}],
    )  # fmt: skip
    return study.value("select status from data_quality")


@pytest.mark.parametrize(
    ("evaluated", "failed", "threshold", "status"),
    [
        (100, 0, 0.0, "pass"),
        (100, 1, 0.0, "fail"),
        (100, 5, 0.05, "pass"),
        (100, 6, 0.05, "fail"),
        (100, 29, 0.29, "pass"),
        (1_000_000, 290_001, 0.29, "fail"),
        (0, 0, 0.0, "not_evaluated"),
    ],
)
def test_a_rule_fails_where_the_failed_share_is_above_the_threshold(evaluated, failed, threshold, status):
    assert outcome(evaluated, failed, threshold=threshold) == status


def test_an_engine_fault_is_an_error_whatever_the_threshold():
    assert outcome(None, None, is_engine_fault=True) == "error"
    assert outcome(None, None, threshold=1.0, is_engine_fault=True) == "error"


def test_todays_limits_judge_the_runs_of_yesterday_and_rules_without_a_limit_are_left_out():
    counts = {"evaluated_rows": 100, "failed_rows": 3, "is_engine_fault": False}
    study = SmallStudy(
        data_quality_counts=[
            {**RULE, **counts, "run_id": "r1"},
            {**RULE, **counts, "run_id": "r2", "failed_rows": 4},
            {**RULE, **counts, "run_id": "r2", "rule_id": "gone"},
        ],
        data_quality_limits=[{**RULE, "severity": "error", "dimension": "completeness", "threshold": 0.03}],
    )
    found = study.query("select run_id, severity, threshold, status from data_quality order by run_id")
    assert found == [("r1", "error", 0.03, "pass"), ("r2", "error", 0.03, "fail")]
