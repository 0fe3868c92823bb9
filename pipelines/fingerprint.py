"""What a run depends on, as one hash: the same hash means that a run would change nothing."""

import hashlib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `icp --help` needs the release only, not all that a study's protocol is checked with
    from pipelines.study import Study

CHECKOUT = Path(__file__).parent.parent
FROZEN_DESIGN = Path("frozen_design", "design.json")
CODE_FOLDERS = ("pipelines", "assets", "evaluation", "sql", "data_contracts")


def code_version() -> str:
    """First 12 hex of a hash over the project's own code, SQL, contracts and pinned libraries."""
    files = [CHECKOUT / "requirements.lock"]
    for folder in CODE_FOLDERS:
        files += [path for path in (CHECKOUT / folder).rglob("*") if path.suffix in {".py", ".sql", ".yaml", ".csv"}]
    return _hash_contents(sorted(files), CHECKOUT)[:12]


def inputs_fingerprint(study: "Study", *, key_id: str) -> str:
    """Hash of the study's own files and frozen design by content, its extracts by name, size and time, key id, code."""
    named = [study.root / name for name in (study.protocol.sites, study.protocol.prices) if name]
    small = [path for path in study.root.glob("*") if path.suffix in {".yaml", ".csv"}]
    small += (study.root / "instruments").glob("*.yaml")
    digest = hashlib.sha256(_hash_contents(sorted({*small, *named}), study.root).encode())
    for extract in study.protocol.extracts:
        for path in sorted(study.extract_folder(extract).rglob("*")):
            if path.is_file():
                state = path.stat()
                digest.update(os.fsencode(path.relative_to(study.root)))
                digest.update(f"\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    digest.update(f"{key_id}\0{code_version()}".encode())
    frozen = study.output / FROZEN_DESIGN
    digest.update(frozen.read_bytes() if frozen.is_file() else b"")
    return digest.hexdigest()


def _hash_contents(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(root) if path.is_relative_to(root) else path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def release() -> str:
    """The release number in `pyproject.toml`."""
    return str(tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
