"""What is wrong on this machine while files are read is no fault of a supplier: no file is refused for it."""

import errno
import gzip
import io
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import faults
from pipelines.arrivals import arrivals_key, changed_between, look_at_extracts
from pipelines.reading.discovery import Found, look_at
from pipelines.reading.intake import content_hash
from pipelines.reading.rules import REFUSED_FILES
from pipelines.storage import DiskFullError, storage_error
from pipelines.study import load_study
from tests.fuzzed_files import parquet
from tests.small_extracts import EPISODE, SmallLake, as_csv, as_xlsx, zipped
from tests.three_records import three
from tests.tiny_study import write_tiny_study

TEXT = as_csv(three("admissions", {}))
NOBODY = 65534
ADMISSIONS = "admissions_2010-01_to_2010-12.csv"


class Broken(io.BytesIO):
    """A file whose disk fails as soon as it is read."""

    def __init__(self, number: int) -> None:
        super().__init__(b"x" * 100)
        self.number = number

    def read(self, _size: int | None = -1, /) -> bytes:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def failing_disk(monkeypatch):
    """Makes the operating system fail the next reads of the files of some name: the returned list counts them down."""
    opened = io.open

    def fail(name: str, number: int, *, times: int) -> list[int]:
        left = [number] * times

        def opening(file, mode="r", *args, **kwargs):
            if not isinstance(file, int) and Path(file).name == name and "r" in mode and left:
                return Broken(left.pop())
            return opened(file, mode, *args, **kwargs)

        monkeypatch.setattr(io, "open", opening)
        return left

    return fail


@contextmanager
def not_as_root(folder: Path) -> Iterator[None]:
    """As a user whom permissions bind, and who owns a folder and all in it."""
    if os.geteuid():
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("name", "content"), [("a.csv", TEXT.encode()), ("a.zip", zipped({"b.csv": TEXT}))])
def test_a_file_that_this_user_may_not_open_is_refused_with_its_permissions_as_the_thing_to_look_at(name, content):
    folder = Path(tempfile.mkdtemp())
    try:
        lake = SmallLake(folder)
        lake.put("z.csv", TEXT.replace("first", "other"))
        lake.read()
        lake.put(name, content).chmod(0)
        with not_as_root(folder):
            refused, good = lake.read()
    finally:
        shutil.rmtree(folder)
    assert (refused.status, good.status, good.rows_read) == ("refused", "accepted", 3)
    rule = REFUSED_FILES["file_unreadable"]
    assert refused.reason == (
        f"file_unreadable: the system says: Permission denied; expected: {rule.expected}; do: {rule.advice}"
    )


def test_a_file_that_is_gone_when_it_is_opened_is_left_for_the_next_run(lake):
    path = lake.put("a.csv", TEXT)

    class Taken(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            path.unlink()

    (delivery,) = lake.read(heard=Taken())
    assert (delivery.status, delivery.records) == ("growing", None)
    assert lake.read() == ()


def test_a_memory_that_cannot_be_read_is_not_refused():
    memory = Path("/proc/self/mem")
    found = Found(file_name="a.csv", path=memory, kind="text", look=look_at(memory))
    with pytest.raises(OSError, match="Input/output error"):
        content_hash(found)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", TEXT.encode()),
        ("a.zip", zipped({"b.csv": TEXT})),
        ("a.xlsx", as_xlsx([list(EPISODE), list(EPISODE.values())])),
    ],
)
def test_a_disk_that_fails_while_a_file_is_read_refuses_nothing(lake, failing_disk, name, content, number):
    lake.put(name, content)
    failing_disk(name, number, times=1)
    with pytest.raises(OSError) as fault:
        lake.read()
    assert fault.value.errno == number
    assert [delivery.status for delivery in lake.read()] == ["accepted"]


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Every file stops growing at so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz", "a.xlsx"])
def test_a_full_disk_while_a_file_is_taken_in_refuses_nothing(lake, name):
    many = [{**EPISODE, "EPIKEY": f"{number:036d}"} for number in range(3_000)]
    content = {
        "a.parquet": lambda: parquet(pl.DataFrame(many)),
        "a.csv": lambda: as_csv(many),
        "a.csv.gz": lambda: gzip.compress(as_csv(many).encode()),
        "a.xlsx": lambda: as_xlsx([list(EPISODE), *(list(record.values()) for record in many)]),
    }[name]()
    lake.put(name, content)
    with no_file_over(50_000), pytest.raises((OSError, duckdb.IOException)) as fault:
        lake.read()
    assert isinstance(storage_error(fault.value), DiskFullError)
    assert [(delivery.status, delivery.rows_read) for delivery in lake.read()] == [("accepted", 3_000)]


def test_a_disk_that_stumbles_is_read_again_within_the_run_and_one_that_fails_ends_it(
    tmp_path, icp, failing_disk, monkeypatch
):
    monkeypatch.setattr(faults, "WAIT_SECONDS", 0)
    folder = write_tiny_study(tmp_path / "study")
    left = failing_disk(ADMISSIONS, errno.EIO, times=2)
    assert (icp("run", folder)[0], left) == (0, [])
    (folder / "extracts" / "admissions" / ADMISSIONS).touch()
    failing_disk(ADMISSIONS, errno.EIO, times=50)
    code, told = icp("run", folder)
    assert (code, "was refused" in told) == (1, False)


def test_a_file_name_that_is_not_utf8_is_refused_and_the_others_are_read(tmp_path, icp):
    folder = write_tiny_study(tmp_path / "study")
    extract = folder / "extracts" / "admissions"
    Path(os.fsdecode(os.fsencode(extract) + b"/adm\xe9.csv")).write_text(TEXT, encoding="utf-8")
    told = (
        "admissions/adm\\xe9.csv was refused: file_name_undecodable: its name is not UTF-8; "
        "expected: a file name in UTF-8; do: rename the file"
    )
    code, _ = icp("check", folder)
    assert code == 3
    code, error = icp("run", folder)
    assert (code, told in error) == (3, True)
    lake = folder / "output" / "lake"
    assert [len(list((lake / extract).glob("*.json"))) for extract in ("admissions", "population", "enrolments")] == [
        1
    ] * 3


def test_the_sensor_looks_at_files_whose_name_is_not_utf8(tmp_path):
    study = load_study(write_tiny_study(tmp_path / "study"))
    before = look_at_extracts(study)
    Path(os.fsdecode(os.fsencode(study.extract_folder("admissions")) + b"/adm\xe9.csv")).touch()
    now = look_at_extracts(study)
    assert changed_between(before, now) == ("admissions/adm\\xe9.csv",)
    assert arrivals_key(now) != arrivals_key(before)
