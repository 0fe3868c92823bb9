"""How many records were refused, by delivery, rule and column: counts only."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from pipelines.reading.delivery import Delivery
from pipelines.reading.value import literal, quoted

VIEW = {
    "delivery_id": "VARCHAR",
    "extract": "VARCHAR",
    "file_name": "VARCHAR",
    "record": "BIGINT",
    "line": "BIGINT",
    "rule_id": "VARCHAR",
    "also_failed": "VARCHAR",
    "column_name": "VARCHAR",
    "original_text": "VARCHAR",
    "person_id": "VARCHAR",
    "provider_code": "VARCHAR",
    "activity_date": "DATE",
}
SCHEMA = {"delivery_id": pl.String, "rule_id": pl.String, "column_name": pl.String, "rows": pl.Int64}


def quarantine_files(deliveries: Iterable[Delivery]) -> dict[str, Delivery]:
    """The lake's quarantine files with their deliveries; superseded ones are in it, a file that came twice once."""
    return {
        str(delivery.quarantine): delivery
        for delivery in deliveries
        if delivery.is_read and delivery.status != "duplicate_file" and delivery.quarantine
    }


def create_quarantine_view(connection: duckdb.DuckDBPyConnection, *, name: str, deliveries: Iterable[Delivery]) -> None:
    """Create the view `name` over the quarantined records of all deliveries, superseded ones too: sensitive.

    Columns as in `VIEW`; no rows where nothing was quarantined.
    """
    empty = ", ".join(f"null::{sql_type} as {column}" for column, sql_type in VIEW.items())
    selects = [f"select {empty} where false"]
    for path, delivery in quarantine_files(deliveries).items():
        named = f"{literal(delivery.extract)} as extract, {literal(delivery.file_name)} as file_name"
        selects.append(f"select {named}, * from read_parquet({literal(path)})")
    body = "\nunion all by name\n".join(selects)
    connection.execute(f"create or replace view {quoted(name)} as\n{body}")


def summarise_quarantine(connection: duckdb.DuckDBPyConnection, deliveries: Iterable[Delivery]) -> pl.DataFrame:
    """Quarantined records under their first rule: delivery_id, rule_id, column_name (`*`: the record), rows.

    Superseded deliveries are in it, a file that arrived twice once.
    """
    files = list(quarantine_files(deliveries))
    if not files:
        return pl.DataFrame(schema=SCHEMA)
    return connection.execute(
        "select delivery_id, rule_id, column_name, count(*) as rows from read_parquet($files) "
        "group by delivery_id, rule_id, column_name order by delivery_id, rule_id, column_name",
        {"files": files},
    ).pl()


def write_quarantine_file(connection: duckdb.DuckDBPyConnection, *, view: str, path: Path) -> None:
    """Write all quarantined records of a view into one Parquet file that only its owner may read: sensitive."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    connection.execute(
        f"copy (select * from {quoted(view)} order by extract, file_name, record) to {literal(str(aside))} "
        "(format parquet, compression zstd, overwrite_or_ignore true)"
    )
    aside.chmod(0o600)
    aside.replace(path)
