"""Looking before a run: every delivery against its contract, read into a folder that is gone afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import duckdb

from pipelines.lake import READ_AGAIN, SET_ASIDE, known_contents, read_deliveries
from pipelines.masking import masked_count
from pipelines.metrics import check_outcomes
from pipelines.reading import Delivery, period_text
from pipelines.study import Study
from pipelines.text_tables import text_table
from pipelines.trial_folder import trial_folder

HEADER = ("extract", "file", "period", "what a run would do", "records", "quarantined")
SUPERSEDED = "superseded by a later delivery"
WORDS = {
    "superseded": SUPERSEDED,
    "duplicate_file": "nothing: the same file again",
    "refused": "REFUSED",
    "growing": "left for the next run: still growing",
}


@dataclass(frozen=True)
class CheckReport:
    """What a run would find: a text to read, and the exit code it would end with for refused files."""

    text: str
    exit_code: int


def check_study(study: Study, *, say: Callable[[str], None]) -> CheckReport:
    """Reads every delivery by its contract without keeping anything; StudyError for a protocol that cannot run."""
    check_outcomes(study)
    with trial_folder() as folder, duckdb.connect() as connection:
        trial = replace(study, output=folder)
        deliveries = read_deliveries(trial, connection, say=say)
    refused = [delivery for delivery in deliveries if delivery.status == "refused"]
    lines = [text_table(HEADER, [_row(study, delivery) for delivery in deliveries])]
    lines += [f"{d.extract}/{d.file_name} was refused: {d.reason}" for d in refused]
    lines += [f"{d.extract}/{d.file_name}: {d.reason}" for d in deliveries if d.status in SET_ASIDE]
    lines += [
        f"{d.extract}/{d.file_name}: {len(d.ignored_columns)} columns that the contract does not name are ignored"
        for d in deliveries
        if d.ignored_columns
    ]
    missing = [name for name in study.protocol.extracts if name not in {d.extract for d in deliveries}]
    lines += [f"extracts/{name}: no delivery yet" for name in missing]
    lines.append("a run would stop: a file is refused" if refused else "nothing here would stop a run")
    return CheckReport(text="\n".join(lines), exit_code=3 if refused else 0)


def _row(study: Study, delivery: Delivery) -> tuple[str, ...]:
    return (
        delivery.extract,
        delivery.file_name,
        period_text(delivery.period) if delivery.period else "",
        WORDS.get(delivery.status) or _new_or_known(study, delivery),
        masked_count(delivery.rows_read),
        masked_count(delivery.rows_quarantined),
    )


def _new_or_known(study: Study, delivery: Delivery) -> str:
    known = known_contents(study.lake / delivery.extract).get(delivery.sha256, set())
    if delivery.delivery_id in known:
        return "use it: read before"
    return READ_AGAIN if known else "read it: new"
