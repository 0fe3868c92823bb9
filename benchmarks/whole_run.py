"""What a whole run costs, by stage, beside the floor: a plain copy of all its files to Parquet, in the same run.

    python -m benchmarks.whole_run --people 44500 --write

A simulated study (44,500 pilot people: about 2 million episodes and 4 million appointments) without its last month;
then four things, each in a process of its own: the floor (one process, every file, every column as text, to Parquet
with zstd), `icp run`, `icp run` with nothing new, and `icp run` after the last month has come. Seconds by the clock and
of the processor, and the most memory that was resident, as the operating system tells.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl

from benchmarks.saying import say
from pipelines.dagster_home import dagster_instance
from pipelines.definitions import build_definitions
from pipelines.run_log import read_runs
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse

RESULT = Path(__file__).parent / "results" / "whole_run.json"
FLOOR = Path(__file__).parent / "plain_copy.py"
STARTS_IN_SECONDS, TIMES_THE_FLOOR, NOTHING_NEW_SECONDS, MONTH_SHARE, MOST_GIB = 20.0, 6.0, 10.0, 0.25, 4.0
LAST_MONTH = "2011-06"
DATES = {"admissions": "EPIEND", "outpatients": "APPTDATE", "emergency_care": "ARRIVALDATE"}
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """One process: seconds by the clock and of the processor, and the most memory at once in GiB."""

    clock_seconds: float
    processor_seconds: float
    peak_gib: float


@dataclass(frozen=True)
class Stage:
    """One layer of the graph: its seconds by the clock, the most memory meanwhile, and its slowest assets."""

    layer: str
    clock_seconds: float
    peak_gib: float
    slowest: Mapping[str, float]


def main() -> int:
    """Measure, print and keep; 1 if an aim is missed."""
    wanted = _arguments()
    with _folder(wanted.folder) as folder:
        study = _study(folder, people=wanted.people)
        held_back = _hold_back_last_month(study, folder)
        shutil.rmtree(study.output, ignore_errors=True)
        rows = _rows(study)
        floor, _ = measured([sys.executable, str(FLOOR), str(study.root / "extracts"), str(folder / "plain")])
        say(f"floor: {_words(floor)}")
        whole, memory = _run(study)
        stages = stages_of(study, memory)
        say(f"whole run: {_words(whole)}")
        for stage in stages:
            slowest = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stage.slowest.items())
            say(f"  {stage.layer:14} {stage.clock_seconds:6.1f} s, {stage.peak_gib:.1f} GiB ({slowest})")
        nothing, _ = _run(study)
        say(f"nothing new: {_words(nothing)}")
        for source, target in held_back.items():
            shutil.copy2(source, target)
        month, memory = _run(study)
        say(f"one further month: {_words(month)}")
        month_stages = stages_of(study, memory)
    result = _result(rows, floor, whole, nothing, month) | {
        "stages": [asdict(stage) for stage in stages],
        "stages_of_further_month": [asdict(stage) for stage in month_stages],
    }
    say(json.dumps(result["aims"], indent=1))
    if wanted.write:
        RESULT.write_text(json.dumps(_rounded(result), indent=2) + "\n", encoding="utf-8")
    return int(not all(aim["reached"] for aim in result["aims"].values()))


def measured(command: list[str]) -> tuple[Cost, list[tuple[float, float]]]:
    """What a command costs, and its memory over time (seconds since 1970, GiB); SystemExit if it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        samples: list[tuple[float, float]] = []
        watcher = threading.Thread(target=_watch, args=(process.pid, samples))
        watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        clock = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watcher.join()
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{command} ended {process.returncode}\n{errors.read().decode()}")
    return Cost(clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2), samples


def stages_of(study: Study, memory: list[tuple[float, float]]) -> list[Stage]:
    """Where the last run's time went, by layer of the graph in the order in which they ran."""
    layers = _layers(study)
    with dagster_instance(study.output) as instance:
        steps = instance.get_run_step_stats(read_runs(study.output)[-1].run_id)
    known = [(step.start_time, step.end_time, step.step_key) for step in steps if step.start_time and step.end_time]
    found: dict[str, list[tuple[float, float, str]]] = {}
    for step in sorted(known):
        found.setdefault(layers.get(step[2], "checks"), []).append(step)
    return [_stage(layer, of_layer, memory) for layer, of_layer in found.items()]


def _stage(layer: str, steps: list[tuple[float, float, str]], memory: list[tuple[float, float]]) -> Stage:
    seconds = {key: end - start for start, end, key in steps}
    slowest = dict(sorted(seconds.items(), key=lambda item: -item[1])[:4])
    peaks = [gib for at, gib in memory for start, end, _ in steps if start <= at <= end]
    return Stage(layer, sum(seconds.values()), max(peaks, default=0.0), slowest)


