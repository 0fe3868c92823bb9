"""What is wrong with a study now: quality rules, the engine that evaluates them, refused files, runs."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from pipelines.alerts.quality_problems import NO_LONGER_CHECKED, standings
from pipelines.alerts.wording import plain

DIED = "died"
KIND_AND_PLACE = re.compile(r"[A-Za-z][A-Za-z_.]{0,60}( in [a-z][a-z0-9_.]{0,80}(, line \d{1,5})?)?")
RUN_ADVICE = "What to do: see the run's page or the terminal for its last step, put right what stopped it, run again."


@dataclass(frozen=True)
class Problem:
    """One thing that somebody should look at; `problem_id` stays the same for as long as it lasts.

    `kind` is quality, late, engine, delivery or run; `severity` warning or error. `title` and `body` are plain
    text without a row's value, an identifier or a count of 1 to 7.
    """

    problem_id: str
    kind: str
    title: str
    body: str
    severity: str


def problems_of(quality: pl.DataFrame, deliveries: pl.DataFrame, *, run_failure: str | None) -> tuple[Problem, ...]:
    """All problems that stand now, errors first.

    `quality`: the history, one row per run and rule, oldest run first; a rule stands where it was last evaluated,
    so a run that did not evaluate it changes nothing. `deliveries`: one row per file as of this run, empty if the
    run did not get that far. `run_failure`: None, DIED, or kind and place such as `OSError in admission_records`.
    """
    found = [
        *(Problem(**standing.problem) for standing in standings(quality) if standing.is_failing),
        *_refused(deliveries),
        *_run_problems(run_failure),
    ]
    return tuple(sorted(found, key=lambda problem: problem.severity != "error"))


def clearing_of(
    quality: pl.DataFrame, deliveries: pl.DataFrame, *, run_failure: str | None
) -> Callable[[str], str | None]:
    """Says of a problem that no longer stands why it is over, or None where this run could not know.

    Arguments as in `problems_of`. What was not looked at is never over: a rule that was not evaluated, a delivery
    when the run did not read, a failed run before another one ended as it should.
    """
    judged = dict(standing.clearing for standing in standings(quality))

    def reason(problem_id: str) -> str | None:
        if problem_id.startswith("delivery:"):
            return "The file is no longer refused, or has been taken away." if deliveries.height else None
        if problem_id.startswith("run:"):
            return "A run has since ended without a fault." if run_failure is None else None
        was_withdrawn = problem_id not in judged and f"engine:{problem_id.split(':')[1]}" in judged
        return NO_LONGER_CHECKED if was_withdrawn else judged.get(problem_id)

    return reason


def _refused(deliveries: pl.DataFrame) -> list[Problem]:
    if deliveries.is_empty():
        return []
    refused = deliveries.filter(pl.col("status") == "refused").sort("extract", "file_name")
    return [_refused_delivery(row) for row in refused.iter_rows(named=True)]


def _refused_delivery(row: dict[str, str | None]) -> Problem:
    extract, file_name = plain(row["extract"] or ""), plain(row["file_name"] or "")
    return Problem(
        problem_id=f"delivery:{extract}:{row['delivery_id']}:refused",
        kind="delivery",
        title=f"File refused: {extract}/{file_name}",
        body="\n".join(
            [
                f"Where: extracts/{extract}/{file_name}",
                f"What: {plain(row.get('refusal_reason') or 'it cannot be read by its contract', longest=600)}",
                "Nothing new is published while the file lies there; the published file stays as it was.",
                "What to do: ask the supplier for a corrected file, or take this one out of the folder;"
                " `icp check` says what a run would find.",
            ]
        ),
        severity="error",
    )


def _run_problems(run_failure: str | None) -> list[Problem]:
    if run_failure is None:
        return []
    if run_failure == DIED:
        title, what = (
            "A run died",
            "The process ended before the run did: killed, or out of memory.",
        )
    else:
        shown = plain(run_failure) if KIND_AND_PLACE.fullmatch(run_failure) else "an unexpected fault"
        title, what = "A run failed", f"The run ended with a fault that is not about the data: {shown}."
    stays = "Nothing new was published; the published file stays as it was."
    identity = "run:died" if run_failure == DIED else "run:failed"
    return [Problem(identity, "run", title, "\n".join([f"What: {what}", stays, RUN_ADVICE]), "error")]
