"""Which problems stand at the end of a run, what they say, and what counts as over."""

import polars as pl
import pytest

from pipelines.alerts import DIED, problems_of
from pipelines.alerts.problems import clearing_of
from pipelines.alerts.wording import amount, plain
from tests.alert_channels import NO_DELIVERIES, SEX_IS_MISSING, SEX_IS_THERE, history

SEX = "quality:hes_apc:not_null:SEX"
REFUSED = pl.DataFrame(
    {
        "extract": ["admissions"],
        "file_name": ["admissions_2010-01_to_2010-12.csv"],
        "delivery_id": ["0123456789abcdef"],
        "status": ["refused"],
        "refusal_reason": ["column_missing: EPISTART; expected: all required columns; do: ask for them"],
    }
)


def only_problem(quality: pl.DataFrame, deliveries: pl.DataFrame = NO_DELIVERIES, run_failure: str | None = None):
    problems = problems_of(quality, deliveries, run_failure=run_failure)
    assert len(problems) == 1
    return problems[0]


def why_over(problem_id: str, quality: pl.DataFrame, deliveries=NO_DELIVERIES, run_failure: str | None = None):
    return clearing_of(quality, deliveries, run_failure=run_failure)(problem_id)


def test_a_failed_rule_says_what_where_how_much_and_what_to_do():
    problem = only_problem(history([SEX_IS_THERE], [SEX_IS_MISSING]))
    assert (problem.problem_id, problem.kind, problem.severity) == (SEX, "quality", "error")
    assert problem.title == "hes_apc SEX: rule not met: Values are there"
    assert problem.body.splitlines()[:4] == [
        "Rule: not_null (error)",
        "Where: hes_apc, table lake_admissions, column SEX",
        "How much: 120 of 1000 rows (12.0%); allowed: 5%",
        "Last values, oldest first: 2.0%; 12.0%",
    ]
    assert "What to do: Ask the supplier" in problem.body


def test_the_last_twelve_values_are_shown_and_only_evaluated_ones():
    not_evaluated = {**SEX_IS_MISSING, "status": "not_evaluated", "evaluated_rows": 0, "failed_rows": 0}
    rising = [[{**SEX_IS_MISSING, "failed_rows": 10 * number}] for number in range(6, 20)]
    line = only_problem(history(*rising, [not_evaluated])).body.splitlines()[3]
    assert line == "Last values, oldest first: " + "; ".join(f"{number}.0%" for number in range(8, 20))


def test_small_counts_of_bad_and_of_good_rows_are_masked():
    few_bad = only_problem(history([{**SEX_IS_MISSING, "failed_rows": 3, "threshold": 0.0}]))
    assert "How much: 1 to 7 of 1000 rows (below 0.8%); allowed: 0%" in few_bad.body
    few_good = only_problem(history([{**SEX_IS_MISSING, "failed_rows": 997}]))
    assert "How much: all but 1 to 7 of 1000 rows (above 99.2%)" in few_good.body
    few_rows = only_problem(history([{**SEX_IS_MISSING, "evaluated_rows": 6, "failed_rows": 2}]))
    assert "How much: 1 to 7 of 1 to 7 rows (too few rows for a share)" in few_rows.body


@pytest.mark.parametrize(
    ("failed", "evaluated", "shown"),
    [(0, 1000, "0 of 1000 rows (0.0%)"), (1000, 1000, "1000 of 1000 rows (100.0%)"), (0, 0, "0 of 0 rows")],
)
def test_amounts_that_give_nothing_away_are_shown_as_they_are(failed: int, evaluated: int, shown: str):
    assert amount(failed, evaluated).startswith(shown)


def test_a_rule_that_passes_again_is_over():
    quality = history([SEX_IS_MISSING], [SEX_IS_THERE])
    assert problems_of(quality, NO_DELIVERIES, run_failure=None) == ()
    assert why_over(SEX, quality) == "The rule passes again."


@pytest.mark.parametrize("status", ["not_evaluated", "error"])
def test_a_rule_that_was_not_evaluated_stands_as_before(status: str):
    blind = {**SEX_IS_MISSING, "status": status, "evaluated_rows": None, "failed_rows": None}
    quality = history([SEX_IS_MISSING], [blind])
    assert SEX in {problem.problem_id for problem in problems_of(quality, NO_DELIVERIES, run_failure=None)}
    assert why_over(SEX, quality) is None


def test_a_run_without_any_quality_rows_changes_nothing():
    quality = history([SEX_IS_MISSING], [])
    assert only_problem(quality).problem_id == SEX
    assert why_over(SEX, pl.DataFrame()) is None


def test_a_rule_that_was_taken_out_of_the_contract_is_over():
    other = {**SEX_IS_THERE, "column_name": "EPISTART"}
    quality = history([SEX_IS_MISSING, other], [other])
    assert problems_of(quality, NO_DELIVERIES, run_failure=None) == ()
    assert why_over(SEX, quality) == "The rule is no longer checked."


