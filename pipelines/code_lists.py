"""Code lists: published sets of codes as versioned data, each a table that SQL models join."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import StudyError
from pipelines.strict_yaml import load_mapping, nearest

CODE_LIST_FOLDER = Path(__file__).resolve().parents[1] / "data_contracts" / "code_lists"
SETTINGS = {
    "name": str, "version": str, "source": str, "verified": bool, "description": str, "columns": list, "rows": list,
}  # fmt: skip
Value = str | int | float | bool | None


@dataclass(frozen=True)
class CodeList:
    """One list: what it is, where it comes from, whether it was checked against that source, and its rows."""

    name: str
    version: str
    source: str
    verified: bool
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def table(self) -> str:
        """Name of the warehouse table that holds the rows."""
        return f"code_list__{self.name}"

    def frame(self) -> pl.DataFrame:
        """The rows as a frame: text VARCHAR, whole numbers BIGINT, true and false BOOLEAN."""
        return pl.DataFrame(self.rows, schema=list(self.columns), orient="row", infer_schema_length=None)


@cache
def load_code_lists(folder: Path = CODE_LIST_FOLDER) -> tuple[CodeList, ...]:
    """Every `<name>.yaml` of a folder, by name; StudyError naming file and place for a list out of form."""
    return tuple(_load(path) for path in sorted(folder.glob("*.yaml")))


def code_lists_frame(code_lists: tuple[CodeList, ...]) -> pl.DataFrame:
    """What the lists are, one row a list: list_name, version, source, verified, description."""
    columns = ["list_name", "version", "source", "verified", "description"]
    lists = [(c.name, c.version, c.source, c.verified, c.description) for c in code_lists]
    return pl.DataFrame(lists, schema=columns, orient="row")


def _load(path: Path) -> CodeList:
    content = load_mapping(path)
    _check_settings(content, path=path)
    if content["name"] != path.stem:
        raise StudyError(f"{path.name}: name is {content['name']}", f"expected the file's own: {path.stem}")
    columns = tuple(content["columns"])
    rows = tuple(tuple(row) for row in content["rows"])
    _check_rows(columns, rows, path=path)
    settings = {key: content[key] for key in ("name", "version", "source", "verified", "description")}
    return CodeList(**settings, columns=columns, rows=rows)


def _check_settings(content: dict[str, Any], *, path: Path) -> None:
    for key in content:
        if key not in SETTINGS:
            known = f"known settings: {', '.join(SETTINGS)}"
            raise StudyError(f"{path.name}: {key} is not a known setting", known, *nearest(key, list(SETTINGS)))
    for key, kind in SETTINGS.items():
        if not isinstance(content.get(key), kind):
            raise StudyError(f"{path.name}: {key} is missing or not {_kind_name(kind)}")


def _check_rows(columns: tuple[str, ...], rows: tuple[tuple[Value, ...], ...], *, path: Path) -> None:
    if not rows:
        raise StudyError(f"{path.name}: no rows", "a list without codes selects nothing, silently")
    if len(set(rows)) < len(rows):
        raise StudyError(f"{path.name}: a row stands twice")
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise StudyError(f"{path.name}: row {number} has {len(row)} values, not {len(columns)}")
    for position, column in enumerate(columns):
        kinds = {type(row[position]) for row in rows} - {type(None)}
        if len(kinds) != 1:
            raise StudyError(
                f"{path.name}: column {column} mixes kinds of value", 'write every code in quotes: "11", "2A"'
            )


def _kind_name(kind: type) -> str:
    return {str: "text", bool: "true or false", list: "a list"}[kind]
