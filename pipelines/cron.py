"""Times of a schedule in the five fields of cron: minute, hour, day of month, month, day of week."""

import re
from collections.abc import Mapping
from types import MappingProxyType

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: Mapping[str, tuple[int, int, tuple[str, ...]]] = MappingProxyType(
    {
        "minute": (0, 59, ()),
        "hour": (0, 23, ()),
        "day of month": (1, 31, ()),
        "month": (1, 12, MONTHS),
        "day of week": (0, 7, DAYS),
    }
)
_PART = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>[0-9]+))?")


def checked_cron(text: str) -> str:
    """The times as written; ValueError names the field that no clock can follow.

    >>> checked_cron("0 6 * * mon")
    '0 6 * * mon'
    """
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"expected five fields ({', '.join(FIELDS)}), such as 0 6 * * 1 for Mondays at 6")
    for field, (name, (low, high, words)) in zip(fields, FIELDS.items(), strict=True):
        if not all(_is_valid(part, low, high, words) for part in field.split(",")):
            raise ValueError(f"{field} is no {name}: expected {low} to {high}, *, a-b, a,b or */n")
    return text


def _is_valid(part: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    found = _PART.fullmatch(part.lower())
    if found is None or (found["first"] == "*" and found["last"]):
        return False
    ends = [_number(end, low, words) for end in (found["first"], found["last"]) if end and end != "*"]
    known = [end for end in ends if end is not None]
    step = int(found["step"]) if found["step"] else 1
    return known == ends == sorted(known) and all(low <= end <= high for end in known) and 1 <= step <= high


def _number(text: str, low: int, words: tuple[str, ...]) -> int | None:
    if text in words:
        return words.index(text) + low
    return int(text) if text.isascii() and text.isdecimal() else None
