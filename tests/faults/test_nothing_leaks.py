"""What a run leaves behind outside the quarantine: no NHS number, no refused or nulled text, no key, no small count."""

import gzip
import os
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.small_extracts import APPOINTMENT, EPISODE, Record, as_csv

PROTOCOL = """
study: dirty
synthetic: {synthetic}
extracts:
  admissions: {{contract: hes_apc}}
  outpatients: {{contract: hes_op}}
  population: {{contract: population}}
  enrolments: {{contract: pilot_enrolment}}
  opt_outs: {{contract: opt_out}}
periods: {{look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2010-12-31}}
outcomes:
  - {{metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}}
"""
KEY = "a secret that only this test knows"
# Every text that a record is refused or a field is nulled for carries this mark.
MARK = "QZ7"


def nhs_number(nine_digits: int) -> str | None:
    """The number with its check digit; None where there is none (NHS Data Dictionary: modulus 11)."""
    weighted = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), str(nine_digits), strict=True))
    check = (11 - weighted % 11) % 11
    return None if check == 10 else f"{nine_digits}{check}"


NUMBERS = [number for nine in range(999_123_000, 999_123_060) if (number := nhs_number(nine))][:30]
WRONG = [f"{number[:-1]}{(int(number[-1]) + 1) % 10}" for number in NUMBERS[:3]]
IDENTIFIERS = [*NUMBERS, *WRONG]


def episode(number: int, **changes: str) -> Record:
    return {
        **EPISODE,
        "EPIKEY": str(number),
        "PSEUDO_HESID": NUMBERS[number % len(NUMBERS)],
        "EPISTART": f"2010-{1 + number % 12:02d}-03",
        "EPIEND": f"2010-{1 + number % 12:02d}-05",
        "ADMIDATE": f"2010-{1 + number % 12:02d}-03",
        "DISDATE": f"2010-{1 + number % 12:02d}-05",
        "NOTE": "",
        **changes,
    }


def dirty_admissions() -> bytes:
    """Good episodes, then one of every kind that is refused or nulled, and lines that are no records."""
    dirty = [
        episode(100, PSEUDO_HESID=WRONG[0]),
        episode(101, PSEUDO_HESID=f"99912{MARK}30"),
        episode(102, PSEUDO_HESID=NUMBERS[4][:9]),
        episode(103, PSEUDO_HESID=f"{NUMBERS[5][:3]} {NUMBERS[5][3:6]} {NUMBERS[5][6:]}", NOTE=f"rang {NUMBERS[6]}"),
        episode(104, EPISTART=f"{MARK}-start"),
        episode(105, EPIEND=f"{MARK}-end"),
        episode(106, PROCODE3=f"?{MARK}"),
        episode(107, EPIKEY=""),
        episode(
            108,
            PROCODE3="RXC",
            ADMIMETH=f"{MARK}-method",
            SEX=f"{MARK}-sex",
            STARTAGE=f"{MARK}-age",
            DIAG_01=f"{MARK}-diagnosis",
        ),
        episode(109, DISDATE=f"{MARK}-discharge", ADMIDATE="2010-12-31", CLASSPAT=f"{MARK}-class"),
    ]
    records = [*(episode(number) for number in range(60)), *dirty]
    text = as_csv(records).replace("PSEUDO_HESID", "NHSNO")
    broken = [
        f"200,{NUMBERS[7]},{MARK}-too-short",
        f'201,{NUMBERS[8]},"{MARK}-never-closed',
        f"{NUMBERS[9]},{MARK}-\x81-undecodable",
        text.splitlines()[0],
        f"202,{NUMBERS[10]},{MARK}-breaks-off",
    ]
    return "\n".join([text + broken[0], *broken[1:]]).encode("latin-1")


