"""Runs killed with SIGKILL: is the published file whole, and does the next run end as if nothing had been?

    python -m benchmarks.kills --kills 100 --write      at random moments of `icp run`
    python -m benchmarks.kills --boundaries --write     at the beginning and at the end of every step

On a demo study in three states, round by round: its first run, a run that reads further deliveries, a run that
computes everything again. After each kill the published file must be what it was before, or already what the run was
to publish. After each round a run must end 0 and publish the tables of an undisturbed study, ledger and outcomes of
rules among them; nothing half-written may lie about, no run may be without an end, and each alert must have been told
once and taken back once. The exit code is 1 if anything was torn, lost or different.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.killed_study import BEFORE_THE_RUN, KINDS, Order, State, Study, make_states, seconds_of

RESULTS = Path(__file__).parent / "results" / "kills.json"
KILLS_A_ROUND = 4
WHILE_STARTING = 0.05
MOST_OF_A_RUN = 0.95
AFTER_THE_RUN, MID_RUN, ENDED = "after the run", "mid-run", "ended"


@dataclass
class Tally:
    """What was killed where, and everything that was not as it should be."""

    moments: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    keep: Callable[[], None] = lambda: None

    @property
    def kills(self) -> int:
        """All of them."""
        return self.moments.total()

    def add(self, state: State, study: Study, phase: str) -> None:
        """Notes a kill and looks at what it left: the published file before the run, or already the run's own."""
        self.moments[phase if phase in (BEFORE_THE_RUN, AFTER_THE_RUN) else MID_RUN] += 1
        self.kinds[state.kind] += 1
        self.phases[phase] += 1
        found = study.contents()
        if found not in (state.before, state.after):
            self.faults.append(f"{state.kind}, killed in {phase}: {found if isinstance(found, str) else 'differs'}")

    def summary(self) -> dict[str, object]:
        """Counts of kills and faults, by what they struck."""
        return {
            "kills": self.kills,
            "mid_run_share": round(self.moments[MID_RUN] / max(self.kills, 1), 3),
            "by_moment": dict(self.moments),
            "by_state_of_the_study": dict(self.kinds),
            "by_step": dict(self.phases.most_common()),
            "faults": self.faults,
        }


def main() -> int:
    """Kill, run to the end, compare; 1 if anything was torn, lost or different."""
    wanted = _arguments()
    tally = Tally()
    if wanted.write:
        tally.keep = lambda: _keep("at_boundaries" if wanted.boundaries else "at_random_moments", tally, wanted)
    with tempfile.TemporaryDirectory() as folder:
        states = make_states(Path(folder), people=wanted.people, say=_say)
        kill = _at_boundaries if wanted.boundaries else _at_random
        study = Study(Path(folder) / "round")
        with study.killed_as_ordered() as order:
            kill(states, Rounds(study, order, tally), wanted)
    _say(json.dumps(tally.summary(), indent=1))
    return int(bool(tally.faults))


@dataclass(frozen=True)
class Rounds:
    """Where copies of the study are killed, the process that runs and kills them, and what came of it."""

    study: Study
    order: Order
    tally: Tally

    @contextmanager
    def round(self, state: State) -> Iterator[None]:
        """A copy of the study in a state; after the kills a run must complete it and leave nothing to be desired."""
        with state.copied_to(self.study):
            yield
            self.order("whole")
            self.tally.faults += [f"{state.kind}, completed: {f}" for f in self.study.faults_at_rest(state.after)]
            # What else the machine does changes: the shortest run counts, so that few kills come after the end.
            state.seconds = min(state.seconds, seconds_of(self.study.runs()[-1]))
        _say(f"{self.tally.kills} kills, {dict(self.tally.moments)}, faults: {self.tally.faults}; {state.kind}")
        self.tally.keep()


def _at_random(states: Mapping[str, State], rounds: Rounds, wanted: argparse.Namespace) -> None:
    rng, tally = np.random.default_rng(wanted.seed), rounds.tally
    for kind in cycle(KINDS):
        state = states[kind]
        with rounds.round(state):
            for _ in range(min(KILLS_A_ROUND, wanted.kills - tally.kills)):
                tally.add(state, rounds.study, _killed_run(rounds.study, rounds.order, state.seconds, rng))
        if tally.kills >= wanted.kills:
            return


def _at_boundaries(states: Mapping[str, State], rounds: Rounds, wanted: argparse.Namespace) -> None:
    number = wanted.first
    for kind in cycle(KINDS):
        with rounds.round(states[kind]):
            for _ in range(wanted.a_round):
                rounds.study.change(f"boundary {number}")
                phase = rounds.order(f"boundary {number}")
                if phase == ENDED:
                    return
                rounds.tally.add(states[kind], rounds.study, phase)
                number += wanted.every


def _killed_run(study: Study, order: Order, seconds: float, rng: np.random.Generator) -> str:
    """Start a run and kill it, mostly at a random moment after its begin; the step that it was in."""
    study.change(f"{rng.random()}")
    known = len(study.runs())
    moment = rng.uniform(0, MOST_OF_A_RUN * seconds)
    answer = order("starting 0.05" if rng.random() < WHILE_STARTING else f"seconds {moment}")
    runs = study.runs()
    if answer == ENDED:
        return AFTER_THE_RUN
    return study.phase(runs[-1].run_id) if len(runs) > known else BEFORE_THE_RUN


def _keep(section: str, tally: Tally, wanted: argparse.Namespace) -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept |= {
        "what": "runs killed with SIGKILL; the published file after each kill, a whole run after each round",
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "polars", "dagster")},
        section: {"pilot_people": wanted.people, "seed": wanted.seed, **tally.summary()},
    }
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill runs and compare what is published.")
    parser.add_argument("--kills", type=int, default=100, help="how many runs are killed at random (100)")
    parser.add_argument("--boundaries", action="store_true", help="kill at the beginning and end of every step instead")
    parser.add_argument("--first", type=int, default=1, help="the first boundary (1)")
    parser.add_argument("--every", type=int, default=1, help="only every n-th boundary (1)")
    parser.add_argument("--a-round", type=int, default=10, help="boundaries between two whole runs (10)")
    parser.add_argument("--seed", type=int, default=1, help="moments of the kills (1)")
    parser.add_argument("--people", type=int, default=50, help="pilot people of the demo study (50)")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
