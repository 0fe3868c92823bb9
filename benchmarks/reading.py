"""What reading an extract with all rules costs, against a plain copy of the same file to Parquet.

    python -m benchmarks.reading --rows 1000000 --repeats 5 --write

Made-up hospital episodes of 37 columns, as one file: clean, with dirt in one record of 200, and with NHS numbers. The
plain copy keeps every cell as text. Both run in turn in one process, each with a new connection; the processor's
seconds of all threads count, the clock's are shown. Medians are compared; the file's read before the first is not
counted. Of NHS numbers the hash alone (HMAC-SHA256 of numbers that lie in memory) is timed in the same run, as a part
of the ratio. `--write` keeps the result in benchmarks/results/reading.json.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.saying import say
from pipelines.contracts import source_contract
from pipelines.reading import PseudonymKey, read_extract
from pipelines.reading.pseudonym import hmac_sql

RESULT = Path(__file__).parent / "results" / "reading.json"
MOST = 2.0
CP1252_MARK, CP1252_BYTE = b"\x01", b"\xe9"
CHUNK = 1 << 24
SECRET = PseudonymKey(b"a secret of this benchmark")
EPISODES = (Path(__file__).parent / "episodes.sql").read_text(encoding="utf-8")
KINDS = {
    "clean": {"person": "PSEUDO_HESID", "dirt": False},
    "dirt": {"person": "PSEUDO_HESID", "dirt": True},
    "nhs_numbers": {"person": "NHSNO", "dirt": False},
}


def main() -> int:
    """Print and keep the ratios; 1 if one of them is above the most it may be."""
    wanted = _arguments()
    result = {
        "what": "reading with all rules against a plain copy of the same file to Parquet (text, zstd)",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "polars": pl.__version__,
        "processors": os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0)),
        "rows": wanted.rows,
        "columns": 37,
        "repeats": wanted.repeats,
        "most_allowed": MOST,
        "kinds": {kind: measured(kind, rows=wanted.rows, repeats=wanted.repeats) for kind in wanted.kinds},
    }
    if wanted.write:
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(any(found["processor_ratio"] > MOST for found in result["kinds"].values()))


def measured(kind: str, *, rows: int, repeats: int) -> dict[str, float]:
    """Medians of both ways for one kind of file and their ratios: processor's seconds and the clock's."""
    with tempfile.TemporaryDirectory() as root:
        source = Path(root) / "extracts" / "episodes.csv"
        source.parent.mkdir()
        make_file(source, kind=kind, rows=rows)
        plain, read, is_dirty = [], [], bool(KINDS[kind]["dirt"])
        hashing = [hash_seconds(source) for _ in range(repeats)] if KINDS[kind]["person"] == "NHSNO" else []
        for repeat in range(repeats + 1):
            pair = (seconds(lambda: copy_plainly(source, is_dirty=is_dirty)), seconds(lambda: read_with_rules(source)))
            if repeat:
                plain.append(pair[0])
                read.append(pair[1])
    processor, clock = ([statistics.median(run[i] for run in runs) for runs in (plain, read)] for i in (0, 1))
    ratios = [one[0] / other[0] for one, other in zip(read, plain, strict=True)]
    found = {
        "processor_ratio": processor[1] / processor[0],
        "processor_ratio_lowest": min(ratios),
        "processor_ratio_highest": max(ratios),
        "clock_ratio": clock[1] / clock[0],
    }
    if hashing:
        found["of_which_hash"] = statistics.median(hashing) / processor[0]
    say(
        f"{kind}: plain copy {processor[0]:.2f} s of processor, {clock[0]:.2f} s by the clock; "
        f"reading {processor[1]:.2f} and {clock[1]:.2f}; ratio {found['processor_ratio']:.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) and {found['clock_ratio']:.2f}"
        + (f"; of which the hash {found['of_which_hash']:.2f}" if hashing else "")
    )
    return {name: round(value, 2) for name, value in found.items()}


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of processor (user and system, all threads) and of the clock."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after, ended = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - started


def hash_seconds(source: Path) -> float:
    """Seconds of processor that the keyed hash of the file's NHS numbers takes by itself."""
    inner, outer = SECRET.pads
    with duckdb.connect() as connection:
        connection.execute(f"create table numbers as select NHSNO from read_csv('{source}', all_varchar = true)")
        query = f"select max({hmac_sql('NHSNO')}) from numbers"
        processor, _ = seconds(lambda: connection.execute(query, {"inner": inner, "outer": outer}).fetchall())
    return processor


def copy_plainly(source: Path, *, is_dirty: bool) -> None:
    """The plain copy: one statement, every column, nothing looked at; of a dirty file, what can be read."""
    skipping = ", ignore_errors = true, header = true, delim = ',', quote = '\"'" if is_dirty else ""
    target = source.parents[1] / "plain.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from read_csv('{source}', all_varchar = true{skipping})) "
            f"to '{target}' (format parquet, compression zstd)"
        )
    target.unlink()


def read_with_rules(source: Path) -> None:
    """What a run does with the file: take apart, check, type, refuse, write."""
    lake = source.parents[1] / "lake"
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        (delivery,) = read_extract(
            connection,
            extract="admissions",
            contract=source_contract("hes_apc"),
            folder=source.parent,
            lake=lake,
            data_until=date(2011, 6, 30),
            key=SECRET,
        )
    if delivery.status != "accepted":
        raise SystemExit(f"the file was not read: {delivery.reason}")
    shutil.rmtree(lake)


def make_file(target: Path, *, kind: str, rows: int) -> None:
    """Write made-up episodes; of dirt there is the same in every run."""
    aside = target.parents[1] / "lines.csv"
    with duckdb.connect() as connection:
        connection.execute("create macro draw(seed) as (md5_number_lower(seed::varchar) // 2)::bigint")
        connection.execute(f"create table episodes as {EPISODES}", {"rows": rows, "dirt": KINDS[kind]["dirt"]})
        other = {"PSEUDO_HESID": "NHSNO", "NHSNO": "PSEUDO_HESID"}[str(KINDS[kind]["person"])]
        names = [name for name, *_ in connection.execute("describe episodes").fetchall()]
        kept = [name for name in names if name not in (other, "number", "behind")]
        cells = ", ".join(f'"{name}"' for name in kept)
        connection.execute(
            f"copy (select concat_ws(',', {cells}) || behind as line from episodes order by number) "
            f"to '{aside}' (header false, quote '', delimiter '\x02')"
        )
    with target.open("wb") as file:
        file.write((",".join(kept) + "\n").encode())
        file.writelines(chunk.replace(CP1252_MARK, CP1252_BYTE) for chunk in _chunks(aside))
    aside.unlink()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What reading with all rules costs against a plain copy.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="episodes in the file (1000000)")
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="files to measure (all)")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results/reading.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
