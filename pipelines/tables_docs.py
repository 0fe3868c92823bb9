"""The table pages in `docs/tables/`, made from the contracts of the published tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.contracts import Column, Contract
from pipelines.contracts.comments import NOT_YET_FILLED

ROOT = Path(__file__).resolve().parents[1]
MADE_BY = "<!-- Made from the contracts by `make docs`; change the contract, not this page. -->"
INDEX = f"""{MADE_BY}
# Published tables

The tables of `published/evaluation.duckdb`. Every table and column carries its description as a comment in the file
too: `select table_name, comment from duckdb_tables()`, `select column_name, comment from duckdb_columns()`.
Identifiers and codes are VARCHAR, dates DATE, counts BIGINT, money, rates and estimates DOUBLE, flags BOOLEAN. Null
means unknown or not applicable, as each column says, and never 0. Intervals are 95% intervals.

"""


def table_pages(contracts: Sequence[Contract]) -> Mapping[str, str]:
    """File names and texts of all pages; the same contracts give the same texts."""
    pages = {f"{contract.table}.md": _page(contract) for contract in contracts}
    return {"README.md": _index(contracts), **pages}


def _index(contracts: Sequence[Contract]) -> str:
    rows = [
        (f"[{contract.table}]({contract.table}.md)", contract.description, contract.grain, _filled(contract))
        for contract in contracts
    ]
    return INDEX + markdown_table(("table", "what it holds", "grain", "filled"), rows)


def _filled(contract: Contract) -> str:
    return "not yet" if contract.is_draft else "yes"


def _page(contract: Contract) -> str:
    paragraphs = [
        f"{MADE_BY}\n# {contract.table}: {contract.title}",
        contract.description,
        contract.limitations,
        NOT_YET_FILLED if contract.is_draft else "",
        _facts(contract),
        _columns(contract),
        _metrics(contract),
    ]
    return "\n\n".join(text.rstrip() for text in paragraphs if text) + "\n"


def _facts(contract: Contract) -> str:
    key = ", ".join(f"`{name}`" for name in contract.primary_key)
    facts = [
        f"- Grain: {contract.grain}",
        f"- Primary key: {key}",
        f"- Contract: {_link(contract.path)}, version {contract.version}",
    ]
    model = ROOT / "sql" / "marts" / f"{contract.table}.sql"
    return "\n".join([*facts, f"- SQL model: {_link(model)}"] if model.is_file() else facts)


def _link(path: Path) -> str:
    shown = path.relative_to(ROOT).as_posix()
    return f"[{shown}](../../{shown})"


def _columns(contract: Contract) -> str:
    rows = [
        (f"`{column.name}`", column.sql_type, "no" if column.is_required else "yes", _meaning(column))
        for column in contract.columns
    ]
    return markdown_table(("column", "type", "null", "meaning"), rows)


def _meaning(column: Column) -> str:
    values = f" One of: {', '.join(f'`{value}`' for value in column.valid)}." if column.valid else ""
    return f"**{column.label}.** {column.description}{values}"


def _metrics(contract: Contract) -> str:
    options = {column.name: column.options for column in contract.columns if "metric_unit" in column.options}
    if not options:
        return ""
    keys = ("metric_domain", "metric_kind", "metric_unit", "metric_extract")
    rows = [
        (f"`{name}`", *(option[key] for key in keys), ", ".join(option["metric_code_lists"]))
        for name, option in options.items()
    ]
    header = ("metric", "domain", "kind", "unit of its level", "extract", "code lists")
    return f"## Metrics\n\n{markdown_table(header, rows)}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of a Markdown page; a vertical bar in a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