def dirty_appointments() -> bytes:
    good = [{**APPOINTMENT, "ATTENDKEY": f"{n}", "PSEUDO_HESID": number} for n, number in enumerate(NUMBERS)]
    bad = [
        {**APPOINTMENT, "ATTENDKEY": "900", "PSEUDO_HESID": WRONG[1]},
        {**APPOINTMENT, "ATTENDKEY": "901", "PSEUDO_HESID": NUMBERS[1], "APPTDATE": f"{MARK}-day"},
        {
            **APPOINTMENT,
            "ATTENDKEY": "902",
            "PSEUDO_HESID": NUMBERS[1],
            "APPTDATE": "2010-02-02",
            "ATTENDED": f"{MARK}-attended",
        },
    ]
    return gzip.compress(as_csv([*good, *bad]).replace("PSEUDO_HESID", "NHSNO").encode("utf-16"))


def dirty_study(folder: Path, *, synthetic: bool = True) -> Path:
    people = [f"{number},1940-01-0{1 + place % 9},{1 + place % 2}" for place, number in enumerate(NUMBERS)]
    people += [f"{WRONG[2]},1940-01-01,1", f"{NUMBERS[0]},{MARK}-born,1", f"{NUMBERS[11]},1950-01-01,{MARK}"]
    joined = [f"{number},S1,2010-07-01" for number in NUMBERS[:12]] + [f"{NUMBERS[13]},S1,{MARK}-index"]
    files = {
        "admissions/admissions_2010-01_to_2010-12.csv": dirty_admissions(),
        "outpatients/outpatients_2010-01_to_2010-12.csv.gz": dirty_appointments(),
        "population/population.csv": "\n".join(["NHSNO,DOB,SEX", *people, ""]).encode(),
        "enrolments/enrolments.csv": "\n".join(["NHSNO,SITE,INDEX_DATE", *joined, ""]).encode(),
        "opt_outs/opt_outs.csv": f"NHSNO\n{NUMBERS[20]}\n{NUMBERS[21]}\n".encode(),
    }
    for name, content in files.items():
        path = folder / "extracts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "protocol.yaml").write_text(PROTOCOL.format(synthetic=str(synthetic).lower()), encoding="utf-8")
    return folder


class Machine:
    """A home, a working and a temporary folder of its own for the command line, so that all it writes is found."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[str] = []
        for name in ("home", "temporary", "working"):
            (root / name).mkdir()

    def icp(self, *arguments: object, key: str | None = KEY) -> int:
        kept = {name: value for name, value in os.environ.items() if name != "ICP_PSEUDONYM_KEY"}
        own = {"HOME": str(self.root / "home"), "TMPDIR": str(self.root / "temporary")}
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root / "working",
            env=kept | own | ({"ICP_PSEUDONYM_KEY": key} if key else {}),
        )
        self.said += [done.stdout, done.stderr]
        return done.returncode

    def written(self) -> Iterator[tuple[str, bytes]]:
        """All that was said or written outside the extracts, unpacked as far as it can be."""
        yield "terminal", "\n".join(self.said).encode()
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.is_symlink() and "extracts" not in path.parts:
                name = str(path.relative_to(self.root))
                yield name, path.read_bytes()
                yield from ((f"{name}: {part}", content) for part, content in unpacked(path))


def unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    """What lies packed in a file of columns or a database: every value of every table as text."""
    if path.suffix == ".parquet":
        yield "values", str(duckdb.execute("from read_parquet(?)", [str(path)]).fetchall()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(path, read_only=True) as database:
            for (table,) in database.execute("select table_name from duckdb_tables()").fetchall():
                yield table, str(database.execute(f'from "{table}"').fetchall()).encode()
    if path.read_bytes()[:15] == b"SQLite format 3":
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            rows = database.execute(f'select * from "{table}"').fetchall()
            yield table, b"\n".join(value_bytes(value) for row in rows for value in row)
        database.close()


def value_bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    with suppress(zlib.error):
        return zlib.decompress(value)
    return value


def is_quarantine(name: str) -> bool:
    return "/lake/" in name and "quarantine.parquet" in name


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A dirty study that is looked at, run, stopped at a refused file; one that fails at writing; one without key."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    study = dirty_study(machine.root / "study")
    ended = [machine.icp("run", study, "--dry-run"), machine.icp("run", study)]
    refused = study / "extracts" / "admissions" / "admissions_2011-01.csv"
    refused.write_text(f"NHSNO,{MARK}\n{NUMBERS[0]},{MARK}-cell\n", encoding="utf-8")
    ended.append(machine.icp("run", study))
    faulty = dirty_study(machine.root / "faulty")
    (faulty / "output" / "lake" / "quarantine.parquet").mkdir(parents=True)
    ended.append(machine.icp("run", faulty))
    ended.append(machine.icp("check", dirty_study(machine.root / "keyless", synthetic=False), key=None))
    assert ended == [0, 0, 3, 1, 2], machine.said
    return machine


@pytest.fixture(scope="module")
def pieces(machine: Machine) -> list[tuple[str, bytes]]:
    """All that the machine's commands said and wrote."""
    return list(machine.written())


