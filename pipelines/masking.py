"""The one way in which counts of people or rows are shown in logs, messages and on the terminal."""

from pipelines.protocol import Disclosure

SMALLEST_SHOWN = 8
MIDDLE_OF_MASKED = 4


def masked_count(count: int) -> str:
    """`count` as text, 1 to 7 as `1 to 7`; exact counts live in Parquet and DuckDB only.

    >>> masked_count(0), masked_count(3), masked_count(12345)
    ('0', '1 to 7', '12345')
    """
    return "1 to 7" if 0 < count < SMALLEST_SHOWN else str(count)


def masked_part(part: int, whole: int) -> str:
    """`part` as text where it stands beside its `whole`: neither it nor what is left of the whole is given away.

    >>> masked_part(20, 1000), masked_part(3, 1000), masked_part(997, 1000), masked_part(1000, 1000)
    ('20', '1 to 7', 'all but 1 to 7', '1000')
    """
    return f"all but {masked_count(whole - part)}" if _leaves_few(part, whole) else masked_count(part)


def masked_share(failed: int, evaluated: int) -> str:
    """`failed` of `evaluated` as a percentage; where either or what is left is 1 to 7, only a bound that hides it.

    >>> masked_share(20, 1000), masked_share(3, 1000), masked_share(997, 1000), masked_share(0, 1000)
    ('2.0%', 'below 0.8%', 'above 99.2%', '0.0%')
    """
    if evaluated < SMALLEST_SHOWN:
        return "too few rows for a share" if evaluated else "nothing evaluated"
    if 0 < failed < SMALLEST_SHOWN:
        return f"below {max(100 * SMALLEST_SHOWN / evaluated, 0.1):.1f}%"
    if _leaves_few(failed, evaluated):
        return f"above {min(100 - 100 * SMALLEST_SHOWN / evaluated, 99.9):.1f}%"
    return f"{100 * failed / evaluated:.1f}%"


def shown(count: float, disclosure: Disclosure) -> str:
    """A count of people, rounded so that two of them give no small one back; a small one is hidden.

    >>> [shown(count, Disclosure()) for count in (0, 3, 8, 1234)]
    ['0', '1 to 7', '10', '1,235']
    """
    if count == 0:
        return "0"
    if count <= disclosure.suppress_up_to:
        return f"1 to {disclosure.suppress_up_to}"
    return f"{round(count / disclosure.round_to) * disclosure.round_to:,}"


def drawn_part(part: int, whole: int) -> int:
    """`part` as a picture may show it: 1 to 7, and all but 1 to 7, as if it were 4.

    >>> drawn_part(20, 1000), drawn_part(3, 1000), drawn_part(997, 1000)
    (20, 4, 996)
    """
    if 0 < part < SMALLEST_SHOWN:
        return MIDDLE_OF_MASKED
    return whole - MIDDLE_OF_MASKED if _leaves_few(part, whole) else part


def _leaves_few(part: int, whole: int) -> bool:
    return whole >= SMALLEST_SHOWN and 0 < whole - part < SMALLEST_SHOWN and part >= SMALLEST_SHOWN


def row_metadata(rows: int) -> dict[str, int | str]:
    """The number of rows as metadata of an asset, which stands in the event log: 1 to 7 as `1 to 7`."""
    shown = masked_count(rows)
    return {"rows": rows if shown == str(rows) else shown}
