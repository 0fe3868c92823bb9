"""Faults are planted where the manifest says, in the bytes that suppliers send; refused files stand apart."""

import hashlib
import shutil
from datetime import date
from itertools import count
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from evaluation.simulation.dirt import Fault, Mark, Names, soiled
from evaluation.simulation.dirt_changes import repaired, to
from evaluation.simulation.dirt_deliveries import numbers_of_nobody
from pipelines.contracts import source_contract
from pipelines.demo import write_demo
from pipelines.demo_lines import dirty_text
from pipelines.demo_refused import KINDS
from pipelines.reading import read_extract, resolve

RECORDS = pl.DataFrame({"KEY": ["1", "2", "3"], "PERSON": ["ann", "bob", "cat"], "SEX": ["1", "2", None]})
SOUND = "admissions_2010-04_to_2011-03.csv"


def write(folder: Path, *, dirt: bool) -> Path:
    write_demo(folder, people=60, seed=3, effects=(), dirt=dirt, progress=lambda _line: None)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("demo") / "study", dirt=True)


def names() -> Names:
    return Names(
        key="KEY",
        person="PERSON",
        new_keys=(str(number) for number in count(900)),
        new_people=(f"stranger{number}" for number in count(1)),
    )


def plant(*faults: Fault, records: pl.DataFrame = RECORDS, at_least: int = 1):
    return soiled(records, faults, names=names(), at_least=at_least, rng=np.random.default_rng(1))


def quarantining(**changes) -> Fault:
    return Fault(marks=(Mark("quarantined", "missing_value", "KEY"),), share=0, into="extra", **changes)


def test_an_extra_record_stands_beside_the_sound_ones_and_the_manifest_has_its_number():
    soil = plant(quarantining(changes={"KEY": to("")}))
    assert soil.records.filter(pl.col("KEY") != "").drop("form").rows() == [
        ("1", "ann", "1"),
        ("2", "bob", "2"),
        ("3", "cat", ""),
    ]
    assert soil.planted.rows() == [(_number(soil, pl.col("KEY") == ""), "missing_value", "quarantined", "KEY")]


def test_a_repaired_value_stands_in_the_record_itself():
    soil = plant(repaired("padded_code", "SEX", {"SEX": to(" 2")}, pl.col("SEX") == "2"))
    assert soil.records["SEX"].to_list() == ["1", " 2", ""]
    assert soil.planted.rows() == [(2, "padded_code", "repaired", "SEX")]


def test_a_stranger_has_a_new_key_and_is_marked_as_unlinked_too():
    soil = plant(
        Fault(marks=(Mark("nulled", "unknown_code", "SEX"),), share=0, into="stranger", changes={"SEX": to("X")})
    )
    stranger = soil.records.filter(SEX="X")
    assert stranger.select("KEY", "PERSON").rows() == [("900", "stranger1")]
    assert set(soil.planted["rule_id"]) == {"unknown_code", "person_not_in_population"}
    assert soil.planted["record"].unique().to_list() == [_number(soil, pl.col("SEX") == "X")]


def test_a_repeat_stands_behind_its_record_and_no_record_is_under_two_faults():
    again = Fault(marks=(Mark("duplicate", "same_record"),), share=0, into="repeat")
    soil = plant(again, again, again)
    assert soil.records["KEY"].sort().to_list() == ["1", "1", "2", "2", "3", "3"]
    keys = soil.records["KEY"].to_list()
    second = sorted(keys.index(key, keys.index(key) + 1) + 1 for key in "123")
    assert soil.planted["record"].to_list() == second


def test_faults_fall_on_records_so_that_who_has_more_of_them_has_more_faults():
    people = ["often"] * 90 + [f"once{number}" for number in range(10)]
    records = pl.DataFrame({"KEY": [str(number) for number in range(100)], "PERSON": people, "SEX": "2"})
    fault = repaired("padded_code", "SEX", {"SEX": to(" 2")})
    hit = [
        soiled(records, [fault], names=names(), at_least=1, rng=np.random.default_rng(seed)).records
        for seed in range(50)
    ]
    often = sum(soil.filter((pl.col("SEX") == " 2") & (pl.col("PERSON") == "often")).height for soil in hit)
    assert often >= 35


def test_a_blank_line_is_no_record_and_does_not_move_the_numbers():
    blank = Fault(marks=(Mark("blank_line", "blank_line"),), share=0, into="line", form="blank")
    last = Fault(
        marks=(Mark("quarantined", "truncated_last_line"),), share=0, into="extra", form="truncated", is_last=True
    )
    soil = plant(blank, last)
    numbers = dict(soil.planted.select("rule_id", "record").iter_rows())
    assert numbers["truncated_last_line"] == 4
    assert soil.records["form"].to_list().index("blank") == numbers["blank_line"]


