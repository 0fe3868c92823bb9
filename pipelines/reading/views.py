"""Views over the lake: what SQL models read of an extract, always there, empty where nothing counts."""

from collections.abc import Iterable, Sequence

import duckdb

from pipelines.contracts import Contract
from pipelines.instruments import Instrument
from pipelines.reading.delivery import Delivery
from pipelines.reading.ledger import current
from pipelines.reading.value import lake_name, literal, quoted


def create_lake_view(
    connection: duckdb.DuckDBPyConnection,
    *,
    name: str,
    contract: Contract,
    deliveries: Iterable[Delivery],
    instruments: Iterable[Instrument] = (),
) -> None:
    """Create the view `name` over the deliveries that count; every column of the contract, whatever there is.

    With `instruments` it is a view of survey answers: over all survey extracts, with the columns `extract` and
    `instrument` and one text column an item, null where an extract does not ask it.
    """
    columns = lake_columns(contract)
    counting = current(deliveries)
    items = dict.fromkeys(item.column.lower() for instrument in instruments for item in instrument.items)
    is_survey = contract.id == "survey"
    if is_survey:
        columns = {"extract": "VARCHAR", "instrument": "VARCHAR", **columns}
        columns |= {item: "VARCHAR" for item in items if item not in columns}
    empty = ", ".join(f"null::{sql_type} as {quoted(column)}" for column, sql_type in columns.items())
    selects = [f"select {empty} where false"]
    for group in _groups(counting):
        selects.append(_select(group, with_extract=is_survey))
    body = "\nunion all by name\n".join(selects)
    connection.execute(f"create or replace view {quoted(name)} as\n{body}")


def lake_columns(contract: Contract) -> dict[str, str]:
    """Names and types of the lake's columns under a contract, in order."""
    own = {lake_name(column): column.sql_type for column in contract.columns}
    return {
        "delivery_id": "VARCHAR",
        "record": "BIGINT",
        **own,
        "nulled_fields": "VARCHAR",
        "repaired_fields": "VARCHAR",
    }


def _groups(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Deliveries whose Parquet has the same columns: those of one extract."""
    groups: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        groups.setdefault(delivery.extract, []).append(delivery)
    return list(groups.values())


def _select(group: Sequence[Delivery], *, with_extract: bool) -> str:
    files = ", ".join(literal(str(delivery.records)) for delivery in group)
    source = f"read_parquet([{files}], union_by_name = true)"
    if not with_extract:
        return f"select * from {source}"
    extract, instrument = group[0].extract, group[0].instrument
    known = "null::varchar" if instrument is None else literal(instrument)
    return f"select {literal(extract)} as extract, {known} as instrument, * from {source}"
