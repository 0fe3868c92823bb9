import duckdb
import pytest

from pipelines.contracts import published_contracts
from pipelines.contracts.comments import column_comment, table_comment
from pipelines.publishing import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file published from a warehouse whose tables are all there and empty, as an analyst connects to it."""
    with duckdb.connect() as warehouse:
        for contract in published_contracts():
            columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in contract.columns)
            warehouse.execute(f'create table "{contract.table}" ({columns})')
        path = publish(
            warehouse,
            contracts=published_contracts(),
            folder=tmp_path_factory.mktemp("published"),
            run_id="r1",
        )
    with duckdb.connect(path, read_only=True) as connection:
        yield connection


def test_every_table_of_the_design_is_published_with_a_comment(published):
    comments = dict(
        published.execute(
            "select table_name, comment from duckdb_tables() "
            "union all select view_name, comment from duckdb_views() where not internal"
        ).fetchall()
    )
    assert set(comments) >= {
        "metric_estimates", "person_periods", "person_months", "people", "spells", "continuous_inpatient_spells",
        "matched_pairs", "covariate_balance", "attrition", "survey_estimates", "published_results",
        "comparison_with_published", "deliveries", "quarantine_summary", "data_quality", "runs",
        "protocol_amendments", "schema_version",
    }  # fmt: skip
    assert comments == {contract.table: table_comment(contract) for contract in published_contracts()}


def test_every_published_column_has_its_contracts_type_and_its_description_as_comment(published):
    found = published.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'main'"
        " and database_name = current_database() order by table_name, column_index"
    ).fetchall()
    assert found == [
        (contract.table, column.name, column.sql_type, column_comment(column))
        for contract in published_contracts()
        for column in contract.columns
    ]


def test_every_description_is_a_sentence_and_every_column_that_may_be_null_says_when():
    for contract in published_contracts():
        for column in contract.columns:
            place = f"{contract.table}.{column.name}"
            assert column.description.endswith("."), place
            assert len(column.description.split()) >= 4, place
            assert column.is_required or "Null" in column.description, place


def test_types_are_those_that_the_design_gives_to_kinds_of_columns():
    for contract in published_contracts():
        for column in contract.columns:
            place = f"{contract.table}.{column.name}"
            if column.name.endswith("_date") or column.name.startswith("date_of_"):
                assert column.sql_type == "DATE", place
            if column.name.endswith(("_id", "_code", "_hash", "sha256")):
                assert column.sql_type == "VARCHAR", place
            if column.name.startswith(("n_", "rows_")) or column.name.endswith(("_admissions", "_attendances")):
                assert column.sql_type == "BIGINT", place
            if column.name.endswith(("_gbp", "_pct")):
                assert column.sql_type == "DOUBLE", place
            if column.name.startswith("is_"):
                assert column.sql_type == "BOOLEAN", place
