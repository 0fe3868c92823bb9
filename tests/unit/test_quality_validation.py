"""What was counted is remembered by content and suite, and Great Expectations is imported only to count anew."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.fingerprint import CHECKOUT
from pipelines.quality.suites import Flag, NotNull, Rule, Suite
from pipelines.quality.validation import REMEMBERED, count_rules

ROWS = "select case when i < 3 then null else '1' end as sex from range(20) as numbers(i)"
LAKE = Suite("lake_admissions", (Rule("hes_apc", "lake_admissions", "not_null", "sex", NotNull("sex"), "error", 0.0),))
SMALL = Suite(
    "extract_freshness",
    (Rule("hes_apc", "extract_freshness", "extract_fresh", "*", Flag("is_fresh", "hes_apc"), "warning", 0.0),),
)
ASK = """
import sys
import duckdb
from pathlib import Path
from tests.unit.test_quality_validation import LAKE, SMALL, count_rules
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    found = count_rules(connection, [LAKE, SMALL], deliveries={"lake_admissions": ["d1"]}, folder=Path(sys.argv[2]))
print(found["evaluated_rows"].to_list(), found["failed_rows"].to_list(), "great_expectations" in sys.modules)
"""


@pytest.fixture
def connection(tmp_path):
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(f"create table lake_admissions as {ROWS}")
        connection.execute("create table extract_freshness as select 'hes_apc' as contract_id, true as is_fresh")
        yield connection


def counts(connection, folder, *suites, deliveries=("d1",)):
    frame = count_rules(connection, suites, deliveries={"lake_admissions": deliveries}, folder=folder)
    return list(frame.select("evaluated_rows", "failed_rows").iter_rows())


def test_great_expectations_is_not_imported_where_nothing_changed(connection, tmp_path):
    database = tmp_path / "warehouse.duckdb"
    assert counts(connection, tmp_path, LAKE, SMALL) == [(1, 0), (20, 3)]
    connection.close()
    ask = [sys.executable, "-c", ASK, str(database), str(tmp_path)]
    told = subprocess.run(ask, capture_output=True, text=True, cwd=CHECKOUT, check=True).stdout
    assert told == "[1, 20] [0, 3] False\n"


def test_a_lake_view_is_counted_again_only_when_its_deliveries_change(connection, tmp_path):
    assert counts(connection, tmp_path, LAKE) == [(20, 3)]
    connection.execute("delete from lake_admissions where sex is null")
    assert counts(connection, tmp_path, LAKE) == [(20, 3)]
    assert counts(connection, tmp_path, LAKE, deliveries=("d1", "d2")) == [(17, 0)]


def test_another_table_is_counted_again_when_its_rows_change_in_whatever_order_they_stand(connection, tmp_path):
    assert counts(connection, tmp_path, SMALL) == [(1, 0)]
    connection.execute("insert into extract_freshness values ('hes_apc', false)")
    assert counts(connection, tmp_path, SMALL) == [(2, 1)]
    connection.execute("update extract_freshness set is_fresh = true")
    assert counts(connection, tmp_path, SMALL) == [(2, 0)]


def test_another_threshold_or_severity_counts_nothing_anew_but_another_question_does(connection, tmp_path):
    (rule,) = LAKE.rules
    counts(connection, tmp_path, LAKE)
    connection.execute("delete from lake_admissions")
    judged_otherwise = Suite("lake_admissions", (replace(rule, threshold=0.5, severity="warning"),))
    assert counts(connection, tmp_path, judged_otherwise) == [(20, 3)]
    asked_otherwise = Suite("lake_admissions", (replace(rule, test=NotNull("sex", may_be_absent=True)),))
    assert counts(connection, tmp_path, asked_otherwise) == [(0, 0)]


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_a_memory_that_is_broken_or_of_another_version_is_left_aside(connection, tmp_path, content):
    path = Path(tmp_path / REMEMBERED)
    if content is None:
        pl.DataFrame({"content": ["x"]}).write_parquet(path)
    else:
        path.write_bytes(content)
    assert counts(connection, tmp_path, LAKE) == [(20, 3)]
    assert pl.read_parquet(path).height == 1
