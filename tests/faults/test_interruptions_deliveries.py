"""Deliveries that are replaced while a run reads them: noticed, left for the next run, and read whole then."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from benchmarks.after_kills import left_behind, published_contents
from pipelines.run import run_study
from pipelines.study import load_study
from tests.tiny_study import FILES, write_tiny_study

HEADER = FILES["admissions/admissions_2010-01_to_2010-12.csv"].splitlines()[0]
EPISODE = "{key},{person},{month}-03,{month}-04,1,3,{month}-03,{month}-04,21,19,1,19,1,RXX\n"
LEDGER = """
select file_name, status, rows_read, rows_accepted from deliveries where file_name like 'admissions_2011%' order by all
"""
READING = "reading admissions/"


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


def delivery(month: str, *keys: int) -> str:
    return f"{HEADER}\n" + "".join(EPISODE.format(key=key, person="ABC"[key % 3], month=month) for key in keys)


def replaced_by_a_longer_one(path: Path) -> None:
    aside = path.with_name(".aside")
    aside.write_text(delivery("2011-01", 71, 81), encoding="utf-8")
    aside.replace(path)


def replaced_by_one_of_the_same_size_and_time(path: Path) -> None:
    aside = path.with_name(".aside")
    aside.write_text(delivery("2011-02", 72), encoding="utf-8")
    shutil.copystat(path, aside)
    aside.replace(path)


def overwritten_in_the_same_size_and_time(path: Path) -> None:
    state = path.stat()
    path.write_text(delivery("2011-03", 73), encoding="utf-8")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


DISTURBED: Mapping[str, Callable[[Path], None]] = {
    "admissions_2011-01.csv": replaced_by_a_longer_one,
    "admissions_2011-02.csv": replaced_by_one_of_the_same_size_and_time,
    "admissions_2011-03.csv": overwritten_in_the_same_size_and_time,
}


class Disturbing:
    """Changes each delivery when the run begins to read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: list[str] = []

    def __call__(self, line: str) -> None:
        name = line.removeprefix(READING)
        if line.startswith(READING) and name in DISTURBED:
            DISTURBED[name](self.folder / name)
            self.done.append(name)


def ledger(folder: Path) -> list[tuple[str, str, int, int]]:
    with duckdb.connect(folder / "output" / "published" / "evaluation.duckdb", read_only=True) as connection:
        return connection.execute(LEDGER).fetchall()


def test_a_delivery_replaced_under_the_reader_is_left_for_the_next_run_and_then_read_whole(tmp_path):
    deliveries = {f"admissions/{name}": delivery(name[11:18], 60 + place) for place, name in enumerate(DISTURBED, 1)}
    folder = write_tiny_study(tmp_path / "study", files=deliveries)
    disturbing = Disturbing(folder / "extracts" / "admissions")
    run_study(load_study(folder), say=disturbing)
    assert disturbing.done == list(DISTURBED)
    assert ledger(folder) == [(name, "growing", 0, 0) for name in DISTURBED]
    assert run_study(load_study(folder), say=in_silence).is_new
    assert ledger(folder) == [(name, "accepted", rows, rows) for name, rows in zip(DISTURBED, (2, 1, 1), strict=True)]
    assert not run_study(load_study(folder), say=in_silence).is_new
    undisturbed = Path(shutil.copytree(folder, tmp_path / "undisturbed", ignore=shutil.ignore_patterns("output")))
    run_study(load_study(undisturbed), say=in_silence)
    assert published_contents(folder / "output") == published_contents(undisturbed / "output")
    assert left_behind(folder / "output") == []
