"""Whole runs whose output has no room or cannot be written: a clear message, the right exit code, nothing torn."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.after_kills import left_behind, published_contents
from pipelines.run import run_study
from pipelines.run_log import read_runs
from pipelines.study import load_study
from tests.tiny_study import write_tiny_study

DISK = "size=120m"
MOST_BYTES_A_FILE = 4_000_000
FULL = "the disk or the quota is full"
STAYS = "nothing new was published, the published file stays as it was"


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """A study that ran once, and nothing happened."""
    folder = write_tiny_study(tmp_path_factory.mktemp("undisturbed") / "study")
    run_study(load_study(folder), say=in_silence)
    return folder


@pytest.fixture
def folder(undisturbed, tmp_path) -> Path:
    """The same study, run, with something new in it."""
    folder = Path(shutil.copytree(undisturbed, tmp_path / "study", symlinks=True))
    (folder / "remarks.csv").write_text("remark\nnew\n", encoding="utf-8")
    return folder


@contextmanager
def mounted(target: Path, *options: str) -> Iterator[None]:
    """A file system at a folder; skipped where this user may not mount one."""
    done = subprocess.run(["mount", *options, target], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        # At once, even while a failed step's traceback still holds a file open.
        subprocess.run(["umount", "--lazy", target], check=True)


def fill(disk: Path) -> Path:
    """Takes all room but a few kilobytes."""
    filler = disk / "filler"
    state = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (state.f_bavail - 32) * state.f_bsize)
    return filler


def assert_as_if_nothing_had_been(output: Path, undisturbed: Path) -> None:
    assert published_contents(output) == published_contents(undisturbed / "output")
    assert left_behind(output) == []
    assert read_runs(output)[-1].status == "succeeded"


def test_a_full_disk_is_named_and_after_room_was_made_the_run_ends_well(folder, undisturbed, tmp_path, icp):
    disk = tmp_path / "disk"
    disk.mkdir()
    output = disk / "output"
    with mounted(disk, "-t", "tmpfs", "-o", DISK, "tmpfs"):
        shutil.copytree(folder / "output", output, symlinks=True)
        filler = fill(disk)
        code, told = icp("run", folder, "--output", output)
        assert (code, FULL in told, STAYS in told) == (1, True, True)
        assert published_contents(output) == published_contents(undisturbed / "output")
        filler.unlink()
        assert icp("run", folder, "--output", output)[0] == 0
        assert_as_if_nothing_had_been(output, undisturbed)


def test_a_file_that_may_not_grow_is_like_a_full_disk(folder, undisturbed, icp):
    (folder / "output" / "warehouse.duckdb").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES_A_FILE, before[1]))
    try:
        code, told = icp("run", folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, FULL in told, STAYS in told) == (1, True, True)
    assert [run.status for run in read_runs(folder / "output")] == ["succeeded", "failed"]
    assert published_contents(folder / "output") == published_contents(undisturbed / "output")
    assert icp("run", folder)[0] == 0
    assert_as_if_nothing_had_been(folder / "output", undisturbed)


def test_an_output_that_is_read_only_is_named_and_stays_as_it_was(folder, undisturbed, icp):
    output = folder / "output"
    with mounted(output, "--bind", str(output)):
        subprocess.run(["mount", "-o", "remount,ro,bind", output], check=True)
        code, told = icp("run", folder)
        assert (code, "is read-only" in told, STAYS in told) == (1, True, True)
        assert published_contents(output) == published_contents(undisturbed / "output")
    assert icp("run", folder)[0] == 0
    assert_as_if_nothing_had_been(output, undisturbed)


def test_an_output_below_a_file_is_wrong_use(folder, tmp_path, icp):
    in_the_way = tmp_path / "a_file"
    in_the_way.write_text("in the way", encoding="utf-8")
    code, told = icp("run", folder, "--output", in_the_way / "output")
    assert (code, "is a file, not a folder" in told) == (2, True)
    assert in_the_way.read_text(encoding="utf-8") == "in the way"
