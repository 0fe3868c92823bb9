"""What Dagster shows of every asset: whose it is, its columns, the version of its code, how old it may be."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.contracts import contract_by_table, source_contract
from pipelines.definitions import build_definitions, recorded_warehouse
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