def _layers(study: Study) -> dict[str, str]:
    definitions = build_definitions(study=study, warehouse=Warehouse(study.output / "warehouse.duckdb"))
    found = {}
    for asset in definitions.resolve_asset_graph().assets_defs:
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable and asset.keys:
            found[asset.op.name] = asset.group_names_by_key[next(iter(asset.keys))]
    return found


def _watch(pid: int, samples: list[tuple[float, float]]) -> None:
    statm = Path(f"/proc/{pid}/statm")
    page = os.sysconf("SC_PAGE_SIZE") / 1024**3
    while True:
        try:
            samples.append((time.time(), int(statm.read_text().split()[1]) * page))
        except (OSError, IndexError):
            return
        time.sleep(SAMPLE_SECONDS)


def _run(study: Study) -> tuple[Cost, list[tuple[float, float]]]:
    return measured([str(Path(sys.executable).with_name("icp")), "run", str(study.root)])


def _study(folder: Path, *, people: int) -> Study:
    root = folder / "study"
    if not (root / "protocol.yaml").exists():
        say(f"writing the study of {people} pilot people")
        command = [str(Path(sys.executable).with_name("icp")), "demo", str(root), "--people", str(people), "--no-dirt"]
        measured(command)
    return load_study(root)


def _hold_back_last_month(study: Study, folder: Path) -> dict[Path, Path]:
    """Take the last month out of the study's files; where its files lie, and where they are to come."""
    aside = folder / "last_month"
    aside.mkdir(exist_ok=True)
    found = {}
    for extract, column in DATES.items():
        arrived = study.extract_folder(extract)
        late = aside / f"{extract}_{LAST_MONTH}.csv"
        for whole in arrived.glob(f"*_to_{LAST_MONTH}.csv"):
            records = pl.read_csv(whole, infer_schema=False)
            is_last = pl.col(column).str.starts_with(LAST_MONTH)
            records.filter(is_last).write_csv(late)
            records.filter(~is_last).write_csv(arrived / whole.name.replace(f"_to_{LAST_MONTH}", "_to_2011-05"))
            whole.unlink()
        (arrived / late.name).unlink(missing_ok=True)
        found[late] = arrived / late.name
    return found


def _rows(study: Study) -> dict[str, int]:
    return {extract: sum(_lines(path) for path in study.extract_folder(extract).iterdir()) for extract in DATES}


def _lines(path: Path) -> int:
    sources = {".parquet": "read_parquet($path)"}
    source = sources.get(path.suffix, "read_csv($path, all_varchar = true, header = true)")
    found = duckdb.sql(f"select count(*) from {source}", params={"path": str(path)}).fetchone()
    return int(found[0]) if found else 0


def _result(rows: dict[str, int], floor: Cost, whole: Cost, nothing: Cost, month: Cost) -> dict[str, object]:
    start = nothing.clock_seconds
    beyond = whole.clock_seconds - start
    most = TIMES_THE_FLOOR * floor.clock_seconds + STARTS_IN_SECONDS
    share = (month.clock_seconds - start) / beyond
    aims = {
        "whole_run_seconds": _aim(whole.clock_seconds, most),
        "times_the_floor_beyond_start_up": _aim(beyond / floor.clock_seconds, TIMES_THE_FLOOR),
        "peak_gib": _aim(whole.peak_gib, MOST_GIB),
        "nothing_new_seconds": _aim(start, NOTHING_NEW_SECONDS),
        "further_month_share": _aim(share, MONTH_SHARE),
    }
    return {
        "what": "a whole run beside a plain copy of all its files, in one go on one machine",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "processors": len(os.sched_getaffinity(0)),
        "rows": rows,
        "rows_a_second": sum(rows.values()) / whole.clock_seconds,
        "floor": asdict(floor),
        "whole_run": asdict(whole),
        "nothing_new": asdict(nothing),
        "further_month": asdict(month),
        "aims": aims,
    }


def _aim(reached: float, most: float) -> dict[str, float | bool]:
    return {"found": round(reached, 2), "at_most": round(most, 2), "reached": reached <= most}


def _rounded(found: object) -> object:
    if isinstance(found, float):
        return round(found, 2)
    if isinstance(found, Mapping):
        return {key: _rounded(value) for key, value in found.items()}
    return [_rounded(one) for one in found] if isinstance(found, list) else found


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def _words(cost: Cost) -> str:
    return (
        f"{cost.clock_seconds:.1f} s by the clock, {cost.processor_seconds:.1f} s of processor, {cost.peak_gib:.1f} GiB"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a whole run costs, beside a plain copy of its files.")
    parser.add_argument("--people", type=int, default=44_500, help="pilot people (44500)")
    parser.add_argument("--folder", type=Path, help="keep the study here (default: a temporary folder)")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results/whole_run.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
