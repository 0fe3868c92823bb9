"""What Dagster shows of every asset: whose it is, its columns, the version of its code, how old it may be."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.code_versions import imported_by, version_of
from pipelines.contracts import contract_by_table, published_contracts, source_contract
from pipelines.dagster_home import dagster_instance
from pipelines.definitions import build_definitions, recorded_warehouse
from pipelines.run import run_study
from pipelines.study import load_study
from tests.tiny_study import PROTOCOL, write_tiny_study


def specs_of(folder: Path) -> dict[str, dg.AssetSpec]:
    study = load_study(folder)
    found = build_definitions(study=study, warehouse=recorded_warehouse(study)).resolve_all_asset_specs()
    return {"/".join(spec.key.path): spec for spec in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_tiny_study(tmp_path_factory.mktemp("described") / "study")


@pytest.fixture(scope="module")
def specs(folder) -> dict[str, dg.AssetSpec]:
    return specs_of(folder)


def test_loading_the_definitions_touches_neither_lock_nor_working_file(folder, specs):
    assert specs
    assert not (folder / "output").exists()


def test_every_asset_has_an_owner_a_kind_and_a_group(specs):
    for name, spec in specs.items():
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name not in (None, "default"), name


def test_every_asset_that_is_made_has_a_version_of_its_code(specs):
    for name, spec in specs.items():
        assert bool(spec.code_version) == (spec.group_name != "extracts"), name


@pytest.mark.parametrize(
    ("asset", "contract"),
    [
        ("person_periods", contract_by_table("person_periods")),
        ("metric_estimates", contract_by_table("metric_estimates")),
        ("lake_admissions", source_contract("hes_apc")),
        ("extracts/population", source_contract("population")),
    ],
)
def test_an_asset_with_a_contract_shows_the_columns_that_it_promises(specs, asset, contract):
    schema = specs[asset].metadata["dagster/column_schema"]
    assert [(column.name, column.type) for column in schema.columns] == [
        (column.name, column.sql_type) for column in contract.columns
    ]
    assert all(column.description for column in schema.columns)


def test_extracts_and_the_published_file_grow_stale_unless_the_study_is_made_up(specs, tmp_path):
    assert all(spec.freshness_policy is None for spec in specs.values())
    protocol = PROTOCOL.replace("synthetic: true\n", "") + "alerts: {late_after_days: 50}\n"
    real = specs_of(write_tiny_study(tmp_path / "study", protocol=protocol))
    policies = {name: spec.freshness_policy for name, spec in real.items() if spec.freshness_policy}
    assert {"published", "extracts/admissions", "extracts/enrolments"} <= policies.keys()
    assert set(policies.values()) == {dg.FreshnessPolicy.time_window(fail_window=timedelta(days=50))}


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, dict[str, dg.MetadataValue]]:
    """What a run of the tiny study tells Dagster of each asset."""
    study = load_study(write_tiny_study(tmp_path_factory.mktemp("told") / "study"))
    outcome = run_study(study, say=lambda _line: None)
    with dagster_instance(study.output) as instance:
        found = instance.get_records_for_run(outcome.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        made = [record.event_log_entry.asset_materialization for record in found]
    return {"/".join(one.asset_key.path): dict(one.metadata) for one in made}


def test_a_run_tells_the_columns_and_the_rows_of_every_table(specs, told):
    tables = {name for name, spec in specs.items() if spec.group_name != "extracts"} - {"published"}
    assert tables <= told.keys()
    for name in tables:
        assert told[name]["dagster/column_schema"].value.columns, name
        assert "rows" in told[name], name


def test_columns_that_no_contract_promises_are_those_that_the_engine_made(told):
    columns = told["episodes"]["dagster/column_schema"].value.columns
    assert {"episode_start_date": "DATE", "is_regular_attender": "BOOLEAN"}.items() <= {
        column.name: column.type for column in columns
    }.items()
    assert {column.name for column in told["sites"]["dagster/column_schema"].value.columns} >= {"site_id", "area"}
    assert all(column.description for column in told["people"]["dagster/column_schema"].value.columns)


def test_rows_of_views_extracts_and_of_what_is_published_are_told_masked(told):
    assert told["extracts/admissions"]["rows"].value == told["spells"]["rows"].value == "1 to 7"
    assert told["person_months"]["rows"].value == 3 * 12
    published = {record.data["table"]: record.data["rows"] for record in told["published"]["rows_by_table"].records}
    assert (published["people"], published["person_months"]) == ("1 to 7", "36")
    assert published.keys() == {contract.table for contract in published_contracts()} - {"schema_version"}


def test_the_version_of_an_assets_code_is_of_the_modules_that_it_imports():
    matching = imported_by("assets.matching")
    assert {"assets.matching", "pipelines.warehouse", "evaluation.matching.pairs"} <= matching
    assert "assets" not in matching
    assert "pipelines.cli" not in matching
    assert not {name for name in imported_by("assets.ledger") if name.startswith("evaluation.estimation")}
    assert version_of("assets.matching") != version_of("assets.ledger")
