"""Counts of every run stay, and what a check says of them is masked."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts import contract_by_table
from pipelines.quality.checks import RuleCheck, engine_faults, verdict
from pipelines.quality.history import COUNTED, OUTCOMES, add_counts, keep_outcomes, limits_frame, read_quality
from pipelines.quality.suites import NotNull, Rule
from pipelines.quality.validation import COUNTS

RULE = Rule("hes_apc", "lake_admissions", "not_null", "sex", NotNull("sex"), "error", 0.05)
COLUMNS = [column.name for column in contract_by_table("data_quality").columns]
FIRST, SECOND = datetime(2026, 1, 1), datetime(2026, 1, 2)  # noqa: DTZ001


def counts(evaluated, failed):
    row = ("hes_apc", "lake_admissions", "not_null", "sex", evaluated, failed, evaluated is None)
    return pl.DataFrame([row], schema=COUNTS, orient="row")


def outcomes(*rows):
    """Outcomes of one run: column, severity, evaluated, failed, status."""
    fixed = {"run_id": "r1", "contract_id": "hes_apc", "table_name": "lake_admissions", "rule_id": "not_null"}
    named = ("column_name", "severity", "evaluated_rows", "failed_rows", "status")
    fixed |= {"dimension": "completeness", "threshold": 0.05}
    return pl.DataFrame([{**fixed, **dict(zip(named, row, strict=True))} for row in rows])


def test_there_is_no_quality_before_the_first_run(tmp_path):
    found = read_quality(tmp_path)
    assert found.is_empty()
    assert found.columns == [*COLUMNS, "started_at"]


def test_counts_of_all_runs_stay_and_a_run_that_counts_again_stands_once(tmp_path):
    add_counts(tmp_path, counts(100, 9), run_id="r2", started_at=SECOND)
    add_counts(tmp_path, counts(50, 1), run_id="r1", started_at=FIRST)
    found = add_counts(tmp_path, counts(100, 4), run_id="r2", started_at=SECOND)
    assert found.select("run_id", "evaluated_rows", "failed_rows").rows() == [("r1", 50, 1), ("r2", 100, 4)]
    assert pl.read_parquet(tmp_path / "quality" / COUNTED).equals(found)


def test_outcomes_are_read_as_they_were_kept_oldest_run_first(tmp_path):
    counted = add_counts(tmp_path, counts(100, 9), run_id="r2", started_at=SECOND)
    counted = add_counts(tmp_path, counts(100, 0), run_id="r1", started_at=FIRST)
    judged = pl.concat([outcomes(("sex", "error", 100, 9, "fail")).with_columns(run_id=pl.lit("r2")),
                        outcomes(("sex", "error", 100, 0, "pass"))])  # fmt: skip
    keep_outcomes(tmp_path, judged, counted)
    found = read_quality(tmp_path)
    assert found.select("run_id", "status", "started_at").rows() == [("r1", "pass", FIRST), ("r2", "fail", SECOND)]
    assert found.columns == [*COLUMNS, "started_at"]


def test_a_history_that_cannot_be_read_is_as_none(tmp_path):
    path = Path(tmp_path / "quality" / OUTCOMES)
    path.parent.mkdir()
    path.write_bytes(b"torn")
    assert read_quality(tmp_path).is_empty()


def test_limits_carry_the_dimension_of_their_rule():
    assert limits_frame([RULE]).rows() == [
        ("hes_apc", "lake_admissions", "not_null", "sex", "error", "completeness", 0.05)
    ]


CHECK = RuleCheck("hes_apc", "not_null", blocks=True)


@pytest.mark.parametrize(
    ("severity", "status", "passed", "is_error"),
    [
        ("error", "pass", True, False),
        ("error", "not_evaluated", True, False),
        ("error", "fail", False, True),
        ("warning", "fail", False, False),
        ("error", "error", False, False),
    ],
)
def test_a_check_fails_on_failed_data_and_stops_a_run_only_where_the_contract_says_error(
    severity, status, passed, is_error
):
    found = verdict(CHECK, outcomes(("sex", severity, 100, 9, status)))
    assert (found.passed, found.is_error) == (passed, is_error)


def test_a_check_says_where_and_how_much_with_small_counts_masked():
    found = verdict(CHECK, outcomes(("sex", "error", 20, 3, "fail"), ("age", "warning", 2000, 200, "fail")))
    assert found.description == (
        "hes_apc: lake_admissions.sex: not_null fails: 1 to 7 of 20, share below 40.0%, at most 5.0% allowed; "
        "hes_apc: lake_admissions.age: not_null fails: 200 of 2000, share 10.0%, at most 5.0% allowed"
    )
    assert found.metadata == {"columns: fail": "2"}


def test_an_engine_fault_is_told_apart_and_stops_a_run_unless_the_data_do():
    fault, failure = ("sex", "error", None, None, "error"), ("age", "error", 100, 9, "fail")
    assert verdict(CHECK, outcomes(fault)).description == "hes_apc: lake_admissions.sex: not_null: the engine failed"
    assert engine_faults(outcomes(fault)) == ["hes_apc: lake_admissions.sex: not_null: the engine failed"]
    assert engine_faults(outcomes(fault, failure)) == []
    assert engine_faults(outcomes(("sex", "warning", None, None, "error"))) == []
