from pathlib import Path

import pytest
import yaml

from pipelines.contracts import ContractError, QualityLimit, contract_by_table, load_contract, published_contracts
from pipelines.contracts.__main__ import main
from pipelines.contracts.comments import NOT_YET_FILLED, column_comment, table_comment
from pipelines.errors import StudyError

GOOD = """\
apiVersion: v3.2.0
kind: DataContract
id: visits
name: Visits
version: 1.2.0
status: active
description:
  purpose: >-
    Visits to a
    clinic.
  limitations: Made up.
customProperties:
  - {property: rules, value: [one, two]}
schema:
  - name: visits
    physicalType: table
    dataGranularityDescription: one row per visit
    properties:
      - name: VISIT_ID
        businessName: Visit
        description: Identifier of the visit.
        logicalType: string
        physicalType: VARCHAR
        primaryKey: true
        synonyms: [{synonym: VISITKEY}]
      - name: KIND
        businessName: Kind
        description: Kind of visit. Null where missing.
        logicalType: string
        physicalType: VARCHAR
        enum: [{value: "01"}, {value: "2A"}]
        customProperties:
          - {property: on_invalid, value: null_it}
      - name: DIAGNOSES
        businessName: Diagnoses
        description: All diagnoses in order.
        logicalType: array
        physicalType: VARCHAR[]
        required: true
"""


def with_quality(**changes: object) -> str:
    """The good contract with a limit at KIND, changed as said, and one at the table."""
    limit = {
        "type": "custom",
        "engine": "great_expectations",
        "implementation": "not_null",
        "severity": "warning",
        "unit": "percent",
        "mustBeLessOrEqualTo": 5,
    }
    of_table = {
        **limit,
        "implementation": "unique_key",
        "severity": "error",
        "mustBeLessOrEqualTo": 1,
        "arguments": {"columns": ["VISIT_ID"]},
    }
    said = yaml.safe_load(GOOD)
    said["schema"][0]["quality"] = [of_table]
    said["schema"][0]["properties"][1]["quality"] = [{**limit, **changes}]
    return yaml.safe_dump(said, sort_keys=False)


def write(folder: Path, text: str, name: str = "visits.odcs.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_contract(write(folder, text))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_good_contract_gives_its_columns_in_order(tmp_path):
    contract = load_contract(write(tmp_path, GOOD))
    visit, kind, diagnoses = contract.columns
    assert (contract.id, contract.table, contract.version, contract.title) == ("visits", "visits", "1.2.0", "Visits")
    assert contract.description == "Visits to a clinic."
    assert contract.grain == "one row per visit"
    assert contract.options == {"rules": ["one", "two"]}
    assert contract.primary_key == ("VISIT_ID",)
    assert (visit.label, visit.sql_type, visit.synonyms) == ("Visit", "VARCHAR", ("VISITKEY",))
    assert (kind.valid, kind.options) == (("01", "2A"), {"on_invalid": "null_it"})
    assert [column.is_required for column in (visit, kind, diagnoses)] == [True, False, True]


def test_the_hash_of_a_contract_changes_with_what_it_says_but_not_with_its_quality_limits(tmp_path):
    before = load_contract(write(tmp_path, GOOD))
    assert len(before.sha256) == 64
    for same in (GOOD + "# a note\n", with_quality(), with_quality(mustBeLessOrEqualTo=7)):
        assert load_contract(write(tmp_path, same)).sha256 == before.sha256
    for said, changed in (('"2A"', '"2B"'), ("null_it", "quarantine"), ("Kind of visit.", "Sort of visit.")):
        assert load_contract(write(tmp_path, GOOD.replace(said, changed))).sha256 != before.sha256


def test_quality_limits_stand_at_columns_and_at_the_table_as_shares(tmp_path):
    contract = load_contract(write(tmp_path, with_quality()))
    assert contract.columns[1].quality == (QualityLimit("not_null", "warning", 0.05),)
    assert contract.quality == (QualityLimit("unique_key", "error", 0.01, columns=("VISIT_ID",)),)


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ({"severity": "fatal"}, "column KIND: quality rule not_null: severity is fatal", "expected: warning or error"),
        ({"unit": "rows"}, "quality rule not_null: unit is rows", "expected: percent"),
        ({"engine": "soda"}, "quality rule not_null: engine is soda", "expected: great_expectations"),
        ({"mustBeLessOrEqualTo": 101}, "mustBeLessOrEqualTo is 101.0", "expected: a percentage from 0 to 100"),
        ({"mustBeLess": 5}, "quality[not_null].mustBeLess is not a known key", "did you mean: mustBeLessOrEqualTo"),
    ],
)
def test_a_wrong_quality_limit_is_refused_with_its_place(tmp_path, change, message, hint):
    text = refusal(tmp_path, with_quality(**change))
    assert message in text
    assert hint in text


