"""Are the cookbook's queries true? Each one is run on the published file of a demo study."""

import re
from pathlib import Path

import duckdb
import pytest

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook.md"
RECIPE = re.compile(
    r"^## (?P<title>[^\n]+)\n(?P<sentence>(?=\S)(?:(?!```|\n## ).)+?)\n\n```sql\n(?P<query>.*?)\n```$", re.M | re.S
)


def recipes(markdown: str) -> dict[str, str]:
    """Each recipe's query by its title: a heading, a sentence, then a fenced block of SQL."""
    return {found["title"]: found["query"] for found in RECIPE.finditer(markdown)}


QUERIES = recipes(COOKBOOK.read_text(encoding="utf-8"))


def test_every_sql_block_of_the_cookbook_is_a_recipe_and_there_are_seventeen():
    assert COOKBOOK.read_text(encoding="utf-8").count("```sql") == len(QUERIES) == 17


@pytest.mark.parametrize("title", list(QUERIES))
def test_a_recipe_of_the_cookbook_returns_rows_from_a_published_file(title: str, published_demo: Path):
    with duckdb.connect(published_demo, read_only=True) as connection:
        assert connection.sql(QUERIES[title]).fetchall()


def test_a_heading_a_sentence_and_a_query_make_a_recipe():
    page = "# Page\n\n## 1. How many?\nAll of them,\nonce.\n\n```sql\nselect count(*)\nfrom people\n```\n"
    assert recipes(page) == {"1. How many?": "select count(*)\nfrom people"}


def test_a_query_without_a_sentence_is_no_recipe():
    assert recipes("## 1. How many?\n\n```sql\nselect 1\n```\n") == {}


def test_a_block_in_another_language_is_no_recipe():
    assert recipes("## 1. How many?\nAll of them.\n\n```python\nlen(people)\n```\n") == {}
