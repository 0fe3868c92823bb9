import multiprocessing
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.contracts import Column, Contract, contract_by_table
from pipelines.errors import DataQualityError
from pipelines.publishing import SCHEMA_VERSION, PublishingError, publish

PERIODS = ("baseline", "follow_up")


def contract(table: str, *columns: Column, status: str = "active") -> Contract:
    return Contract(
        id=table,
        title=table,
        version="1.0.0",
        status=status,
        table=table,
        description=f"Rows of {table}.",
        limitations="",
        grain="one row",
        columns=columns,
        options={},
        path=Path(f"{table}.odcs.yaml"),
        sha256=f"hash of {table}",
    )


def column(name: str, sql_type: str = "BIGINT", **options: object) -> Column:
    return Column(name, sql_type, f"What {name} is.", name, **options)


USE = contract(
    "hospital_use",
    column("person_id", "VARCHAR", is_required=True, is_primary_key=True),
    column("period", "VARCHAR", is_required=True, is_primary_key=True, valid=PERIODS),
    column("days"),
)
TOTALS = contract("totals", column("days", is_required=True, is_primary_key=True))


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute("create table hospital_use (person_id varchar, period varchar, days bigint)")
        connection.execute("create table totals (days bigint)")
        yield connection


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_table_is_published_in_the_order_of_its_contract_sorted_by_key_and_without_other_columns(warehouse, tmp_path):
    warehouse.execute("drop table hospital_use")
    warehouse.execute("create table hospital_use (scratch date, days bigint, period varchar, person_id varchar)")
    warehouse.execute("insert into hospital_use values (null, null, 'follow_up', 'B'), (null, 4, 'baseline', 'B')")
    warehouse.execute("insert into hospital_use values (null, 3, 'baseline', 'A')")
    path = publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    assert path == tmp_path / "evaluation-r1.duckdb"
    assert rows(tmp_path / "evaluation.duckdb", "from hospital_use") == [
        ("A", "baseline", 3),
        ("B", "baseline", 4),
        ("B", "follow_up", None),
    ]


def test_the_published_folder_holds_the_file_and_a_relative_link_to_it_and_nothing_else(warehouse, tmp_path):
    publish(warehouse, contracts=[USE], folder=tmp_path / "published", run_id="r1")
    assert files(tmp_path / "published") == ["evaluation-r1.duckdb", "evaluation.duckdb"]
    assert (tmp_path / "published" / "evaluation.duckdb").readlink() == Path("evaluation-r1.duckdb")


def test_publishing_leaves_the_warehouse_as_it_was(warehouse, tmp_path):
    publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    databases = warehouse.execute("select database_name from duckdb_databases() where not internal").fetchall()
    assert databases == [("memory",)]


def test_smaller_whole_numbers_from_the_warehouse_are_widened(warehouse, tmp_path):
    warehouse.execute("create or replace table totals as select cast(7 as integer) as days")
    publish(warehouse, contracts=[TOTALS], folder=tmp_path, run_id="r1")
    assert rows(tmp_path / "evaluation.duckdb", "select days, typeof(days) from totals") == [(7, "BIGINT")]


def test_a_draft_table_that_nothing_fills_is_there_empty_and_says_so(warehouse, tmp_path):
    draft = contract("matched_pairs", column("weight", "DOUBLE", is_primary_key=True), status="draft")
    publish(warehouse, contracts=[draft], folder=tmp_path, run_id="r1")
    assert rows(tmp_path / "evaluation.duckdb", "from matched_pairs") == []
    comment = rows(tmp_path / "evaluation.duckdb", "select comment from duckdb_tables()")[0][0]
    assert (
        comment == "Rows of matched_pairs. Grain: one row. Not filled yet: the table is always empty in this version."
    )


def test_a_draft_table_that_the_warehouse_has_is_published(warehouse, tmp_path):
    draft = contract("totals", *TOTALS.columns, status="draft")
    warehouse.execute("insert into totals values (5)")
    publish(warehouse, contracts=[draft], folder=tmp_path, run_id="r1")
    assert rows(tmp_path / "evaluation.duckdb", "from totals") == [(5,)]


def test_schema_version_names_the_version_the_contracts_and_the_run(warehouse, tmp_path):
    contracts = [USE, contract_by_table("schema_version")]
    publish(warehouse, contracts=contracts, folder=tmp_path, run_id="r1")
    [(version, contracts_hash, tables, run_id)] = rows(tmp_path / "evaluation.duckdb", "from schema_version")
    assert (version, tables, run_id) == (SCHEMA_VERSION, 2, "r1")
    publish(warehouse, contracts=[*contracts, TOTALS], folder=tmp_path, run_id="r2")
    assert rows(tmp_path / "evaluation.duckdb", "select contracts_sha256 from schema_version") != [(contracts_hash,)]


def test_the_last_three_files_are_kept_and_the_link_is_on_the_newest(warehouse, tmp_path):
    for run_id in ("b", "d", "a", "c", "e"):
        publish(warehouse, contracts=[USE], folder=tmp_path, run_id=run_id)
    assert files(tmp_path) == [*(f"evaluation-{run_id}.duckdb" for run_id in "ace"), "evaluation.duckdb"]
    assert (tmp_path / "evaluation.duckdb").readlink() == Path("evaluation-e.duckdb")