@pytest.mark.parametrize(
    ("good", "wrong", "message", "hint"),
    [
        ("status: active", "statuss: active", "statuss is not a known key", "did you mean: status"),
        ("  limitations:", "  limitation:", "description.limitation is not a known key", "did you mean: limitations"),
        ("    physicalType: table", "    qualities: []", "[visits].qualities is not a known key", "known keys of"),
        ("    physicalType: table", "    physicalType: sheet", "schema.physicalType is sheet", "table or view or file"),
        (
            "        physicalType: VARCHAR\n        primaryKey",
            "        physicaltype: VARCHAR\n        primaryKey",
            "schema[visits].properties[VISIT_ID].physicaltype is not a known key",
            "did you mean: physicalType",
        ),
        ("{synonym: VISITKEY}", "{name: VISITKEY}", "synonyms[VISITKEY].name is not a known key", "known keys of"),
        ('[{value: "01"}, {value: "2A"}]', '["01", "2A"]', "enum[0] is not a mapping", "known keys of an enum entry"),
        ("kind: DataContract\n", "", "kind is missing", "a contract must have it"),
        ("        description: All diagnoses in order.\n", "", "[DIAGNOSES].description is missing", "a column must"),
        ("version: 1.2.0", "version: 1.2", "version: Input should be a valid string", "is quoted"),
        ("apiVersion: v3.2.0", "apiVersion: v2.2.2", "apiVersion is v2.2.2", "expected: v3.2.0"),
        ("status: active", "status: retired", "status is retired", "expected: active or draft"),
        ("id: visits", "id: visit", "id is visit", "expected: visits"),
        ("  - name: visits", "  - name: visit", "schema.name is visit", "expected: visits"),
        ("Type: VARCHAR[]", "Type: TEXT[]", "column DIAGNOSES: physicalType TEXT[] is not used here", "types: VARCHAR"),
        ("logicalType: array", "logicalType: string", "does not agree with physicalType VARCHAR[]", "expected: array"),
        ('{value: "01"}', "{value: 01}", "column KIND: enum value 1 is not text", 'write it as "1"'),
        ('{value: "2A"}', '{value: "01"}', "column KIND: enum value 01 stands twice", "each may stand once"),
        ("name: DIAGNOSES", "name: kind", "column kind stands twice", "each may stand once"),
        ("VISITKEY", "visit_id", "header VISIT_ID stands twice", "each may stand once"),
        ("kind: DataContract", "kind: DataContract\nkind: DataContract", "kind stands twice", ""),
        ("status: active", "status: [active", "not valid YAML", ""),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_what_was_expected(tmp_path, good, wrong, message, hint):
    assert good in GOOD
    text = refusal(tmp_path, GOOD.replace(good, wrong, 1))
    assert text.startswith("visits.odcs.yaml: ")
    assert message in text
    assert hint in text


def test_a_contract_has_one_table(tmp_path):
    table = (
        "  - name: more\n    dataGranularityDescription: one row\n    properties:\n" + GOOD.split("properties:\n")[1]
    )
    assert "schema holds 2 tables" in refusal(tmp_path, GOOD + table)


def test_a_contract_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"absent\.odcs\.yaml: no such file"):
        load_contract(tmp_path / "absent.odcs.yaml")


def test_a_table_that_is_not_published_is_refused_with_the_nearest_name():
    with pytest.raises(ContractError, match="did you mean: person_periods"):
        contract_by_table("person_period")


def test_comments_say_what_null_means_which_values_there_are_and_what_is_not_filled(tmp_path):
    contract = load_contract(write(tmp_path, GOOD.replace("status: active", "status: draft")))
    assert column_comment(contract.columns[1]) == "Kind: Kind of visit. Null where missing. One of: 01, 2A."
    assert table_comment(contract) == f"Visits to a clinic. Made up. Grain: one row per visit. {NOT_YET_FILLED}"


def test_the_check_of_all_contracts_names_each_file_and_ends_2_if_one_is_wrong(tmp_path, capsys):
    (tmp_path / "marts").mkdir()
    write(tmp_path / "marts", GOOD)
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == "marts/visits.odcs.yaml: 3 columns, active\n"
    write(tmp_path / "marts", GOOD.replace("status", "statuss"), name="wrong.odcs.yaml")
    assert main(tmp_path) == 2
    assert "wrong.odcs.yaml: statuss is not a known key" in capsys.readouterr().err


def test_a_folder_without_contracts_is_not_a_success(tmp_path, capsys):
    assert main(tmp_path) == 2
    assert "no contract file" in capsys.readouterr().err


def test_person_periods_has_the_columns_of_the_fixed_interface_in_order():
    columns = contract_by_table("person_periods").columns
    assert " ".join(column.name for column in columns) == (
        "person_id is_pilot site_id index_date period person_days emergency_admissions "
        "emergency_admissions_zero_night emergency_admissions_overnight elective_admissions "
        "elective_admissions_excluding_chemotherapy regular_attendances outpatient_attendances "
        "outpatient_tele_attendances outpatient_did_not_attend ae_attendances emergency_bed_days "
        "elective_bed_days emergency_readmissions_30_days ambulatory_care_sensitive_admissions died cost_gbp"
    )
    assert contract_by_table("person_periods").primary_key == ("person_id", "index_date", "period")


def test_metric_estimates_has_the_columns_of_the_fixed_interface_in_order():
    columns = contract_by_table("metric_estimates").columns
    assert " ".join(column.name for column in columns) == (
        "metric_id label domain unit priority benefits kind population design estimator is_default estimand "
        "estimand_population pilot_baseline pilot_follow_up comparator_baseline comparator_follow_up change "
        "change_low change_high relative_change_pct relative_low_pct relative_high_pct p_value p_adjusted family "
        "n_pilot n_comparator person_years_pilot person_years_comparator cluster_level n_clusters "
        "minimum_detectable_change_pct interim caution protocol_hash run_id designs_agree bracket_low_pct "
        "bracket_high_pct nominal_level carried_forward_pct carried_forward_low_pct carried_forward_high_pct"
    )


def test_deliveries_has_the_columns_of_the_fixed_interface_in_order_and_three_more_at_the_end():
    columns = contract_by_table("deliveries").columns
    assert " ".join(column.name for column in columns) == (
        "delivery_id extract file_name sha256 received_at period status rows_read rows_accepted rows_quarantined "
        "rows_duplicate rows_superseded rows_unlinked rows_opted_out rows_repaired rows_nulled lines_blank "
        "contract_version run_id refusal_reason pseudonym_key_id status_reason"
    )


def test_data_quality_and_quarantine_summary_have_the_columns_of_the_fixed_interface():
    data_quality = [column.name for column in contract_by_table("data_quality").columns]
    quarantine_summary = [column.name for column in contract_by_table("quarantine_summary").columns]
    assert " ".join(data_quality) == (
        "run_id contract_id table_name rule_id column_name severity dimension evaluated_rows failed_rows "
        "threshold status"
    )
    assert " ".join(quarantine_summary) == "delivery_id rule_id column_name rows"


def test_every_metric_of_person_periods_says_its_unit_domain_kind_extract_and_code_lists():
    metrics = contract_by_table("person_periods").columns[6:]
    folder = contract_by_table("person_periods").path.parents[1] / "code_lists"
    known = {yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in folder.glob("*.yaml")}
    for metric in metrics:
        assert metric.options["metric_domain"] in {"utilisation", "cost", "outcome"}, metric.name
        assert metric.options["metric_kind"] in {"outcome", "process"}, metric.name
        assert metric.options["metric_unit"], metric.name
        assert metric.options["metric_extract"] in {"admissions", "outpatients", "emergency_care", "population"}
        assert set(metric.options["metric_code_lists"]) <= known, metric.name


def test_person_months_counts_what_person_periods_counts():
    periods, months = contract_by_table("person_periods"), contract_by_table("person_months")
    counted = [(column.name, column.sql_type, column.description) for column in periods.columns[6:]]
    assert [(column.name, column.sql_type, column.description) for column in months.columns[8:]] == counted


def test_comparison_with_published_begins_with_the_columns_of_published_results():
    published, comparison = contract_by_table("published_results"), contract_by_table("comparison_with_published")
    shared = comparison.columns[: len(published.columns)]
    assert [(column.name, column.sql_type) for column in shared] == [
        (column.name, column.sql_type) for column in published.columns
    ]


def test_every_published_table_has_a_primary_key_and_no_column_calls_anything_significant():
    for contract in published_contracts():
        assert contract.primary_key, contract.table
        assert not [column.name for column in contract.columns if "significan" in column.name + column.description]
