"""Every run of a study, one line each in `output/runs.jsonl`: the source of the published table `runs`."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.study import Study
from pipelines.study_files import files_hash


class Run(BaseModel):
    """One run; times are UTC. `inputs` is a fingerprint of everything that the run read, code included.

    `arrivals` is the key of the files that lay in the extracts' folders when it began; both are blank for a run
    of a part. `is_blocked` says that a data-quality rule stopped it, so that the same files would stop it again.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    started_at: datetime
    ended_at: datetime | None
    status: str
    protocol_hash: str
    code_version: str
    engine: str
    seed: int
    study: str
    is_synthetic: bool
    data_until: date
    look_back_months: int
    baseline_months: int
    follow_up_months: int
    continuous_rule: str
    inputs: str
    arrivals: str = ""
    is_blocked: bool = False
    study_files_hash: str = ""


COLUMNS = {
    "run_id": pl.String,
    "started_at": pl.Datetime("us"),
    "ended_at": pl.Datetime("us"),
    "status": pl.String,
    "protocol_hash": pl.String,
    "code_version": pl.String,
    "engine": pl.String,
    "seed": pl.Int64,
    "study": pl.String,
    "is_synthetic": pl.Boolean,
    "data_until": pl.Date,
    "look_back_months": pl.Int64,
    "baseline_months": pl.Int64,
    "follow_up_months": pl.Int64,
    "continuous_rule": pl.String,
    "study_files_hash": pl.String,
}


def begin_run(study: Study, *, run_id: str, now: datetime, code_version: str, inputs: str) -> Run:
    """A run of the study that has just started."""
    protocol = study.protocol
    return Run(
        run_id=run_id,
        started_at=now,
        ended_at=None,
        status="running",
        protocol_hash=study.protocol_hash,
        code_version=code_version,
        engine="duckdb",
        seed=protocol.comparison.seed,
        study=protocol.study,
        is_synthetic=protocol.synthetic,
        data_until=protocol.periods.data_until,
        look_back_months=protocol.periods.look_back_months,
        baseline_months=protocol.periods.baseline_months,
        follow_up_months=protocol.periods.follow_up_months,
        continuous_rule=protocol.spells.continuous_rule,
        inputs=inputs,
        study_files_hash=files_hash(study),
    )


def utc_now() -> datetime:
    """The present time in UTC, without zone, as the log keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def append_run(output: Path, run: Run) -> None:
    """Adds a line; a later line of the same run replaces the earlier one when the log is read.

    A line that was cut short, by a kill or a full disk, is ended first, so that it does not swallow this one.
    """
    output.mkdir(parents=True, exist_ok=True)
    with (output / "runs.jsonl").open("ab+") as log:
        log.seek(max(log.seek(0, os.SEEK_END) - 1, 0))
        is_cut = log.read(1) not in (b"", b"\n")
        log.write((b"\n" if is_cut else b"") + run.model_dump_json().encode() + b"\n")


def read_runs(output: Path) -> tuple[Run, ...]:
    """All runs, oldest first; a line that a crash cut short is left out."""
    return tuple({run.run_id: run for run in _lines(output)}.values())


def published_looks(output: Path) -> tuple[date, ...]:
    """The days until which data were analysed by the runs that published, in their order; a run of a part does not.

    A run that left files for the next one has lost its `inputs` by its end, but began with them.
    """
    whole = {run.run_id for run in _lines(output) if run.inputs}
    return tuple(run.data_until for run in read_runs(output) if run.status == "succeeded" and run.run_id in whole)


def orphaned_runs(output: Path) -> tuple[Run, ...]:
    """The runs that the log has as running: while nobody holds the study, their processes are gone."""
    return tuple(run for run in read_runs(output) if run.status == "running")


def has_taken(run: Run) -> bool:
    """Whether the files that lay there when a run began need no other run: it used them, does so, or was blocked."""
    return run.status != "failed" or run.is_blocked


def runs_frame(runs: tuple[Run, ...]) -> pl.DataFrame:
    """One row per run, the columns of the published table `runs`."""
    return pl.DataFrame([run.model_dump(include=set(COLUMNS)) for run in runs], schema=COLUMNS)


def _lines(output: Path) -> tuple[Run, ...]:
    path = output / "runs.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return tuple(run for run in map(_parse, lines) if run is not None)


def _parse(line: str) -> Run | None:
    try:
        return Run.model_validate_json(line)
    except ValidationError:
        return None
