"""A dirty study ends where a clean one ends: every planted fault is found, named, and changes no count."""

import duckdb
import polars as pl
import pytest

from pipelines.contracts import source_contract
from pipelines.demo import write_demo
from pipelines.run import run_study
from pipelines.study import Study, load_study
from tests.demo_truth import assert_person_periods_are_true

FOUND = ["delivery_file", "record", "rule_id", "column"]
STAGING = {
    "admission_records": "admissions",
    "appointment_records": "outpatients",
    "attendance_records": "emergency_care",
    "population_records": "population",
    "enrolment_records": "enrolments",
    "opt_out_records": "opt_outs",
    "survey_records": "patient_survey",
}
CONTRACTS = ("hes_apc", "hes_op", "hes_ae", "population", "pilot_enrolment", "opt_out", "survey")


def in_silence(_line: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module", params=[1, 2, 3])
def dirty_study(request, tmp_path_factory) -> Study:
    """A dirty study of 200 pilot people that was run without an error."""
    folder = tmp_path_factory.mktemp("dirty") / "study"
    write_demo(folder, people=200, seed=request.param, effects=(), dirt=True, progress=in_silence)
    study = load_study(folder)
    run_study(study, say=in_silence)
    return study


@pytest.fixture(scope="module")
def planted(dirty_study) -> pl.DataFrame:
    return pl.read_csv(dirty_study.root / "truth" / "dirt.csv", schema_overrides={"record": pl.Int64})


@pytest.fixture(scope="module")
def deliveries(dirty_study) -> pl.DataFrame:
    """The ledger, with each file named as the manifest names it."""
    with duckdb.connect(dirty_study.published / "evaluation.duckdb", read_only=True) as published:
        ledger = published.table("deliveries").pl()
    return ledger.with_columns(delivery_file=pl.col("extract") + "/" + pl.col("file_name"))


@pytest.fixture(scope="module")
def warehouse(dirty_study) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(dirty_study.output / "warehouse.duckdb", read_only=True) as connection:
        yield connection


def in_lake(study: Study, deliveries: pl.DataFrame, suffix: str, columns: list[str]) -> pl.DataFrame:
    """Rows of the lake's files of all deliveries, superseded ones too, by the file's name."""
    read = deliveries.filter(pl.col("status").is_in(["accepted", "superseded"]))
    parts = [
        pl.read_parquet(study.lake / extract / f"{delivery_id}{suffix}", columns=columns).with_columns(
            delivery_file=pl.lit(file)
        )
        for extract, delivery_id, file in read.select("extract", "delivery_id", "delivery_file").iter_rows()
    ]
    return pl.concat(parts)


def tokens(study: Study, deliveries: pl.DataFrame, fields: str) -> pl.DataFrame:
    """One row per `rule:column` that stands in a column of the lake."""
    rows = in_lake(study, deliveries, ".parquet", ["record", fields]).drop_nulls(fields)
    return (
        rows.with_columns(pl.col(fields).str.split(" "))
        .explode(fields)
        .select(
            "delivery_file",
            "record",
            pl.col(fields).str.split(":").list.first().alias("rule_id"),
            pl.col(fields).str.split(":").list.last().alias("lake_column"),
        )
    )


def as_in_lake(planted: pl.DataFrame, kind: str) -> pl.DataFrame:
    column = (
        pl.when(pl.col("column") == "*")
        .then(pl.lit("record"))
        .when(pl.col("column") == "PSEUDO_HESID")
        .then(pl.lit("person_id"))
        .otherwise(pl.col("column").str.to_lowercase())
    )
    return planted.filter(kind=kind).select("delivery_file", "record", "rule_id", column.alias("lake_column"))


def same_rows(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Both have the same rows, each as often; what is on one side only is shown."""
    columns = expected.columns
    by = {"found": found, "expected": expected}
    counts = [frame.group_by(columns).len(name) for name, frame in by.items()]
    both = counts[0].join(counts[1], on=columns, how="full", coalesce=True, nulls_equal=True)
    odd = both.filter(pl.col("found").ne_missing(pl.col("expected")))
    assert odd.is_empty(), str(odd.sort(columns).rows()[:20])


def test_person_periods_equal_the_truth_exactly(dirty_study):
    assert_person_periods_are_true(dirty_study)


def test_the_books_of_every_delivery_balance(deliveries):
    fates = ["rows_accepted", "rows_quarantined", "rows_superseded", "rows_duplicate"]
    assert deliveries.height > 20
    assert deliveries.filter(pl.col("rows_read") != pl.sum_horizontal(fates)).is_empty()
    assert all(deliveries[fate].sum() > 0 for fate in fates)


def test_quarantined_records_are_those_that_were_planted_by_rule_record_and_column(dirty_study, deliveries, planted):
    found = in_lake(dirty_study, deliveries, ".quarantine.parquet", ["record", "rule_id", "column_name"])
    same_rows(found.rename({"column_name": "column"}), planted.filter(kind="quarantined").select(FOUND))


@pytest.mark.parametrize(("kind", "fields"), [("nulled", "nulled_fields"), ("repaired", "repaired_fields")])
def test_nulled_and_repaired_fields_are_those_that_were_planted(dirty_study, deliveries, planted, kind, fields):
    same_rows(tokens(dirty_study, deliveries, fields), as_in_lake(planted, kind))


def test_duplicates_are_the_records_that_were_repeated(warehouse, deliveries, planted):
    names = deliveries.filter(pl.col("status") == "accepted").select("delivery_id", "extract", "delivery_file")
    fates = staged(warehouse, "fate").join(names, on=["delivery_id", "extract"])
    whole = planted.filter(pl.col("kind") == "superseded", pl.col("record").is_null())["delivery_file"].implode()
    expected = planted.filter(pl.col("kind") == "duplicate", ~pl.col("delivery_file").is_in(whole))
    same_rows(fates.filter(fate="duplicate"), expected.select("delivery_file", "record"))


def test_strangers_are_accepted_as_unlinked_and_odd_records_that_are_right_are_accepted(warehouse, deliveries, planted):
    names = deliveries.filter(pl.col("status") == "accepted").select("delivery_id", "extract", "delivery_file")
    staging = staged(warehouse, "fate, is_unlinked").join(names, on=["delivery_id", "extract"])
    for kind, is_unlinked in (("unlinked", True), ("accepted", False), ("after_death", False)):
        expected = planted.filter(kind=kind).join(names, on="delivery_file", how="semi")
        found = expected.join(staging, on=["delivery_file", "record"], how="left")
        assert found.height > 0, kind
        assert found["fate"].to_list() == ["accepted"] * found.height, kind
        assert found["is_unlinked"].to_list() == [is_unlinked] * found.height, kind


def staged(warehouse: duckdb.DuckDBPyConnection, columns: str) -> pl.DataFrame:
    selects = [
        f"select delivery_id, record, '{extract}' as extract, {columns} from {table}"
        for table, extract in STAGING.items()
    ]
    return warehouse.sql(" union all ".join(selects)).pl()


def test_activity_after_death_is_that_which_was_planted(warehouse, deliveries, planted):
    names = deliveries.filter(pl.col("status") == "accepted").select("delivery_id", "extract", "delivery_file")
    dated = {
        "admission_records": "episode_start_date",
        "appointment_records": "appointment_date",
        "attendance_records": "arrival_date",
    }
    selects = [
        f"""select delivery_id, '{STAGING[table]}' as extract, record, {column} - date_of_death > 7 as is_doubtful
        from {table} inner join population using (person_id)
        where {column} > date_of_death and fate = 'accepted'"""
        for table, column in dated.items()
    ]
    found = warehouse.sql(" union all ".join(selects)).pl().join(names, on=["delivery_id", "extract"])
    expected = planted.filter(kind="after_death").join(names, on="delivery_file", how="semi")
    same_rows(
        found.select("delivery_file", "record", "is_doubtful"),
        expected.select("delivery_file", "record", is_doubtful=pl.col("rule_id") == "death_link_doubtful"),
    )


def test_blank_lines_are_counted_and_are_no_rows(deliveries, planted):
    expected = planted.filter(kind="blank_line").group_by("delivery_file").len("lines_blank")
    found = deliveries.filter((pl.col("lines_blank") > 0) & (pl.col("status") != "duplicate_file"))
    same_rows(found, expected.with_columns(pl.col("lines_blank").cast(pl.Int64)))


def test_whole_files_have_the_status_that_the_manifest_names(deliveries, planted):
    whole = planted.filter(pl.col("record").is_null())
    statuses = dict(deliveries.select("delivery_file", "status").iter_rows())
    expected = dict(whole.filter(pl.col("kind") != "ignored_file").select("delivery_file", "kind").iter_rows())
    assert set(expected.values()) == {"superseded", "duplicate_file"}
    assert {file: status for file, status in statuses.items() if status != "accepted"} == expected
    assert not set(whole.filter(kind="ignored_file")["delivery_file"]) & set(statuses)


def test_every_kind_is_planted_at_least_once(planted):
    rules = set(planted["rule_id"])
    for name in CONTRACTS:
        declared = source_contract(name).options.get("record_rules", [])
        assert {rule["id"] for rule in declared} <= rules
    assert {
        "wrong_field_count", "repeated_header", "truncated_last_line", "undecodable_row", "unclosed_quote",
        "missing_person", "malformed_person", "nhs_number_not_numeric", "nhs_number_wrong_length",
        "nhs_number_wrong_check_digit", "nhs_number_equal_digits", "missing_value", "impossible_date",
        "sentinel_date", "future_date", "malformed_code", "unknown_code", "not_a_number", "out_of_range",
        "impossible_time", "outer_blanks", "blanks_in_number", "padded_code", "lower_case_code", "dotted_code",
        "date_format", "time_format", "whole_number", "number_format", "infant_age", "newline_in_field",
        "cp1252_line", "same_record", "same_key", "same_event", "same_file", "corrected_delivery",
        "earlier_snapshot", "unfinished_transfer", "person_not_in_population", "after_death",
        "death_link_doubtful", "appointment_to_come", "blank_line",
    } <= rules  # fmt: skip
