"""How amounts and foreign texts are shown in messages: masked, on one line, without markup."""

import re

from pipelines.masking import SMALLEST_SHOWN, masked_count, masked_share

LONG_NUMBER = re.compile(r"\d{9,}")
MARKUP = str.maketrans("<>", "()")


def plain(text: str, *, longest: int = 120) -> str:
    """A name or reason that comes from outside as one short line of plain text.

    Angle brackets (mentions and links in chat programs) become round ones, and nine or more digits in a row, which
    could be somebody's number, become `#`.
    """
    one_line = " ".join("".join(c if c.isprintable() else " " for c in text).split()).translate(MARKUP)
    shown = LONG_NUMBER.sub("#########", one_line)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."


def share(failed: int, evaluated: int) -> str:
    """`masked_share`, which also keeps back how many of the rows were good when they are 1 to 7.

    >>> share(20, 1000), share(3, 1000), share(997, 1000)
    ('2.0%', 'below 0.8%', 'above 99.2%')
    """
    if evaluated >= SMALLEST_SHOWN and 0 < evaluated - failed < SMALLEST_SHOWN:
        return f"above {100 - 100 * SMALLEST_SHOWN / evaluated:.1f}%"
    return masked_share(failed, evaluated)


def amount(failed: int, evaluated: int) -> str:
    """How much failed, as rows and share, masked.

    >>> amount(20, 1000), amount(997, 1000)
    ('20 of 1000 rows (2.0%)', 'all but 1 to 7 of 1000 rows (above 99.2%)')
    """
    is_nearly_all = evaluated >= SMALLEST_SHOWN and 0 < evaluated - failed < SMALLEST_SHOWN
    rows = f"all but {masked_count(evaluated - failed)}" if is_nearly_all else masked_count(failed)
    return f"{rows} of {masked_count(evaluated)} rows ({share(failed, evaluated)})"
