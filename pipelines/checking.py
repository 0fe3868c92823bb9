"""Looking before a run: every delivery against its contract and its rules, in a folder that is gone afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from evaluation.matching.earlier_cohort import NOBODY_EARLIER
from pipelines.errors import DataQualityError
from pipelines.lake import READ_AGAIN, SET_ASIDE, fill_lake, known_contents
from pipelines.masking import masked_count, masked_part
from pipelines.metrics import check_outcomes
from pipelines.predictive_risk import no_score_for_pairs
from pipelines.protocol import EARLIER_COHORT_MONTHS
from pipelines.quality.before_run import outcomes_before_run, rules_of_the_run
from pipelines.quality.checks import EngineFaultError, Verdict, engine_faults, rule_checks, verdict
from pipelines.reading import Delivery, period_text
from pipelines.risk_columns import pairs_by_risk
from pipelines.study import Study
from pipelines.text_tables import text_table
from pipelines.trial_folder import trial_folder
from pipelines.warehouse import Warehouse

HEADER = ("extract", "file", "period", "what a run would do", "records", "quarantined")
SUPERSEDED = "superseded by a later delivery"
WORDS = {
    "superseded": SUPERSEDED,
    "duplicate_file": "nothing: the same file again",
    "refused": "REFUSED",
    "growing": "left for the next run: still growing",
}
REFUSED = "a file is refused"
REACHES_BACK = f"""
    select coalesce(bool_or(month <= last_date - interval {EARLIER_COHORT_MONTHS} month), max(last_date) is null)
    from extract_coverage cross join (select max(index_date) as last_date from lake_enrolments)
    where extract = 'admissions'"""
RULE_FAILS = "a rule of severity error fails"


@dataclass(frozen=True)
class CheckReport:
    """What a run would find: a text to read, and the exit code that it would end with for files and rules."""

    text: str
    exit_code: int


def check_study(study: Study, *, say: Callable[[str], None]) -> CheckReport:
    """Reads every delivery by its contract, asks its rules and keeps nothing.

    Raises StudyError for a protocol that cannot run, EngineFaultError where the engine failed on a rule that may
    stop a run.
    """
    check_outcomes(study)
    with trial_folder() as folder:
        trial = replace(study, output=folder)
        with Warehouse(trial.output / "check.duckdb") as warehouse:
            lake = fill_lake(trial, warehouse.connection, say=say)
            outcomes = outcomes_before_run(trial, warehouse, lake.tables)
            _check_earlier_cohort(study, warehouse)
    if faults := engine_faults(outcomes):
        raise EngineFaultError(*faults)
    failed = _failed_rules(outcomes)
    stops = [REFUSED] if any(delivery.status == "refused" for delivery in lake.deliveries) else []
    stops += [RULE_FAILS] if any(rule.is_error for rule in failed) else []
    lines = [*_delivery_lines(study, lake.deliveries), *_rule_lines(failed), *_ending_lines(study, stops)]
    return CheckReport(text="\n".join(lines), exit_code=DataQualityError.exit_code if stops else 0)


def _check_earlier_cohort(study: Study, warehouse: Warehouse) -> None:
    """StudyError where pairs are to be found by a score, and admissions of no index date reach back far enough."""
    if pairs_by_risk(study.protocol) and warehouse.connection.sql(REACHES_BACK).fetchone() == (False,):
        raise no_score_for_pairs(NOBODY_EARLIER)


def _failed_rules(outcomes: pl.DataFrame) -> list[Verdict]:
    """Errors first."""
    found = [verdict(check, outcomes) for check in rule_checks()]
    return sorted((one for one in found if not one.passed), key=lambda one: not one.is_error)


def _delivery_lines(study: Study, deliveries: tuple[Delivery, ...]) -> Iterator[str]:
    yield text_table(HEADER, [_row(study, delivery) for delivery in deliveries])
    for delivery in deliveries:
        if delivery.status == "refused":
            yield f"{delivery.extract}/{delivery.file_name} was refused: {delivery.reason}"
    for delivery in deliveries:
        if delivery.status in SET_ASIDE:
            yield f"{delivery.extract}/{delivery.file_name}: {delivery.reason}"
    for delivery in deliveries:
        if delivery.ignored_columns:
            ignored = f"{len(delivery.ignored_columns)} columns that the contract does not name are ignored"
            yield f"{delivery.extract}/{delivery.file_name}: {ignored}"
    for name in study.protocol.extracts:
        if name not in {delivery.extract for delivery in deliveries}:
            yield f"extracts/{name}: no delivery yet"


def _rule_lines(failed: list[Verdict]) -> Iterator[str]:
    for rule in failed:
        yield f"{'ERROR' if rule.is_error else 'warning'}: {rule.description}"


def _ending_lines(study: Study, stops: list[str]) -> Iterator[str]:
    yield f"a run would stop: {' and '.join(stops)}" if stops else "nothing found here would stop a run"
    yield f"evaluated in a run only, on the joined tables: {', '.join(rules_of_the_run(study))}"


def _row(study: Study, delivery: Delivery) -> tuple[str, ...]:
    return (
        delivery.extract,
        delivery.file_name,
        period_text(delivery.period) if delivery.period else "",
        WORDS.get(delivery.status) or _new_or_known(study, delivery),
        masked_count(delivery.rows_read),
        masked_part(delivery.rows_quarantined, delivery.rows_read),
    )


def _new_or_known(study: Study, delivery: Delivery) -> str:
    known = known_contents(study.lake / delivery.extract).get(delivery.sha256, set())
    if delivery.delivery_id in known:
        return "use it: read before"
    return READ_AGAIN if known else "read it: new"
