"""What a contract says, after it was read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import StudyError


class ContractError(StudyError):
    """A contract file that is not in the subset of the Open Data Contract Standard that we use."""


@dataclass(frozen=True)
class QualityLimit:
    """What a contract says of one rule: a failed share of rows above `threshold` (0 to 1) breaks it.

    `severity` error keeps a run from publishing, warning does not; `columns` are those of a rule about several.
    """

    rule_id: str
    severity: str
    threshold: float
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One column: `sql_type` is the DuckDB type, `valid` the closed list of codes (empty: any value)."""

    name: str
    sql_type: str
    description: str
    label: str
    is_required: bool = False
    is_primary_key: bool = False
    valid: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    quality: tuple[QualityLimit, ...] = ()


@dataclass(frozen=True)
class Contract:
    """One table, view or source extract; `sha256` is that of what the file says, its quality limits left out.

    Another limit changes how data are judged, not how they are read: nothing is read again for it.
    """

    id: str
    title: str
    version: str
    status: str
    table: str
    description: str
    limitations: str
    grain: str
    columns: tuple[Column, ...]
    options: Mapping[str, Any]
    path: Path
    sha256: str
    kind: str = "table"
    quality: tuple[QualityLimit, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns that together tell one row from another."""
        return tuple(column.name for column in self.columns if column.is_primary_key)

    @property
    def is_view(self) -> bool:
        """True for a published view over other published tables."""
        return self.kind == "view"

    @property
    def is_draft(self) -> bool:
        """True while nothing fills the table yet."""
        return self.status == "draft"
