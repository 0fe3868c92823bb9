from pipelines.contracts import published_contracts
from pipelines.tables_docs import TABLE_PAGES, table_pages, write_table_pages


def test_the_table_pages_are_those_that_the_contracts_give():
    there = {path.name: path.read_text(encoding="utf-8") for path in TABLE_PAGES.glob("*.md")}
    assert there == table_pages(published_contracts()), "run `make docs`"


def test_every_published_column_stands_on_its_tables_page():
    pages = table_pages(published_contracts())
    for contract in published_contracts():
        for column in contract.columns:
            row = f"| `{column.name}` | {column.sql_type} |"
            assert row in pages[f"{contract.table}.md"], f"{contract.table}.{column.name}"


def test_the_page_of_a_table_that_is_gone_is_removed(tmp_path):
    (tmp_path / "gone.md").write_text("old")
    write_table_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(table_pages(published_contracts()))