def test_what_a_killed_run_left_is_removed(warehouse, tmp_path):
    for leftover in (".evaluation-x.duckdb.part", ".evaluation-x.duckdb.part.wal"):
        (tmp_path / leftover).write_bytes(b"half")
    (tmp_path / ".evaluation.duckdb.link").symlink_to("evaluation-x.duckdb")
    publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    assert files(tmp_path) == ["evaluation-r1.duckdb", "evaluation.duckdb"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop table totals", "totals: the warehouse has no such table"),
        ("alter table totals rename days to nights", "totals: the warehouse's table has no column days"),
        ("alter table totals alter days type varchar", "totals.days: VARCHAR in the warehouse, BIGINT expected"),
        ("alter table totals alter days type hugeint", "totals.days: HUGEINT in the warehouse, BIGINT expected"),
    ],
)
def test_a_warehouse_that_is_not_as_the_contracts_say_is_named_and_nothing_is_published(
    warehouse, tmp_path, change, message
):
    warehouse.execute(change)
    with pytest.raises(PublishingError) as caught:
        publish(warehouse, contracts=[USE, TOTALS], folder=tmp_path, run_id="r1")
    assert str(caught.value).startswith(message)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("bad_rows", "line"),
    [
        ("select null, 'baseline', 1", "hospital_use.person_id: required: is null, rows: 1 to 7"),
        (
            "select 'P' || i, 'later', 1 from range(8) as numbers(i)",
            "hospital_use.period: valid: is none of baseline, follow_up, rows: 8",
        ),
        (
            "select 'P', 'baseline', i from range(4) as numbers(i)",
            "hospital_use: unique: the key (person_id, period) stands more than once, rows: 1 to 7",
        ),
    ],
)
def test_rows_that_break_their_contract_keep_the_published_file_as_it_was(warehouse, tmp_path, bad_rows, line):
    warehouse.execute("insert into hospital_use values ('A', 'baseline', 31)")
    publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    before = (tmp_path / "evaluation-r1.duckdb").read_bytes()
    warehouse.execute(f"insert into hospital_use {bad_rows}")
    with pytest.raises(DataQualityError) as caught:
        publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r2")
    assert caught.value.hints == (line,)
    assert caught.value.exit_code == 3
    assert files(tmp_path) == ["evaluation-r1.duckdb", "evaluation.duckdb"]
    assert (tmp_path / "evaluation.duckdb").read_bytes() == before


def test_the_same_run_can_be_published_again_after_a_refusal(warehouse, tmp_path):
    warehouse.execute("insert into hospital_use values (null, 'baseline', 31)")
    with pytest.raises(DataQualityError):
        publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    warehouse.execute("delete from hospital_use")
    publish(warehouse, contracts=[USE], folder=tmp_path, run_id="r1")
    assert rows(tmp_path / "evaluation.duckdb", "from hospital_use") == []


GENERATION = [contract("earlier", column("generation")), contract("later", column("generation"))]


def write_generation(warehouse: duckdb.DuckDBPyConnection, folder: Path, generation: int) -> None:
    for table in ("earlier", "later"):
        query = f"create or replace table {table} as select {generation}::bigint as generation from range(50_000)"
        warehouse.execute(query)
    publish(warehouse, contracts=GENERATION, folder=folder, run_id=f"g{generation}")


def read_generation(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    return connection.execute(f"select generation, count(*) from {table} group by generation").fetchall()


def read_until_told(link: Path, stop, started, seen) -> None:
    """Opens the analysts' file again and again, as separate analysts would, and reports what each saw."""
    while not stop.is_set():
        with duckdb.connect(link, read_only=True) as connection:
            earlier = read_generation(connection, "earlier")
            time.sleep(0.005)
            seen.put((earlier, read_generation(connection, "later")))
        started.set()


def test_a_reader_before_during_and_after_publishing_sees_a_whole_old_or_a_whole_new_file(tmp_path):
    context = multiprocessing.get_context("spawn")
    stop, started, queue = context.Event(), context.Event(), context.Manager().Queue()
    with duckdb.connect() as warehouse:
        write_generation(warehouse, tmp_path, 0)
        reader = context.Process(
            target=read_until_told, args=(tmp_path / "evaluation.duckdb", stop, started, queue), daemon=True
        )
        reader.start()
        assert started.wait(timeout=60)
        for generation in range(1, 9):
            write_generation(warehouse, tmp_path, generation)
        already_seen = queue.qsize()
        deadline = time.monotonic() + 60
        while queue.qsize() < already_seen + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()
        reader.join(timeout=60)
    assert reader.exitcode == 0
    seen = [queue.get() for _ in range(queue.qsize())]
    assert all(earlier == later for earlier, later in seen)
    generations = [earlier[0][0] for earlier, _ in seen]
    assert [earlier for earlier, _ in seen] == [[(generation, 50_000)] for generation in generations]
    assert generations == sorted(generations)
    assert (generations[0], generations[-1]) == (0, 8)
    assert len(set(generations)) > 2


def test_a_reader_that_was_connected_goes_on_reading_the_old_file_even_when_it_is_no_longer_kept(tmp_path):
    with duckdb.connect() as warehouse:
        write_generation(warehouse, tmp_path, 0)
        with duckdb.connect(tmp_path / "evaluation.duckdb", read_only=True) as analyst:
            assert read_generation(analyst, "earlier") == [(0, 50_000)]
            for generation in range(1, 5):
                write_generation(warehouse, tmp_path, generation)
            assert not (tmp_path / "evaluation-g0.duckdb").exists()
            assert read_generation(analyst, "later") == [(0, 50_000)]
        with duckdb.connect(tmp_path / "evaluation.duckdb", read_only=True) as analyst:
            assert read_generation(analyst, "later") == [(4, 50_000)]
