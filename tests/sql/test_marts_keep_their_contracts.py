"""The columns of every mart, their types and keys, are those of its contract."""

import pytest

from pipelines.contracts import contract_by_table
from tests.sql.small_study import MODELS, SmallStudy, appointment, attendance, enrolment, episode, person

RULE = {"contract_id": "hes_apc", "table_name": "lake_admissions", "rule_id": "not_null", "column_name": "sex"}
MARTS = [model.name for model in MODELS if model.contract is not None]


@pytest.fixture(scope="module")
def study() -> SmallStudy:
    """A study in which every mart has rows."""
    return SmallStudy(
        admissions=[
            episode("2010-08-01", "2010-08-05", disdest="51"),
            episode("2010-08-05", "2010-08-09", procode3="RBB", admimeth="81"),
        ],
        outpatients=[appointment("2010-08-01")],
        emergency_care=[attendance("2010-08-01")],
        enrolments=[enrolment("2010-07-01")],
        population=[person("p1", area="Pilot area", gpprac="A1"), person("c1")],
        surveys=[{"extract": "s", "instrument": "patients", "person_id": "p1", "wave": "1", "involved": "1"}],
        instrument_items=[{"instrument_id": "patients", "item_id": "involved", "item_column": "involved"}],
        data_quality_counts=[{**RULE, "run_id": "r1", "evaluated_rows": 9, "failed_rows": 0, "is_engine_fault": False}],
        data_quality_limits=[{**RULE, "severity": "error", "dimension": "completeness", "threshold": 0.0}],
    )


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_has_the_columns_of_its_contract_in_order_and_type(study: SmallStudy, mart: str) -> None:
    study.query(f"select * from {mart}")
    described = study.connection.execute(f"describe {mart}").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        (column.name, column.sql_type) for column in contract_by_table(mart).columns
    ]


@pytest.mark.parametrize("mart", MARTS)
def test_the_key_of_a_mart_is_unique_and_required_columns_are_filled(study: SmallStudy, mart: str) -> None:
    columns = contract_by_table(mart).columns
    key = ", ".join(column.name for column in columns if column.is_primary_key)
    assert study.value(f"select count(*) from {mart}") > 0
    assert study.query(f"select {key} from {mart} group by {key} having count(*) > 1") == []
    for column in columns:
        if column.is_required:
            assert study.value(f"select count(*) from {mart} where {column.name} is null") == 0, column.name
