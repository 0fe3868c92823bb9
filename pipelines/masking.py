"""The one way in which counts of people or rows are shown in logs, messages and on the terminal."""

SMALLEST_SHOWN = 8


def masked_count(count: int) -> str:
    """`count` as text, 1 to 7 as `1 to 7`; exact counts live in Parquet and DuckDB only.

    >>> masked_count(0), masked_count(3), masked_count(12345)
    ('0', '1 to 7', '12345')
    """
    return "1 to 7" if 0 < count < SMALLEST_SHOWN else str(count)


def masked_share(failed: int, evaluated: int) -> str:
    """`failed` of `evaluated` as a percentage; where either is 1 to 7, only a bound that does not give it away.

    >>> masked_share(20, 1000), masked_share(3, 1000), masked_share(0, 1000)
    ('2.0%', 'below 0.8%', '0.0%')
    """
    if evaluated < SMALLEST_SHOWN:
        return "too few rows for a share" if evaluated else "nothing evaluated"
    if 0 < failed < SMALLEST_SHOWN:
        return f"below {max(100 * SMALLEST_SHOWN / evaluated, 0.1):.1f}%"
    return f"{100 * failed / evaluated:.1f}%"


def row_metadata(rows: int) -> dict[str, int | str]:
    """The number of rows as metadata of an asset, which stands in the event log: 1 to 7 as `1 to 7`."""
    shown = masked_count(rows)
    return {"rows": rows if shown == str(rows) else shown}
