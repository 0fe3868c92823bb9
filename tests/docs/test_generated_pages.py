"""Are the generated pages those that the definitions give today?"""

from pathlib import Path

from pipelines.contracts import published_contracts
from pipelines.docs import DOCS, generated_pages, write_pages


def test_every_generated_page_is_fresh():
    stale = [name for name, text in generated_pages().items() if _text(DOCS / name) != text]
    assert stale == [], "run `make docs`"


def test_no_page_is_left_of_a_table_that_is_gone():
    assert {f"tables/{path.name}" for path in (DOCS / "tables").glob("*.md")} <= set(generated_pages())


def test_every_published_column_stands_on_its_tables_page():
    pages = generated_pages()
    for contract in published_contracts():
        for column in contract.columns:
            row = f"| `{column.name}` | {column.sql_type} |"
            assert row in pages[f"tables/{contract.table}.md"], f"{contract.table}.{column.name}"


def test_the_page_of_a_table_that_is_gone_is_removed(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "gone.md").write_text("old")
    assert write_pages(tmp_path) == len(generated_pages())
    assert not (tmp_path / "tables" / "gone.md").exists()


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
