"""What a delivery's file name says: its natural order, its period and its version."""

import re
from datetime import date

from pipelines.reading.delivery import Period

_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
_PERIOD = re.compile(rf"(?:^|_)({_MONTH})(?:_to_({_MONTH}))?(?:_v(\d+))?\.[^/]+$", re.IGNORECASE)
_VERSION = re.compile(r"_v(\d+)\.[^/]+$", re.IGNORECASE)
UNVERSIONED = 1


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key under which `part_9.csv` comes before `part_10.csv`; case decides last.

    Example: natural_key("part_9.csv") < natural_key("part_10.csv").
    """
    pieces = re.findall(r"\d+|\D+", name.casefold())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces), name


def period_in_name(name: str) -> Period | None:
    """The months that a name such as `apc_2009-04_to_2010-03_v2.csv` says, None if it says none.

    A period that ends before it starts is none.
    """
    found = _PERIOD.search(name)
    if found is None:
        return None
    first, last = _month(found[1]), _month(found[2] or found[1])
    return Period(first=first, last=last) if first <= last else None


def version_in_name(name: str) -> int:
    """N of `_v<N>` before the extension; 1 where the name has none."""
    found = _VERSION.search(name)
    return int(found[1]) if found else UNVERSIONED


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")
