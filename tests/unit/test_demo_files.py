"""The demo study is written whole, in the forms that suppliers use and under the headers that contracts ask for."""

import gzip
import hashlib
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts import contract_by_table, source_contract
from pipelines.demo import write_demo
from pipelines.errors import StudyError
from pipelines.metrics import check_outcomes
from pipelines.study import load_study
from tests.small_extracts import CONTRACTS


def write(folder: Path, *, effects: tuple[str, ...] = (), people: int = 60) -> Path:
    write_demo(folder, people=people, seed=3, effects=effects, dirt=False, progress=lambda _line: None)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("demo") / "study")


def delivery(path: Path) -> pl.DataFrame:
    """All columns as text."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).cast(pl.String)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return pl.read_csv(content, separator="|" if path.suffix == ".txt" else ",", infer_schema=False)


@pytest.mark.parametrize("extract", CONTRACTS)
def test_headers_and_codes_satisfy_the_source_contracts(demo, extract):
    contract = source_contract(CONTRACTS[extract])
    paths = sorted((demo / "extracts" / extract).iterdir())
    assert paths
    for path in paths:
        records = delivery(path).rename(str.upper)
        assert records.height > 0
        for column in contract.columns:
            known = [name for name in (column.name, *column.synonyms) if name in records.columns]
            assert known or not column.is_required, f"{path.name} lacks {column.name}"
            if column.valid and known and column.sql_type == "VARCHAR":
                assert set(records[known[0]].drop_nulls()) - {"-"} <= set(column.valid), f"{path.name} {column.name}"


def test_deliveries_come_in_several_forms_and_one_with_its_columns_in_another_order(demo):
    paths = [path for path in (demo / "extracts").rglob("*") if path.is_file()]
    assert {path.suffix for path in paths} == {".csv", ".gz", ".txt", ".parquet"}
    first, *_, shuffled, _ = sorted((demo / "extracts" / "outpatients").iterdir())
    assert delivery(shuffled).columns == [column.lower() for column in reversed(delivery(first).columns)]


def test_files_are_named_by_the_months_they_hold_without_a_gap(demo):
    names = sorted(path.name.split(".")[0] for path in (demo / "extracts" / "emergency_care").iterdir())
    assert names == [
        "emergency_care_2007-04_to_2008-03",
        "emergency_care_2008-04_to_2009-03",
        "emergency_care_2009-04_to_2010-03",
        "emergency_care_2010-04_to_2011-03",
        "emergency_care_2011-04_to_2011-06",
    ]


def test_the_study_can_be_loaded_and_its_outcomes_computed(demo):
    study = load_study(demo)
    check_outcomes(study)
    assert study.protocol.synthetic
    assert study.sites.height == 16
    assert study.sites["case_management"].sum() == 6
    assert study.prices["price_set"].unique().to_list() == ["illustrative_not_real"]


def test_the_truth_has_the_columns_of_the_published_table_and_the_published_effects(demo):
    truth = pl.read_csv(demo / "truth" / "person_periods.csv")
    assert truth.columns == [column.name for column in contract_by_table("person_periods").columns]
    planted = dict(pl.read_csv(demo / "truth" / "effects.csv").select("metric_id", "planted").drop_nulls().iter_rows())
    assert planted == {
        "emergency_admissions": 1.02,
        "elective_admissions": 0.96,
        "outpatient_attendances": 0.8,
        "involved_in_decisions": -5,
        "preferences_taken_into_account": -15,
        "knew_who_to_contact_after_discharge": 9,
        "listened_to": 0,
        "care_coordinated_on_discharge": 0,
        "has_care_plan": 0,
        "sees_doctor_of_choice": 0,
        "sees_nurse_of_choice": 0,
    }
    assert (demo / "truth" / "dirt.csv").read_text() == "delivery_file,record,rule_id,kind,column\n"


def test_effects_on_the_command_line_replace_the_published_ones_one_by_one(tmp_path):
    demo = write(tmp_path / "study", effects=("emergency_admissions=1.5", "has_care_plan=10pp"))
    rows = pl.read_csv(demo / "truth" / "effects.csv").select("metric_id", "planted").drop_nulls()
    planted = dict(rows.iter_rows())
    assert planted["emergency_admissions"] == 1.5
    assert planted["elective_admissions"] == 0.96
    assert planted["has_care_plan"] == 10


def test_the_same_arguments_write_the_same_bytes(demo, tmp_path):
    again = write(tmp_path / "again")
    digests = [
        {
            path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (demo, again)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) > 25


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(StudyError, match="not a new or empty folder"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"people": 10}, "at least 50"),
        ({"effects": ("nonsense=1",)}, "not a metric or item"),
        ({"effects": ("involved_in_decisions=40pp",)}, "between 0% and 100%"),
    ],
)
def test_a_refused_demo_writes_nothing(tmp_path, arguments, message):
    with pytest.raises(StudyError, match=message):
        write(tmp_path / "study", **arguments)
    assert not (tmp_path / "study").exists()
