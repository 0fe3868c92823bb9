"""Can a newcomer follow a number through the tree: asset, SQL file, contract and test carry one name."""

from pathlib import Path

import dagster as dg

from assets import ALL_ASSETS, ALL_CHECKS
from pipelines.contracts import published_contracts
from pipelines.fingerprint import CHECKOUT
from pipelines.lineage import lineage_nodes, lineage_svg
from pipelines.models import load_models

SPECS = {
    "/".join(spec.key.path): spec
    for asset in ALL_ASSETS
    for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)
}


def test_all_assets_and_checks_load_as_one_graph():
    dg.Definitions.validate_loadable(
        dg.Definitions(ALL_ASSETS, asset_checks=ALL_CHECKS, resources={"study": object(), "warehouse": object()})
    )


def test_every_published_table_that_is_filled_is_an_asset_and_no_draft_is():
    filled = {contract.table for contract in published_contracts() if not contract.is_draft} - {"schema_version"}
    drafts = {contract.table for contract in published_contracts() if contract.is_draft}
    assert filled <= SPECS.keys()
    assert not drafts & SPECS.keys()


def test_every_sql_model_is_an_asset_of_its_layer():
    for model in load_models():
        assert SPECS[model.name].group_name == model.layer


def test_every_model_of_a_published_table_names_a_contract_of_its_own_name():
    published = {contract.table for contract in published_contracts()}
    for model in load_models():
        assert (model.contract is not None) == (model.name in published)
        if model.contract is not None:
            assert model.contract == f"data_contracts/marts/{model.name}.odcs.yaml"
            assert (CHECKOUT / model.contract).is_file()


def test_every_table_that_a_model_reads_is_an_asset():
    for model in load_models():
        assert set(model.depends_on) <= SPECS.keys(), model.name


def test_every_asset_and_check_has_a_description_and_a_group():
    for name, spec in SPECS.items():
        assert spec.description, name
        assert spec.group_name not in (None, "default"), name
    for check in ALL_CHECKS:
        assert all(spec.description for spec in check.check_specs)


def test_emergency_admissions_can_be_found_from_the_tree_alone():
    column, table = "emergency_admissions", "person_periods"
    assert column in (CHECKOUT / "sql" / "marts" / f"{table}.sql").read_text()
    assert f"name: {column}" in (CHECKOUT / "data_contracts" / "marts" / f"{table}.odcs.yaml").read_text()
    assert column in _texts(CHECKOUT / "tests" / "sql")
    assert table in SPECS


def test_the_lineage_picture_shows_every_asset_that_is_no_parameter():
    nodes = lineage_nodes(ALL_ASSETS)
    picture = lineage_svg(nodes)
    for name, spec in SPECS.items():
        if spec.group_name != "parameters":
            assert f">{name}</text>" in picture
    assert {"people", "spells", "person_periods", "published"} <= {node.name for node in nodes}


def _texts(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.glob("test_*.py"))