def found(pieces: list[tuple[str, bytes]], texts: list[str], *, in_quarantine: bool) -> set[tuple[str, str]]:
    pattern = re.compile(b"|".join(re.escape(text).encode() for text in texts))
    looked_at = [piece for piece in pieces if is_quarantine(piece[0]) == in_quarantine]
    assert looked_at
    return {(name, match.decode()) for name, content in looked_at for match in pattern.findall(content)}


def test_the_search_finds_a_number_in_every_kind_of_file(tmp_path):
    root = tmp_path / "searched"
    root.mkdir()
    pl.DataFrame({"number": [NUMBERS[0]]}).write_parquet(root / "a.parquet")
    with duckdb.connect(root / "b.duckdb") as database:
        database.execute("create table numbers as select ? as number", [NUMBERS[0]])
    with closing(sqlite3.connect(root / "c.db")) as database, database:
        database.execute("create table numbers as select ? as number", [zlib.compress(NUMBERS[0].encode())])
    (root / "d.log").write_text(f"called {NUMBERS[0]}", encoding="utf-8")
    machine = Machine(root)
    machine.said.append(NUMBERS[0])
    names = {name for name, _ in found(list(machine.written()), [NUMBERS[0]], in_quarantine=False)}
    assert {"a.parquet: values", "b.duckdb: numbers", "c.db: numbers", "d.log", "terminal"} <= names


def test_records_and_fields_of_every_extract_were_refused_and_nulled(machine, pieces):
    marked = {name for name, _ in found(pieces, [MARK], in_quarantine=True)}
    for extract in ("admissions", "outpatients", "population", "enrolments"):
        assert any(extract in name for name in marked)
    counts = "select count(*), sum(rows_quarantined) > 12, sum(rows_nulled) > 1 from deliveries"
    with duckdb.connect(machine.root / "study/output/published/evaluation.duckdb", read_only=True) as published:
        assert published.sql(counts).fetchall() == [(5, True, True)]


def test_no_nhs_number_is_written_anywhere_outside_the_extracts(pieces):
    written = [*IDENTIFIERS, *(f"{number[:3]} {number[3:6]} {number[6:]}" for number in IDENTIFIERS)]
    assert found(pieces, written, in_quarantine=False) == set()
    assert found(pieces, written, in_quarantine=True) == set()


def test_no_refused_or_nulled_text_is_written_outside_the_quarantine(pieces):
    assert found(pieces, [MARK], in_quarantine=False) == set()


def test_the_key_is_written_nowhere(pieces):
    assert found(pieces, [KEY], in_quarantine=False) == set()


def test_nothing_is_left_in_temporary_folders_and_no_file_half_taken_in(machine):
    assert [path for path in (machine.root / "temporary").rglob("*") if path.is_file()] == []
    assert list(machine.root.rglob(".aside")) == []


def test_no_count_of_1_to_7_is_said_or_logged(pieces):
    counted = re.compile(
        rb"\b[1-7] (?:rows?|records?|people|persons?|patients?)\b"
        rb"|\b(?:rows|records|people)[ :=]{1,2}[1-7]\b"
        rb'|"IntMetadataEntryData", "value": [1-7]\}'
    )
    logged = [(name, content) for name, content in pieces if name == "terminal" or "/dagster/" in name]
    assert any(b'"IntMetadataEntryData", "value": 0}' in content for _, content in logged)
    assert any(b"1 to 7" in content for _, content in logged)
    assert {(name, match) for name, content in logged for match in counted.findall(content)} == set()
