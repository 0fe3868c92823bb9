"""The working file: models become tables or views, also where an earlier version left the other kind."""

from pathlib import Path

import pytest

from pipelines.models import SqlModel
from pipelines.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path):
    with Warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.connection.execute("create table numbers as select range as n from range(9)")
        yield warehouse


def model(*, is_view: bool) -> SqlModel:
    return SqlModel(
        name="odd_numbers",
        layer="marts",
        path=Path("odd_numbers.sql"),
        sql="select n from numbers where n % 2 = 1",
        description="",
        grain="",
        contract=None,
        depends_on=("numbers",),
        is_view=is_view,
    )


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (True, True), (False, False)])
def test_a_model_replaces_what_the_former_version_left(warehouse, before, after):
    warehouse.run_model(model(is_view=before))
    warehouse.run_model(model(is_view=after))
    assert warehouse.read("odd_numbers")["n"].to_list() == [1, 3, 5, 7]


def test_a_view_is_not_stored(warehouse):
    warehouse.run_model(model(is_view=True))
    warehouse.connection.execute("delete from numbers where n = 7")
    assert warehouse.count("odd_numbers") == 3
    assert warehouse.columns("odd_numbers") == {"n": warehouse.columns("numbers")["n"]}


def test_the_engine_keeps_to_its_share_of_the_memory(warehouse):
    (limit,) = warehouse.connection.execute("select current_setting('memory_limit')").fetchone()
    assert limit == "2.3 GiB"


def test_the_cache_is_given_back_and_the_limit_is_as_before(warehouse):
    execute = warehouse.connection.execute
    limit = execute("select current_setting('memory_limit')").fetchone()
    execute("create table large as select md5(range::varchar) || md5((range + 1)::varchar) as t from range(9000000)")
    execute("checkpoint")
    assert execute("select count(distinct t[3:5]), max(length(t)) from large").fetchone() == (4096, 64)
    kept = "select sum(memory_usage_bytes) / 1e6 from duckdb_memory()"
    before = execute(kept).fetchone()[0]
    warehouse.free_cache()
    assert before > 300 > 256 >= execute(kept).fetchone()[0]
    assert execute("select current_setting('memory_limit')").fetchone() == limit
