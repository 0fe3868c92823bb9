"""Is what README says true: its links, its commands, its queries, its exit codes."""

import re
from pathlib import Path

import click
import duckdb
import pytest

from pipelines.cli import icp
from pipelines.contracts import published_contracts
from pipelines.errors import DataQualityError, IcpError, StudyError
from pipelines.fingerprint import CHECKOUT

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_command_that_readme_uses_exists():
    used = set(re.findall(r"\bicp ([a-z]+)\b", README))
    known = set(icp.list_commands(click.Context(icp)))
    assert used <= known
    assert {"init", "run", "check", "results", "quarantine"} <= used


def test_every_make_target_that_readme_uses_exists():
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", README)) - {"s"}:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_folder_that_readme_names_exists():
    for folder in re.findall(r"^\| `([a-z_]+/)` \|", README, re.M):
        assert (CHECKOUT / folder).is_dir(), folder


def test_the_exit_codes_are_those_of_the_errors():
    table = dict(re.findall(r"^\| (\d) \| (.+) \|$", README, re.M))
    assert (IcpError.exit_code, StudyError.exit_code, DataQualityError.exit_code) == (1, 2, 3)
    assert set(table) == {"0", "1", "2", "3"}


def test_the_query_of_readme_runs_on_a_published_file(published_demo: Path):
    query = re.search(r'evaluation\.sql\("(select [^"]+)"\)', README).group(1)
    with duckdb.connect(published_demo, read_only=True) as evaluation:
        assert evaluation.sql(query).pl().height > 0


def test_the_tables_that_readme_names_are_published():
    tables = {contract.table for contract in published_contracts()}
    start = re.search(r"In the published file start with (.+?)\. Every table", README, re.S).group(1)
    named = set(re.findall(r"`([a-z_]+)`", start))
    assert named
    assert named <= tables
