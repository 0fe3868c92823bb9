"""Great Expectations inside our DuckDB: every kind of rule finds its planted fault, and only counts come back."""

import json
import logging
from dataclasses import replace
from datetime import date

import duckdb
import pytest

from pipelines.quality.dialect import lent
from pipelines.quality.suites import Between, Counted, Flag, InSet, Matches, NotNull, Rule, Suite, Unique
from pipelines.quality.validation import count_rules

SECRET = "Zebra"
ROWS = f"""
    select
        'd1' as delivery_id,
        'k' || (i % 95) as epikey,
        case when i < 10 then null when i < 13 then '{SECRET}' else '1' end as sex,
        null::varchar as transit,
        case when i < 4 then '{SECRET}' else 'E01000001' end as lsoa11,
        case when i = 0 then 999 else 50 end as startage,
        case when i < 2 then date '2099-01-01' else date '2010-01-01' end as epistart,
        ['{SECRET}'] as diagnoses
    from range(100) as numbers(i)
"""
SMALL = """
    select * from (values
        ('hes_apc', true, 100, 7), ('hes_apc', false, 50, 1), ('hes_apc', null, null, null), ('hes_op', false, 9, 9)
    ) as t (contract_id, is_fresh, rows_read, rows_failed)
"""


def rule(test, rule_id="some_rule", column="*", table="lake_admissions"):
    return Rule("hes_apc", table, rule_id, column, test, "error", 0.0)


def counted(connection, *rules, folder, deliveries=("d1",)):
    """Counts by rule id, from one suite a table."""
    tables = dict.fromkeys(one.table_name for one in rules)
    suites = [Suite(table, tuple(one for one in rules if one.table_name == table)) for table in tables]
    frame = count_rules(connection, suites, deliveries={"lake_admissions": deliveries}, folder=folder)
    return {row["rule_id"]: (row["evaluated_rows"], row["failed_rows"]) for row in frame.iter_rows(named=True)}


@pytest.fixture
def connection(tmp_path):
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute(f"copy ({ROWS}) to '{tmp_path}/d1.parquet'")
        connection.execute(f"create view lake_admissions as select * from read_parquet('{tmp_path}/d1.parquet')")
        connection.execute(f"create table extract_freshness as {SMALL}")
        yield connection


KINDS = {
    "not_null": (NotNull("sex"), (100, 10)),
    "nothing_missing": (NotNull("epikey"), (100, 0)),
    "column_left_out": (NotNull("transit", may_be_absent=True), (0, 0)),
    "column_emptied": (NotNull("transit"), (100, 100)),
    "valid_codes": (InSet("sex", ("1", "2")), (90, 3)),
    "codes_of_an_empty_column": (InSet("transit", ("1",)), (0, 0)),
    "valid_form": (Matches("lsoa11", "^([EW][0-9]{8})$"), (100, 4)),
    "plausible_range": (Between("startage", None, 120), (100, 1)),
    "date_in_window": (Between("epistart", date(1850, 1, 1), date(2011, 6, 30)), (100, 2)),
    "unique_key": (Unique(("delivery_id", "epikey")), (100, 10)),
}


def test_every_kind_of_rule_finds_its_planted_fault_in_a_view_over_parquet(connection, tmp_path):
    rules = [rule(test, rule_id) for rule_id, (test, _) in KINDS.items()]
    assert counted(connection, *rules, folder=tmp_path) == {rule_id: counts for rule_id, (_, counts) in KINDS.items()}


def test_rules_on_a_small_table_count_the_rows_of_their_contract(connection, tmp_path):
    flag = rule(Flag("is_fresh", "hes_apc"), "extract_fresh", table="extract_freshness")
    sums = rule(Counted("rows_read", "rows_failed", "hes_apc"), "quarantine_rate", table="extract_freshness")
    absent = rule(Counted("rows_read", "rows_failed", "hes_ae"), "absent_sums", table="extract_freshness")
    absent_flag = rule(Flag("is_fresh", "hes_ae"), "absent_flag", table="extract_freshness")
    assert counted(connection, flag, sums, absent, absent_flag, folder=tmp_path) == {
        "extract_fresh": (2, 1), "quarantine_rate": (150, 8), "absent_sums": (0, 0), "absent_flag": (0, 0),
    }  # fmt: skip


