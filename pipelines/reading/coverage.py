"""Which months an extract holds data for: outside them a count is unknown, not zero."""

from collections.abc import Iterable
from datetime import date

import duckdb
import polars as pl

from pipelines.contracts import Contract
from pipelines.reading.delivery import Delivery, Period
from pipelines.reading.ledger import current
from pipelines.reading.typing_sql import places
from pipelines.reading.value import lake_name, quoted

DENSE = 5.0
SCHEMA = {"extract": pl.String, "month": pl.Date}


def coverage(
    connection: duckdb.DuckDBPyConnection,
    *,
    extract: str,
    contract: Contract,
    deliveries: Iterable[Delivery],
    window: tuple[date, date],
) -> pl.DataFrame:
    """Covered months of an extract within the window of its first and last needed month: extract, month.

    A delivery with a period covers its months. Those without one cover the window together, but not the
    months before their first, after their last or between their dated records that hold none, where months
    that hold some hold five or more on average: a zero would then be seen by chance less than once in a
    hundred (Poisson: exp(-5) = 0.007).
    """
    counting = [delivery for delivery in current(deliveries) if delivery.extract == extract]
    needed = list(Period(window[0].replace(day=1), window[1].replace(day=1)).months())
    labelled = {month for delivery in counting if delivery.period for month in delivery.period.months()}
    unlabelled = [delivery for delivery in counting if delivery.period is None]
    observed = _observed_months(connection, contract, unlabelled) if unlabelled else {}
    is_dense = bool(observed) and sum(observed.values()) >= DENSE * len(observed)
    covered = [month for month in needed if month in labelled or (unlabelled and (not is_dense or month in observed))]
    return pl.DataFrame({"extract": [extract] * len(covered), "month": covered}, schema=SCHEMA)


def _observed_months(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: list[Delivery]
) -> dict[date, int]:
    """Number of dated records by month; the date is the first column of the contract that places every record.

    A record that came several times counts once, as its last delivery has it: its key is the contract's first column.
    """
    dated = next(c for c in contract.columns if c.sql_type == "DATE" and places(c) == "true")
    day, key = quoted(lake_name(dated)), quoted(lake_name(contract.columns[0]))
    files = [str(delivery.records) for delivery in sorted(deliveries, key=lambda delivery: delivery.position or 0)]
    rows = connection.execute(
        f"""select date_trunc('month', day)::date as month, count(*)
        from (
            select arg_max({day}, list_position($files, filename)) as day
            from read_parquet($files, filename = true)
            group by {key}
        )
        group by month""",
        {"files": files},
    ).fetchall()
    return dict(rows)
