"""Read one contract file and check everything that the standard's own models leave open."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard, SchemaProperty
from pydantic import ValidationError

from pipelines.contracts.model import Column, Contract, ContractError
from pipelines.contracts.subset import API_VERSION, LOGICAL_TYPES, STATUSES, check_keys
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
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


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
    ]
    for key, value, allowed in expected:
        if value not in allowed:
            raise ContractError(f"{path.name}: {key} is {value}", f"expected: {' or '.join(allowed)}")


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
    )


def _check_type(file: str, place: str, column: SchemaProperty) -> None:
    physical, logical = column.physicalType, column.logicalType
    if physical not in LOGICAL_TYPES:
        known = ", ".join(LOGICAL_TYPES)
        raise ContractError(f"{file}: {place}: physicalType {physical} is not used here", f"types: {known}")
    if logical != LOGICAL_TYPES[physical]:
        message = f"{file}: {place}: logicalType {logical} does not agree with physicalType {physical}"
        raise ContractError(message, f"expected: {LOGICAL_TYPES[physical]}")


def _options(file: str, place: str, custom: list[CustomProperty] | None) -> dict[str, Any]:
    _refuse_repeats(file, f"{place}: custom property", (entry.property for entry in custom or ()))
    return {entry.property: entry.value for entry in custom or ()}


def _refuse_repeats(file: str, what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ContractError(f"{file}: {what} {name} stands twice", "each may stand once")


def _one_line(text: str) -> str:
    return " ".join(text.split())