def test_an_empty_table_evaluates_nothing_where_great_expectations_would_let_it_pass(connection, tmp_path):
    connection.execute(f"create or replace view lake_admissions as select * from ({ROWS}) where false")
    rules = [rule(test, rule_id) for rule_id, (test, _) in KINDS.items()]
    assert set(counted(connection, *rules, folder=tmp_path).values()) == {(0, 0)}


def test_an_engine_fault_has_no_counts_and_leaves_the_other_rules_and_tables_as_they_are(connection, tmp_path):
    found = counted(
        connection,
        rule(NotNull("no_such_column"), "fault"),
        rule(NotNull("sex"), "not_null"),
        rule(Flag("is_fresh", "hes_apc"), "extract_fresh", table="extract_freshness"),
        folder=tmp_path,
    )
    assert found == {"fault": (None, None), "not_null": (100, 10), "extract_fresh": (2, 1)}


def test_a_table_that_the_engine_cannot_read_is_a_fault_of_all_its_rules_and_is_asked_again(connection, tmp_path):
    (tmp_path / "d1.parquet").rename(tmp_path / "gone.parquet")
    connection.execute("create table lake_outpatients as select 1 as a")
    connection.execute("create or replace view lake_broken as select error('x')::varchar as sex from range(3)")
    broken = replace(rule(NotNull("sex"), "not_null"), table_name="lake_broken")
    suite = Suite("lake_broken", (broken, replace(broken, rule_id="codes", test=InSet("sex", ("1",)))))
    frame = count_rules(connection, [suite], deliveries={"lake_broken": ["d1"]}, folder=tmp_path / "quality")
    assert frame["is_engine_fault"].to_list() == [True, True]
    assert frame["evaluated_rows"].to_list() == [None, None]
    connection.execute("create or replace view lake_broken as select '1' as sex from range(3)")
    again = count_rules(connection, [suite], deliveries={"lake_broken": ["d1"]}, folder=tmp_path / "quality")
    assert again["evaluated_rows"].to_list() == [3, 3]


def test_no_value_comes_back_or_is_logged(connection, tmp_path, caplog, capfd):
    from pipelines.quality.expectations import data_source, validate

    rules = [rule(test, rule_id) for rule_id, (test, _) in KINDS.items()]
    rules.append(rule(Between("sex", date(2010, 1, 1), date(2011, 1, 1)), "cast_of_a_value"))
    with caplog.at_level(logging.DEBUG), data_source(connection) as source:
        seen = [result.result for result in validate(source, Suite("lake_admissions", tuple(rules)))]
        found = counted(connection, *rules, folder=tmp_path / "quality")
    written = b"".join(path.read_bytes() for path in (tmp_path / "quality").rglob("*"))
    said = "".join(capfd.readouterr())
    assert len(seen) == len(rules)
    assert found["valid_codes"] == (90, 3)
    assert found["cast_of_a_value"] == (None, None)
    for text in (json.dumps(seen, default=str), caplog.text, said, written.decode("latin-1")):
        assert SECRET not in text
        assert "2099" not in text


def test_great_expectations_sees_what_our_connection_has_not_committed_elsewhere(connection, tmp_path):
    connection.execute("create temporary table scratch as select 'x' as sex")
    connection.execute("insert into extract_freshness values ('hes_apc', false, 1, 1)")
    flag = rule(Flag("is_fresh", "hes_apc"), "extract_fresh", table="extract_freshness")
    assert counted(connection, flag, folder=tmp_path) == {"extract_fresh": (3, 2)}
    connection.execute("insert into extract_freshness values ('hes_apc', false, 1, 1)")
    assert connection.execute("select count(*) from extract_freshness").fetchone() == (6,)


def test_a_connection_is_lent_as_long_as_the_block_lasts_and_stays_open(connection):
    import sqlalchemy

    with lent(connection) as url:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as asked:
            result = asked.execute(sqlalchemy.text("select count(*) from lake_admissions"))
        assert result.scalar() == 100
    with pytest.raises(KeyError):
        engine.connect()
    assert connection.execute("select 1").fetchone() == (1,)
