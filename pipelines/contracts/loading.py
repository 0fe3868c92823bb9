"""Read one contract file and check everything that the standard's own models leave open."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import CustomProperty, DataQuality, OpenDataContractStandard, SchemaProperty
from pydantic import ValidationError

from pipelines.contracts.model import Column, Contract, ContractError, QualityLimit
from pipelines.contracts.subset import API_VERSION, KINDS, LOGICAL_TYPES, QUALITY, SEVERITIES, STATUSES, check_keys
from pipelines.strict_yaml import load_mapping

SUFFIX = ".odcs.yaml"


def load_contract(path: Path) -> Contract:
    """Read a contract in the strict subset of the Open Data Contract Standard 3.2 (one table a file).

    The file is named after the table (`<table>.odcs.yaml`), which is also its id.
    Raises ContractError naming the file, the key and the nearest known one.
    """
    file = path.name
    raw = load_mapping(path)
    check_keys(file, raw)
    odcs = _model(file, raw)
    if len(odcs.schema_) != 1:
        raise ContractError(f"{file}: schema holds {len(odcs.schema_)} tables", "one table a file")
    _check_header(path, odcs)
    table = odcs.schema_[0]
    columns = tuple(_column(file, column) for column in table.properties)
    _refuse_repeats(file, "column", (column.name.lower() for column in columns))
    return Contract(
        id=odcs.id,
        title=odcs.name,
        version=odcs.version,
        status=odcs.status,
        table=table.name,
        description=_one_line(odcs.description.purpose),
        limitations=_one_line(odcs.description.limitations or ""),
        grain=_one_line(table.dataGranularityDescription),
        columns=columns,
        options=_options(file, "customProperties", odcs.customProperties),
        path=path,
        sha256=_content_hash(raw),
        kind=table.physicalType or "table",
        quality=_quality(file, "the table", table.quality),
    )


def _content_hash(raw: dict[str, Any]) -> str:
    canonical = json.dumps(_without_quality(raw), sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_quality(said: Any) -> Any:
    if isinstance(said, dict):
        return {str(key): _without_quality(value) for key, value in said.items() if key != "quality"}
    return [_without_quality(item) for item in said] if isinstance(said, list) else said


def _model(file: str, raw: dict[str, Any]) -> OpenDataContractStandard:
    try:
        return OpenDataContractStandard.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{file}: {place}: {first['msg']}", "text that looks like a number is quoted") from error


def _check_header(path: Path, odcs: OpenDataContractStandard) -> None:
    stem = path.name.removesuffix(SUFFIX)
    expected = [
        ("apiVersion", odcs.apiVersion, (API_VERSION,)),
        ("kind", odcs.kind, ("DataContract",)),
        ("status", odcs.status, STATUSES),
        ("id", odcs.id, (stem,)),
        ("schema.name", odcs.schema_[0].name, (stem,)),
        ("schema.physicalType", odcs.schema_[0].physicalType, (*KINDS, None)),
    ]
    for key, value, allowed in expected:
        if value not in allowed:
            raise ContractError(f"{path.name}: {key} is {value}", f"expected: {' or '.join(filter(None, allowed))}")


def _column(file: str, column: SchemaProperty) -> Column:
    place = f"column {column.name}"
    _check_type(file, place, column)
    valid = tuple(entry.value for entry in column.enum or ())
    synonyms = tuple(entry.synonym for entry in column.synonyms or ())
    for code in valid:
        if not isinstance(code, str):
            raise ContractError(f"{file}: {place}: enum value {code} is not text", f'write it as "{code}"')
    _refuse_repeats(file, f"{place}: enum value", valid)
    _refuse_repeats(file, f"{place}: header", (name.upper() for name in (column.name, *synonyms)))
    return Column(
        name=column.name,
        sql_type=column.physicalType,
        description=_one_line(column.description),
        label=column.businessName,
        is_required=bool(column.required or column.primaryKey),
        is_primary_key=bool(column.primaryKey),
        valid=valid,
        synonyms=synonyms,
        options=_options(file, place, column.customProperties),
        quality=_quality(file, place, column.quality),
    )


def _check_type(file: str, place: str, column: SchemaProperty) -> None:
    physical, logical = column.physicalType, column.logicalType
    if physical not in LOGICAL_TYPES:
        known = ", ".join(LOGICAL_TYPES)
        raise ContractError(f"{file}: {place}: physicalType {physical} is not used here", f"types: {known}")
    if logical != LOGICAL_TYPES[physical]:
        message = f"{file}: {place}: logicalType {logical} does not agree with physicalType {physical}"
        raise ContractError(message, f"expected: {LOGICAL_TYPES[physical]}")


def _quality(file: str, place: str, rules: list[DataQuality] | None) -> tuple[QualityLimit, ...]:
    """The limits of rules that stand at a column or at the table; each rule once."""
    _refuse_repeats(file, f"{place}: quality rule", (str(rule.implementation) for rule in rules or ()))
    return tuple(_limit(file, place, rule) for rule in rules or ())


def _limit(file: str, place: str, rule: DataQuality) -> QualityLimit:
    where = f"{file}: {place}: quality rule {rule.implementation}"
    for key, expected in QUALITY.items():
        if getattr(rule, key) != expected:
            raise ContractError(f"{where}: {key} is {getattr(rule, key)}", f"expected: {expected}")
    if rule.severity not in SEVERITIES:
        raise ContractError(f"{where}: severity is {rule.severity}", f"expected: {' or '.join(SEVERITIES)}")
    percent = float(rule.mustBeLessOrEqualTo or 0)
    if not 0 <= percent <= 100:
        raise ContractError(f"{where}: mustBeLessOrEqualTo is {percent}", "expected: a percentage from 0 to 100")
    columns = tuple((rule.arguments or {}).get("columns", ()))
    return QualityLimit(str(rule.implementation), rule.severity, percent / 100, columns)


def _options(file: str, place: str, custom: list[CustomProperty] | None) -> dict[str, Any]:
    _refuse_repeats(file, f"{place}: custom property", (entry.property for entry in custom or ()))
    return {entry.property: entry.value for entry in custom or ()}


def _refuse_repeats(file: str, what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ContractError(f"{file}: {what} {name} stands twice", "each may stand once")


def _one_line(text: str) -> str:
    return " ".join(text.split())
