"""How amounts and foreign texts are shown in messages: masked, on one line, without markup."""

import re

from pipelines.masking import masked_count, masked_part, masked_share

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


def amount(failed: int, evaluated: int) -> str:
    """How much failed, as rows and share, masked.

    >>> amount(20, 1000), amount(997, 1000)
    ('20 of 1000 rows (2.0%)', 'all but 1 to 7 of 1000 rows (above 99.2%)')
    """
    share = masked_share(failed, evaluated)
    return f"{masked_part(failed, evaluated)} of {masked_count(evaluated)} rows ({share})"
