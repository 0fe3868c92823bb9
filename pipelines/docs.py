"""Generated pages, all from the definitions themselves: `make docs` writes them, a test holds them fresh."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from assets import ALL_ASSETS
from pipelines.cli import icp
from pipelines.contracts import published_contracts
from pipelines.fingerprint import CHECKOUT
from pipelines.lineage import lineage_nodes, lineage_svg
from pipelines.rules_docs import rules_page
from pipelines.simulation_docs import simulation_page
from pipelines.tables_docs import table_pages

DOCS = CHECKOUT / "docs"


def generated_pages() -> Mapping[str, str]:
    """Text of every generated page by its path below `docs/`."""
    pages = {f"tables/{name}": text for name, text in table_pages(published_contracts()).items()}
    lineage = lineage_svg(lineage_nodes(ALL_ASSETS))
    return {
        **pages,
        "rules.md": rules_page(),
        "lineage.svg": lineage,
        "commands.md": _commands(),
        "simulation-study.md": simulation_page(),
    }


def write_pages(folder: Path = DOCS) -> int:
    """Writes every generated page and removes pages of tables that are gone; returns how many were written."""
    pages = generated_pages()
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for page in (folder / "tables").glob("*.md"):
        if f"tables/{page.name}" not in pages:
            page.unlink()
    return len(pages)


def _commands() -> str:
    parts = ["# Commands", "", "Generated from the commands themselves by `make docs`.", ""]
    parts += _help_section("icp", icp, None)
    context = click.Context(icp, info_name="icp")
    for name in icp.list_commands(context):
        command = icp.get_command(context, name)
        if command is not None:
            parts += _help_section(f"icp {name}", command, context)
    return "\n".join(parts)


def _help_section(title: str, command: click.Command, parent: click.Context | None) -> list[str]:
    context = click.Context(
        command,
        info_name=title.split()[-1],
        parent=parent,
        terminal_width=100,
        help_option_names=["-h", "--help"],
    )
    return [f"## {title}", "", "```text", command.get_help(context), "```", ""]


if __name__ == "__main__":
    sys.stdout.write(f"{write_pages()} pages written to docs/\n")
