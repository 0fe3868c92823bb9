"""A cell that is written as it should be takes a short way; the long way must give the same value and verdict."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.contracts import Column, source_contract
from pipelines.reading.layout import Layout
from pipelines.reading.typing_sql import Typing, build_typing

CONTRACTS = ["hes_ae", "hes_apc", "hes_op", "opt_out", "pilot_enrolment", "population", "survey"]
DATES = (
    "2010-01-02 2009-02-29 2008-02-29 2010-02-28 2010-2-3 1850-01-01 1849-12-31 2199-12-31 2200-01-01 2010-13-01 "
    "2010-04-31 2010-04-30 2010-12-31 2010-00-10 2010-01-00 1801-01-01 02/01/2010 20100102 epoch 0000-01-01"
)
NUMBERS = "0 00 1 01 +1 -3 7 54.0 54. 1.5 98 99 100 120 121 007 7001 7003 7001.0 1e308 nan inf 99999999999999999999"
CODES = (
    "- & + _ A a Ab AB 21 2A 2a R0A R0A01 r0a J44 J440 J44.0 j440 J44X Z99. X123 x12 X1234 E01000001 0809 200904 A-1"
)
OTHERS = "y Y yes YES n N TRUE true False 0905 2359 2400 905 9:05 09:05:00 é É 'x' ~ NULL 1,5 \x01 a\x7f"
TEXTS = (None, "", " ", " - ", " 21", "2B ", "a b", "\u00a0Ab", "a\tb", "A" * 64, "A" * 65, "2010-01-02 00:00:00")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create temp table dropped_records (record bigint)")
        opened.execute("create temp table decoded_records (record bigint)")
        yield opened


def typing_of(column: Column, cells: tuple[int, ...]) -> Typing:
    """The typing of files with this column alone, which then places no record."""
    about_others = ("places", "may_be_future")
    options = {name: value for name, value in column.options.items() if name not in about_others}
    contract = source_contract("hes_apc")
    alone = replace(contract, columns=(replace(column, options=options),), options={})
    header = tuple(f"NAME{position}" for position in cells)
    layout = Layout(header=header, cells={column.name: cells}, ignored=(), person_column=None)
    return build_typing(alone, layout, future_after=date(2011, 6, 30))


def the_long_way(typing: Typing) -> Typing:
    return replace(typing, values=tuple(replace(value, is_as_due="false") for value in typing.values))


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_the_short_way_gives_what_the_long_way_gives(connection, tmp_path: Path, contract_id):
    texts = [*TEXTS, *DATES.split(), *NUMBERS.split(), *CODES.split(), *OTHERS.split()]
    raw = tmp_path / "raw.parquet"
    cells = "text as __c0, case when text < 'M' then text end as __c1, nullif('J440', text) as __c2"
    connection.execute(f"copy (select {cells} from (select unnest(?) as text)) to '{raw}'", [texts])
    parameters = {"raw": str(raw), "delivery_id": "one"}
    short = 0
    for column in source_contract(contract_id).columns:
        typing = typing_of(column, (0, 1, 2) if column.sql_type == "VARCHAR[]" else (0,))
        found = connection.execute(typing.accepted_sql(), parameters).fetchall()
        assert len(found) == len(texts)
        assert found == connection.execute(the_long_way(typing).accepted_sql(), parameters).fetchall(), column.name
        (value,) = typing.values
        taken = connection.execute(
            f"select count(*) from read_parquet($raw) where {value.is_as_due}", {"raw": str(raw)}
        )
        short += taken.fetchall()[0][0] > 0
    assert short == len(source_contract(contract_id).columns)
