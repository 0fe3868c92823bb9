"""The keys of the Open Data Contract Standard 3.2 that our contracts use; all others are refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.contracts.model import ContractError
from pipelines.strict_yaml import nearest

API_VERSION = "v3.2.0"
STATUSES = ("active", "draft")
KINDS = ("table", "view", "file")
SEVERITIES = ("warning", "error")
QUALITY = {"type": "custom", "engine": "great_expectations", "unit": "percent"}
LOGICAL_TYPES = {
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BIGINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "VARCHAR[]": "array",
}


@dataclass(frozen=True)
class Element:
    """One kind of mapping in a contract file: its keys, those it must have, and what stands below it."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    children: Mapping[str, "Element"] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return self.required + self.optional


_CUSTOM_PROPERTY = Element("a custom property", ("property", "value"))
_QUALITY = Element(
    "a quality rule",
    required=("type", "engine", "implementation", "severity", "unit", "mustBeLessOrEqualTo"),
    optional=("arguments",),
)
_COLUMN = Element(
    "a column",
    required=("name", "businessName", "description", "logicalType", "physicalType"),
    optional=("required", "primaryKey", "enum", "synonyms", "quality", "customProperties"),
    children={
        "enum": Element("an enum entry", ("value",)),
        "synonyms": Element("a synonym", ("synonym",)),
        "quality": _QUALITY,
        "customProperties": _CUSTOM_PROPERTY,
    },
)
_TABLE = Element(
    "the schema object",
    required=("name", "dataGranularityDescription", "properties"),
    optional=("physicalType", "quality"),
    children={"properties": _COLUMN, "quality": _QUALITY},
)
CONTRACT = Element(
    "a contract",
    required=("apiVersion", "kind", "id", "name", "version", "status", "description", "schema"),
    optional=("customProperties",),
    children={
        "description": Element("the description", ("purpose",), ("limitations",)),
        "schema": _TABLE,
        "customProperties": _CUSTOM_PROPERTY,
    },
)


def check_keys(file: str, raw: Any, element: Element = CONTRACT, place: str = "") -> None:
    """Refuse unknown and missing keys of `raw`, at every depth; `place` is where it stands."""
    if not isinstance(raw, dict):
        raise ContractError(f"{file}: {place or 'the file'} is not a mapping of keys", _known(element))
    for key in raw:
        if key not in element.keys:
            raise ContractError(f"{file}: {_join(place, key)} is not a known key", *_hints(element, key))
    for key in element.required:
        if raw.get(key) in (None, "") or (raw[key] == [] and key in element.children):
            raise ContractError(f"{file}: {_join(place, key)} is missing", f"{element.name} must have it")
    for key, child in element.children.items():
        for child_place, child_raw in _children(raw.get(key), _join(place, key)):
            check_keys(file, child_raw, child, child_place)


def _children(raw: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(raw, list):
        yield from ((f"{place}[{_index(item, number)}]", item) for number, item in enumerate(raw))
    elif raw is not None:
        yield place, raw


def _index(item: Any, number: int) -> str:
    named = (item.get(key) for key in ("name", "property", "implementation")) if isinstance(item, dict) else ()
    name = next(filter(None, named), None)
    return str(name or number)


def _join(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _known(element: Element) -> str:
    return f"known keys of {element.name}: {', '.join(element.keys)}"


def _hints(element: Element, key: object) -> tuple[str, ...]:
    return (_known(element), *nearest(str(key), list(element.keys)))