def test_a_fault_that_no_record_suits_is_not_planted():
    soil = plant(repaired("padded_code", "SEX", {"SEX": to(" 9")}, pl.col("SEX") == "9"))
    assert soil.planted.is_empty()
    assert soil.records.height == 3


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("plain", b"900|ann|2\n"),
        ("short", b"900|ann\n"),
        ("long", b"900|ann|2|.\n"),
        ("header", b"key|person|sex\n"),
        ("blank", b"\n"),
        ("unclosed_quote", b'900|"ann|2\n'),
        ("undecodable", b"900|ann|2\x81\n"),
        ("truncated", b"900|a"),
    ],
)
def test_each_form_of_a_broken_line_has_its_bytes(form, line):
    records = pl.DataFrame({"KEY": ["1", "900"], "PERSON": ["bob", "ann"], "SEX": ["1", "2"], "form": ["plain", form]})
    assert dirty_text(records, ("key", "person", "sex"), "|") == b"key|person|sex\n1|bob|1\n" + line


def test_windows_text_and_line_breaks_in_a_value_are_written_as_suppliers_write_them():
    records = pl.DataFrame(
        {"KEY": ["1", "2"], "NOTE": ["left \u2013 moved", "by\nletter"], "form": ["cp1252", "plain"]}
    )
    assert dirty_text(records, ("KEY", "NOTE"), ",") == b'KEY,NOTE\n1,left \x96 moved\n2,"by\nletter"\n'


def test_made_up_nhs_numbers_are_valid_and_in_the_range_that_is_kept_for_tests():
    numbers = numbers_of_nobody(50, np.random.default_rng(2))
    assert len(set(numbers)) == 50
    for number in numbers:
        weighted = sum(int(digit) * weight for digit, weight in zip(number, range(10, 0, -1), strict=True))
        assert number.startswith("999")
        assert len(number) == 10
        assert weighted % 11 == 0


def test_dirt_changes_the_deliveries_and_not_the_truth(demo, tmp_path):
    clean = write(tmp_path / "clean", dirt=False)
    for name in ("person_periods.csv", "effects.csv"):
        assert (demo / "truth" / name).read_bytes() == (clean / "truth" / name).read_bytes()
    assert pl.read_csv(clean / "truth" / "dirt.csv").is_empty()
    assert pl.read_csv(demo / "truth" / "dirt.csv").height > 300
    assert not (clean / "refused_examples").exists()


def test_the_same_seed_plants_the_same_bytes(demo, tmp_path):
    again = write(tmp_path / "again", dirt=True)
    digests = [
        {
            path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (demo, again)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("kind", KINDS)
def test_each_refused_example_is_refused_by_the_rule_that_its_page_names(demo, tmp_path, kind):
    _what, rule_id, extract = KINDS[kind]
    example = demo / "refused_examples" / kind
    assert rule_id in (example / "README.txt").read_text(encoding="utf-8")
    folder = tmp_path / "extracts" / extract
    folder.mkdir(parents=True)
    shutil.copyfile(demo / "protocol.yaml", tmp_path / "protocol.yaml")
    shutil.copyfile(demo / "extracts" / extract / SOUND, folder / SOUND)
    (file,) = [path for path in example.iterdir() if path.name != "README.txt"]
    shutil.copyfile(file, folder / file.name, follow_symlinks=False)
    found = read(folder, tmp_path / "lake", extract)
    assert found.pop(SOUND)[0] == "accepted"
    ((name, (status, reason)),) = found.items()
    assert name.startswith(file.name)
    assert status == "refused"
    assert reason.startswith(f"{rule_id}: ")


def read(folder: Path, lake: Path, extract: str) -> dict[str, tuple[str, str]]:
    """Status and reason of each file in an extract's folder."""
    with duckdb.connect() as connection:
        found = read_extract(
            connection,
            extract=extract,
            contract=source_contract("hes_apc"),
            folder=folder,
            lake=lake,
            data_until=date(2011, 6, 30),
            key=None,
        )
    return {delivery.file_name: (delivery.status, delivery.reason or "") for delivery in resolve(found)}


def _number(soil, condition: pl.Expr) -> int:
    """Number of the only record that fulfils the condition."""
    (number,) = soil.records.with_row_index("number", offset=1).filter(condition)["number"]
    return number


@pytest.mark.parametrize(("people", "dirt", "warned"), [(199, True, True), (200, True, False), (199, False, False)])
def test_who_plants_faults_into_few_people_is_told_that_the_run_will_stop(tmp_path, people, dirt, warned):
    said: list[str] = []
    write_demo(tmp_path / "study", people=people, seed=3, effects=(), dirt=dirt, progress=said.append)
    assert any("the run will stop" in line for line in said) == warned
