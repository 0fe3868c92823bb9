"""The version of the code behind one module: what it imports of ours counts, and nothing else of the project."""

import ast
import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pipelines.fingerprint import CHECKOUT

PACKAGES = ("pipelines", "assets", "evaluation")


def version_of(module: str) -> str:
    """First 12 hex of a hash over a module, all of ours that it imports, contracts, code lists and pinned libraries."""
    paths = [_modules()[name] for name in sorted(imported_by(module))]
    digest = hashlib.sha256(_data_version().encode())
    for path in paths:
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def imported_by(module: str) -> frozenset[str]:
    """The module itself and our modules that it imports, directly or through others; packages run on the way too.

    `assets` is left out: it lists every asset, and no asset needs the list.
    """
    found: set[str] = set()
    left = {module}
    while left:
        found |= left
        left = {name for one in left for name in _imports(one)} - found
    return frozenset(found)


@cache
def _imports(module: str) -> frozenset[str]:
    named = {".".join(module.split(".")[:end]) for end in range(1, module.count(".") + 1)}
    for node in ast.walk(ast.parse(_modules()[module].read_bytes())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(named & _modules().keys() - {"assets"})


@cache
def _modules() -> MappingProxyType[str, Path]:
    paths = [path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py")]
    return MappingProxyType(
        {".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    )


@cache
def _data_version() -> str:
    digest = hashlib.sha256((CHECKOUT / "requirements.lock").read_bytes())
    for path in sorted((CHECKOUT / "data_contracts").rglob("*.*")):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
