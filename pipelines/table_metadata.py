"""What Dagster shows of a table that a step has made: its rows, masked, and its columns."""

from functools import cache
from types import MappingProxyType

import dagster as dg
import polars as pl

from pipelines.contracts import Contract, published_contracts, source_contract
from pipelines.masking import masked_count, row_metadata
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.warehouse import Warehouse

COLUMN_SCHEMA = "dagster/column_schema"
DELIVERED = "extracts"
Metadata = dict[str, dg.TableSchema | dg.TableMetadataValue | int | str]


def written(warehouse: Warehouse, table: str, frame: pl.DataFrame) -> Metadata:
    """Replaces a table of the working file by a frame; returns what Dagster shows of it."""
    warehouse.write(table, frame)
    return table_metadata(warehouse, table)


def table_metadata(warehouse: Warehouse, table: str) -> Metadata:
    """Rows of a table or view, 1 to 7 as `1 to 7`, and its columns: as promised, else as DuckDB has them."""
    return {**row_metadata(warehouse.count(table)), COLUMN_SCHEMA: promised_schema(table) or _found(warehouse, table)}


def frame_metadata(frame: pl.DataFrame) -> Metadata:
    """The same of a frame that goes into a file of its own."""
    columns = [dg.TableColumn(name=name, type=str(kind)) for name, kind in frame.schema.items()]
    return {**row_metadata(frame.height), COLUMN_SCHEMA: dg.TableSchema(columns)}


def rows_by_table(warehouse: Warehouse, tables: list[str]) -> dg.TableMetadataValue:
    """Rows of several tables, masked, as a table."""
    records = [dg.TableRecord({"table": name, "rows": masked_count(warehouse.count(name))}) for name in tables]
    return dg.MetadataValue.table(records)


def promised_schema(asset: str) -> dg.TableSchema | None:
    """Columns with their descriptions, where a contract promises them."""
    contract = _contracts().get(asset)
    return _table_schema(contract) if contract else None


def _found(warehouse: Warehouse, table: str) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name=name, type=kind) for name, kind in warehouse.columns(table).items()])


@cache
def _contracts() -> MappingProxyType[str, Contract]:
    published = {contract.table: contract for contract in published_contracts()}
    sources = {role: source_contract(name) for role, name in EXTRACT_CONTRACTS.items()}
    delivered = {f"{DELIVERED}/{role}": contract for role, contract in sources.items()}
    lake = {f"lake_{role}": contract for role, contract in sources.items()}
    return MappingProxyType({**published, **delivered, **lake})


def _table_schema(contract: Contract) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=column.name,
                type=column.sql_type,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.is_required),
            )
            for column in contract.columns
        ]
    )
