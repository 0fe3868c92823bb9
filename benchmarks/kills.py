"""Runs killed with SIGKILL at random moments: is the published file whole, and does the next run end as if nothing was?

    python -m benchmarks.kills --kills 100 --seed 1

On a demo study: one undisturbed run, then kills, each in a run that has everything to compute again. After each
kill the published file must open and hold the undisturbed tables; after every third a run must end 0 and publish
them again. Prints one line a round; the exit code is 1 if anything was torn, lost or different.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

ICP = str(Path(sys.executable).with_name("icp"))
KILLS_A_ROUND = 3
# These tables tell of runs: they differ from run to run as they should.
OF_RUNS = ("runs", "data_quality", "data_quality_counts")
TABLES = """
select table_name, string_agg('"' || column_name || '"', ', ' order by column_index)
from duckdb_columns() where schema_name = 'main' and not internal and column_name <> 'run_id' group by table_name
"""


def main() -> int:
    """Kill and compare; 1 if a table differed once."""
    wanted = _arguments()
    rng = np.random.default_rng(wanted.seed)
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        _icp("demo", str(study), "--people", str(wanted.people), "--no-dirt")
        started = time.perf_counter()
        _icp("run", str(study))
        length = time.perf_counter() - started
        undisturbed = contents(study)
        _say(f"undisturbed run: {length:.0f} s, {len(undisturbed)} tables compared")
        faults, killed, at_end = 0, 0, 0
        while killed < wanted.kills:
            for _ in range(min(KILLS_A_ROUND, wanted.kills - killed)):
                moment = float(rng.uniform(0.2, length))
                at_end += not _killed_run(study, moment, attempt=killed)
                killed += 1
                faults += contents(study) != undisturbed
            _change(study, f"after {killed}")
            _icp("run", str(study))
            faults += contents(study) != undisturbed
            _say(f"{killed} kills, {at_end} of them after the run's end, {faults} faults")
    return int(faults > 0)


def contents(study: Path) -> dict[str, tuple[int, int]]:
    """Rows and a checksum of each published table, whatever the order of its rows."""
    found = {}
    with duckdb.connect(str(study / "output/published/evaluation.duckdb"), read_only=True) as connection:
        for table, columns in connection.execute(TABLES).fetchall():
            if table not in OF_RUNS:
                sql = f'select count(*), coalesce(sum(hash({columns})), 0) from "{table}"'
                found[table] = connection.execute(sql).fetchall()[0]
    return found


def _killed_run(study: Path, moment: float, *, attempt: int) -> bool:
    """Start a run and kill it after some seconds; whether it was still at work."""
    _change(study, f"before kill {attempt}")
    process = subprocess.Popen([ICP, "run", str(study)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _change(study: Path, text: str) -> None:
    """A file that no table shows and that makes everything new to a run."""
    (study / "remarks.csv").write_text(f"remark\n{text}\n", encoding="utf-8")


def _icp(*arguments: str) -> None:
    done = subprocess.run([ICP, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"icp {arguments[0]} ended {done.returncode}\n{done.stderr}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill runs at random moments and compare what is published.")
    parser.add_argument("--kills", type=int, default=100, help="how many runs are killed (100)")
    parser.add_argument("--seed", type=int, default=1, help="moments of the kills (1)")
    parser.add_argument("--people", type=int, default=50, help="pilot people of the demo study (50)")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
