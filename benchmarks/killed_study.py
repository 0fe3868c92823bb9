"""A demo study in the states in which its runs are killed, and what must hold once a run has ended well."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.after_kills import Contents, left_behind, published_contents, wrong_alerts
from pipelines.dagster_home import dagster_instance
from pipelines.run_log import Run, read_runs

CHECKOUT = Path(__file__).parent.parent
ICP = (sys.executable, "-m", "pipelines.cli")
FIRST, FURTHER, AGAIN = KINDS = ("first run", "further deliveries", "everything again")
LAST_PERIOD = "*_2011-04_to_2011-06.*"
BEFORE_THE_RUN, BETWEEN_STEPS = "before the run", "between steps"
STEPS = ("STEP_START", "STEP_SUCCESS")
Order = Callable[[str], str]


@dataclass(frozen=True)
class Study:
    """A study's folder, with its alerts going to a file beside it."""

    root: Path

    @property
    def output(self) -> Path:
        """The run's output."""
        return self.root / "output"

    @property
    def told(self) -> Path:
        """The file that alerts go to: the same for all copies of a study, as it is for one study in life."""
        return self.root.parent / "told.txt"

    def change(self, text: str) -> None:
        """Writes a file that no table shows and that makes everything new to a run."""
        (self.root / "remarks.csv").write_text(f"remark\n{text}\n", encoding="utf-8")

    @contextmanager
    def killed_as_ordered(self) -> Iterator[Order]:
        """A process that runs the study and kills its runs as ordered; see `benchmarks.kill_at`."""
        process = subprocess.Popen(
            (sys.executable, "-m", "benchmarks.kill_at", str(self.root)),
            cwd=CHECKOUT, env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

        def order(line: str) -> str:
            answer = ""
            if process.stdin and process.stdout:
                process.stdin.write(f"{line}\n")
                process.stdin.flush()
                answer = process.stdout.readline().strip()
            if not answer:
                raise SystemExit("the process that runs the study has ended")
            return answer

        try:
            yield order
        finally:
            process.communicate()

    def complete(self) -> Contents:
        """An undisturbed run; the tables that it published."""
        with self.killed_as_ordered() as order:
            order("whole")
        found = published_contents(self.output)
        if found is None:
            raise SystemExit("an undisturbed run published nothing")
        return found

    def runs(self) -> tuple[Run, ...]:
        """The log of runs."""
        return read_runs(self.output)

    def contents(self) -> Contents | str | None:
        """The published tables, None where there are none, a word where the file is torn."""
        try:
            return published_contents(self.output)
        except duckdb.Error as fault:
            return f"torn: {type(fault).__name__}"

    def faults_at_rest(self, expected: Contents) -> list[str]:
        """What is not as it should be when a run has ended well."""
        found = self.contents()
        return [
            *differences(found, expected),
            *(f"left behind: {name}" for name in left_behind(self.output)),
            *(f"alert: {title}" for title in wrong_alerts(self.output, self.told)),
        ]

    def phase(self, run_id: str) -> str:
        """The step that a run was in when it was killed."""
        with dagster_instance(self.output) as instance:
            events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event]
        steps = [event for event in events if event.event_type_value in STEPS]
        if not steps:
            return "before the first step"
        return str(steps[-1].step_key) if steps[-1].event_type_value == "STEP_START" else BETWEEN_STEPS

    def environment(self) -> dict[str, str]:
        """That of this process, with the project's own code and the study's own alerts."""
        return {**os.environ, "PYTHONPATH": str(CHECKOUT), "ICP_ALERT_URLS": f"file://{self.told}"}


@dataclass
class State:
    """A study before a run that is to be killed: what was published and told before, and what the run is to publish."""

    kind: str
    study: Study
    before: Contents | None
    after: Contents
    told: str
    seconds: float

    @contextmanager
    def copied_to(self, target: Study) -> Iterator[None]:
        """A copy to kill runs of, gone afterwards."""
        shutil.copytree(self.study.root, target.root, symlinks=True)
        target.told.write_text(self.told, encoding="utf-8")
        try:
            yield
        finally:
            shutil.rmtree(target.root)


def differences(found: Contents | str | None, expected: Contents) -> list[str]:
    """The published tables that are not what they should be."""
    if found is None or isinstance(found, str):
        return [found or "nothing is published"]
    tables = sorted(found.keys() | expected.keys())
    return [f"{table} differs" for table in tables if found.get(table) != expected.get(table)]


def seconds_of(run: Run) -> float:
    """From a run's begin to its end, as the log has them."""
    return (run.ended_at - run.started_at).total_seconds() if run.ended_at else float("inf")


def make_states(folder: Path, *, people: int, say: Callable[[str], None]) -> dict[str, State]:
    """Writes the demo study and runs it undisturbed: without its last period, then with it, then once more."""
    first, further, again = (Study(folder / name) for name in ("first", "further", "again"))
    subprocess.run((*ICP, "demo", str(first.root), "--people", str(people), "--no-dirt"), cwd=CHECKOUT, check=True,
                   capture_output=True)  # fmt: skip
    held_back = {path: folder / path.name for path in first.root.glob(f"extracts/*/{LAST_PERIOD}")}
    for path, aside in held_back.items():
        path.rename(aside)
    shutil.copytree(first.root, again.root)
    small = again.complete()
    told = again.told.read_text(encoding="utf-8") if again.told.exists() else ""
    shutil.copytree(again.root, further.root, symlinks=True)
    for path, aside in held_back.items():
        aside.rename(further.root / path.relative_to(first.root))
    undisturbed = Study(folder / "undisturbed")
    with State(FURTHER, further, small, small, told, 0).copied_to(undisturbed):
        large, seconds = undisturbed.complete(), seconds_of(undisturbed.runs()[-1])
    states = {
        FIRST: State(FIRST, first, None, small, "", seconds_of(again.runs()[-1])),
        FURTHER: State(FURTHER, further, small, large, told, seconds),
        AGAIN: State(AGAIN, again, small, small, told, seconds),
    }
    say(f"undisturbed: {len(large)} tables, {', '.join(f'{s.kind} {s.seconds:.0f} s' for s in states.values())}")
    return states
