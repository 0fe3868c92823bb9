"""SQL models: one file is one table; what each says of itself and which tables it reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from pipelines.errors import IcpError

SQL_FOLDER = Path(__file__).resolve().parents[1] / "sql"
LAYERS = ("staging", "intermediate", "marts")


class ModelError(IcpError):
    """An SQL model that cannot be read, does not describe itself, or depends on itself."""


@dataclass(frozen=True)
class SqlModel:
    """One table: the query that fills it, and its header lines.

    `description` is the first comment line, `grain` what one row is, `contract` the path of the contract that a
    published table keeps (None for the others), `depends_on` the tables that the query reads, sorted. A model whose
    header says `kind: view` is not stored but asked anew.
    """

    name: str
    layer: str
    path: Path
    sql: str
    description: str
    grain: str
    contract: str | None
    depends_on: tuple[str, ...]
    is_view: bool = False


@cache
def load_models(folder: Path = SQL_FOLDER) -> tuple[SqlModel, ...]:
    """Every `<layer>/<table>.sql` of a folder, by layer and name; ModelError for a file that breaks the form.

    A folder is read once in a process: parsing all models takes a second.
    """
    files = [path for layer in LAYERS for path in sorted((folder / layer).glob("*.sql"))]
    models = tuple(_load(path) for path in files)
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"sql: {twice[0]} stands in two layers", "one file is one table: rename one of them")
    return models


def in_dependency_order(models: Iterable[SqlModel]) -> tuple[SqlModel, ...]:
    """The models so that each comes after those it reads; ties by name, so that every run takes one order."""
    by_name = {model.name: model for model in sorted(models, key=lambda model: model.name)}
    sorter = TopologicalSorter(
        {name: [table for table in model.depends_on if table in by_name] for name, model in by_name.items()}
    )
    try:
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as error:
        raise ModelError(f"sql: models read each other in a circle: {' -> '.join(error.args[1])}") from None


def needed_for(tables: Iterable[str]) -> tuple[SqlModel, ...]:
    """Our models that make some tables, with all that those read, in dependency order."""
    by_name = {model.name: model for model in load_models()}
    found: set[str] = set()
    left = {name for name in tables if name in by_name}
    while left:
        found |= left
        left = {read for name in left for read in by_name[name].depends_on if read in by_name} - found
    return in_dependency_order(by_name[name] for name in found)


def _load(path: Path) -> SqlModel:
    sql = path.read_text(encoding="utf-8")
    header = _header(sql, path=path)
    return SqlModel(
        name=path.stem,
        layer=path.parent.name,
        path=path,
        sql=sql.rstrip().removesuffix(";"),
        description=header["description"],
        grain=header["grain"],
        contract=None if header["contract"].startswith("none") else header["contract"],
        depends_on=_tables_read(sql, path=path),
        is_view=header.get("kind") == "view",
    )


def _header(sql: str, *, path: Path) -> dict[str, str]:
    comments = takewhile(lambda line: line.startswith("--"), sql.splitlines())
    lines = [line.removeprefix("--").strip() for line in comments]
    header = {"description": lines[0] if lines else ""}
    for line in lines[1:]:
        key, _, value = line.partition(":")
        header.setdefault(key.strip(), value.strip())
    missing = [key for key in ("description", "grain", "contract") if not header.get(key)]
    if missing:
        raise ModelError(
            f"sql/{path.parent.name}/{path.name}: the header lacks its {missing[0]}",
            "a model starts with a sentence, `-- grain:` and `-- contract:` (a path, or none)",
        )
    return header


def _tables_read(sql: str, *, path: Path) -> tuple[str, ...]:
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"sql/{path.parent.name}/{path.name}: not a query: {reason}") from None
    sources = (source for scope in traverse_scope(query) for source in scope.sources.values())
    return tuple(sorted({source.name for source in sources if isinstance(source, exp.Table)}))
