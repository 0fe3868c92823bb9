"""How many records were refused, by delivery, rule and column: counts only."""

from collections.abc import Iterable

import duckdb
import polars as pl

from pipelines.reading.delivery import Delivery

SCHEMA = {"delivery_id": pl.String, "rule_id": pl.String, "column_name": pl.String, "rows": pl.Int64}


def summarise_quarantine(connection: duckdb.DuckDBPyConnection, deliveries: Iterable[Delivery]) -> pl.DataFrame:
    """Quarantined records under their first rule: delivery_id, rule_id, column_name (`*`: the record), rows.

    Superseded deliveries are in it, a file that arrived twice once.
    """
    files = [
        str(delivery.quarantine)
        for delivery in deliveries
        if delivery.is_read and delivery.status != "duplicate_file" and delivery.quarantine
    ]
    if not files:
        return pl.DataFrame(schema=SCHEMA)
    return connection.execute(
        "select delivery_id, rule_id, column_name, count(*) as rows from read_parquet($files) "
        "group by delivery_id, rule_id, column_name order by delivery_id, rule_id, column_name",
        {"files": files},
    ).pl()