def test_a_rule_whose_history_went_with_it_is_over_and_one_that_is_only_not_evaluated_is_not():
    blind = {**SEX_IS_MISSING, "status": "not_evaluated", "evaluated_rows": 0, "failed_rows": 0}
    assert why_over(SEX, history([{**SEX_IS_THERE, "column_name": "EPISTART"}])) == "The rule is no longer checked."
    assert why_over(SEX, history([blind])) is None
    assert why_over(SEX, history([{**SEX_IS_THERE, "contract_id": "hes_op"}])) is None


def test_an_engine_fault_is_one_problem_of_its_own_kind_however_many_rules_it_took():
    faults = [
        {**SEX_IS_MISSING, "rule_id": rule, "status": "error", "evaluated_rows": None, "failed_rows": None}
        for rule in ("not_null", "valid_codes")
    ]
    problem = only_problem(history(faults))
    assert (problem.problem_id, problem.kind, problem.severity) == ("engine:hes_apc", "engine", "error")
    assert "Rules: not_null, valid_codes" in problem.body
    assert why_over("engine:hes_apc", history(faults, [SEX_IS_THERE])) == "The rules were evaluated again."
    assert why_over("engine:hes_apc", history(faults, [])) is None


def test_a_late_extract_is_a_kind_of_its_own_and_a_rule_about_a_table_names_no_column():
    late = {**SEX_IS_MISSING, "rule_id": "extract_fresh", "column_name": "*", "severity": "warning"}
    problem = only_problem(history([late]))
    assert (problem.problem_id, problem.kind) == ("quality:hes_apc:extract_fresh:table", "late")
    assert "column" not in problem.body.splitlines()[1]


def test_two_surveys_under_one_contract_are_two_problems():
    surveys = [
        {**SEX_IS_MISSING, "contract_id": "survey", "table_name": f"lake_{name}"} for name in ("patients", "staff")
    ]
    ids = [problem.problem_id for problem in problems_of(history(surveys), NO_DELIVERIES, run_failure=None)]
    assert ids == ["quality:patients:not_null:SEX", "quality:staff:not_null:SEX"]


def test_errors_come_before_warnings():
    warning = {**SEX_IS_MISSING, "column_name": "AAA", "severity": "warning"}
    severities = [
        p.severity for p in problems_of(history([warning, SEX_IS_MISSING]), NO_DELIVERIES, run_failure="died")
    ]
    assert severities == ["error", "error", "warning"]


def test_a_refused_file_is_named_with_its_reason():
    problem = only_problem(history(), REFUSED)
    assert problem.problem_id == "delivery:admissions:0123456789abcdef:refused"
    assert problem.title == "File refused: admissions/admissions_2010-01_to_2010-12.csv"
    assert "What: column_missing: EPISTART" in problem.body


def test_a_refused_file_is_over_only_when_a_run_has_read_deliveries():
    problem_id = "delivery:admissions:0123456789abcdef:refused"
    assert why_over(problem_id, history()) is None
    accepted = REFUSED.with_columns(status=pl.lit("accepted"))
    assert why_over(problem_id, history(), accepted) is not None


def test_a_failed_run_and_a_run_that_died_are_told_apart():
    failed = only_problem(history(), run_failure="OSError in admission_records")
    died = only_problem(history(), run_failure=DIED)
    assert (failed.problem_id, died.problem_id) == ("run:failed", "run:died")
    assert "OSError in admission_records" in failed.body


@pytest.mark.parametrize("fault", ["KeyError in results.py, line 42", "interrupted", "OSError in lake__admissions"])
def test_kind_and_place_of_a_fault_are_shown(fault: str):
    assert f"not about the data: {fault}." in only_problem(history(), run_failure=fault).body


@pytest.mark.parametrize(
    "fault", ["could not convert 9434765919", "KeyError: 'Smith'", "KeyError in x9434765919", "died of\nSmith"]
)
def test_a_fault_whose_text_could_hold_a_value_is_not_shown(fault: str):
    body = only_problem(history(), run_failure=fault).body
    assert "9434765919" not in body
    assert "Smith" not in body


def test_a_failed_run_is_over_only_when_one_has_ended_without_a_fault():
    assert why_over("run:failed", history(), run_failure="died") is None
    assert why_over("run:died", history()) is not None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("two\nlines\tand <!channel>", "two lines and (!channel)"),
        ("patient_9434765919.csv", "patient_#########.csv"),
        ("admissions_20100401.csv", "admissions_20100401.csv"),
        ("x" * 200, "x" * 117 + "..."),
    ],
)
def test_foreign_names_become_one_short_line_without_markup_or_long_numbers(written: str, shown: str):
    assert plain(written) == shown
