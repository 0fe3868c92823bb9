"""SQL models say what they are, and run in the order in which they read each other."""

from pathlib import Path

import pytest

from pipelines.models import ModelError, in_dependency_order, load_models

HEADER = "-- What it is.\n-- grain: one row per thing\n-- contract: none\n"


def model(folder: Path, name: str, sql: str, *, layer: str = "staging", header: str = HEADER) -> None:
    (folder / layer).mkdir(exist_ok=True)
    (folder / layer / f"{name}.sql").write_text(header + sql, encoding="utf-8")


def test_a_model_carries_its_header_and_the_tables_it_reads(tmp_path: Path) -> None:
    header = (
        "-- Stays.\n-- grain: one row per stay\n-- contract: data_contracts/marts/stays.odcs.yaml\n-- More words.\n"
    )
    query = "with b as (select * from beds) select * from b inner join wards as w on b.ward = w.ward"
    model(tmp_path, "stays", query, layer="marts", header=header)
    (stays,) = load_models(tmp_path)
    assert (stays.name, stays.layer, stays.description, stays.grain) == ("stays", "marts", "Stays.", "one row per stay")
    assert stays.contract == "data_contracts/marts/stays.odcs.yaml"
    assert stays.depends_on == ("beds", "wards")


def test_a_query_named_in_the_model_is_no_table_it_reads_even_if_recursive(tmp_path: Path) -> None:
    model(
        tmp_path, "a", "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select * from n"
    )
    assert load_models(tmp_path)[0].depends_on == ()


def test_models_run_after_those_they_read(tmp_path: Path) -> None:
    model(tmp_path, "a", "select * from c")
    model(tmp_path, "b", "select * from lake", layer="intermediate")
    model(tmp_path, "c", "select * from b", layer="marts")
    assert [m.name for m in in_dependency_order(load_models(tmp_path))] == ["b", "c", "a"]


def test_models_that_read_each_other_are_refused(tmp_path: Path) -> None:
    model(tmp_path, "a", "select * from b")
    model(tmp_path, "b", "select * from a")
    with pytest.raises(ModelError, match=r"in a circle: (a -> b -> a|b -> a -> b)"):
        in_dependency_order(load_models(tmp_path))


@pytest.mark.parametrize(
    ("sql", "header", "message"),
    [
        ("select 1", "-- What it is.\n-- contract: none\n", "sql/staging/a.sql: the header lacks its grain"),
        ("select 1", "", "sql/staging/a.sql: the header lacks its description"),
        ("select from where", HEADER, "sql/staging/a.sql: not a query"),
    ],
)
def test_a_model_out_of_form_is_refused_and_named(tmp_path: Path, sql: str, header: str, message: str) -> None:
    model(tmp_path, "a", sql, header=header)
    with pytest.raises(ModelError) as refusal:
        load_models(tmp_path)
    assert message in str(refusal.value)


def test_one_table_cannot_be_made_by_two_files(tmp_path: Path) -> None:
    model(tmp_path, "a", "select 1")
    model(tmp_path, "a", "select 1", layer="marts")
    with pytest.raises(ModelError, match="a stands in two layers"):
        load_models(tmp_path)


def test_every_shipped_model_reads_only_layers_below_or_beside_it() -> None:
    layers = {"staging": 0, "intermediate": 1, "marts": 2}
    models = {m.name: m for m in load_models()}
    upward = [
        (m.name, table)
        for m in models.values()
        for table in m.depends_on
        if table in models and layers[models[table].layer] > layers[m.layer]
    ]
    assert upward == []


def test_every_shipped_mart_names_a_contract_and_every_contract_that_is_named_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    for m in load_models():
        assert m.contract is not None or m.layer != "marts", m.name
        assert m.contract is None or (root / m.contract).is_file(), m.name
