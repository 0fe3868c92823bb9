"""Which deliveries count: repeated files, whole periods replaced, snapshots, overlaps. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

from pipelines.errors import StudyError
from pipelines.reading.delivery import Delivery, Period, RefusedDeliveryError
from pipelines.reading.names import natural_key

_NO_MONTH = date.min


def resolve(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """Final status and position of every delivery; those of several extracts may come together, in any order.

    Positions count from 1 in each extract: by period (none first), then version, then natural order of names,
    so that the order of arrival never matters. Of equal content one counts, the others are `duplicate_file`.
    Of one period, and of a snapshot, only the last counts; a period that overlaps an earlier one without
    being equal is refused.
    """
    ordered = sorted(deliveries, key=lambda delivery: (delivery.extract, _order(delivery)))
    resolved: list[Delivery] = []
    for _, group in groupby(ordered, key=lambda delivery: delivery.extract):
        placed = [replace(delivery, position=number) for number, delivery in enumerate(group, start=1)]
        resolved += _without_overlaps(_with_replaced(_with_repeated(placed)))
    return tuple(resolved)


def current(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """The deliveries whose records count, after `resolve`."""
    return tuple(delivery for delivery in deliveries if delivery.status == "accepted" and delivery.is_read)


def require_one_person_column(deliveries: Iterable[Delivery]) -> None:
    """Refuse a study whose extracts name people in different ways: their people could not be joined.

    Takes the deliveries of all extracts; raises StudyError naming one file of each way.
    """
    ways: dict[str, str] = {}
    for delivery in current(deliveries):
        if delivery.person_column:
            ways.setdefault(delivery.person_column, f"{delivery.extract}/{delivery.file_name}")
    if len(ways) > 1:
        raise StudyError(
            "the extracts name people by different columns",
            *(f"{column}: {file}" for column, file in ways.items()),
            "all of a study's extracts must carry the same one",
        )


def _order(delivery: Delivery) -> tuple[Any, ...]:
    period = delivery.period
    months = (True, period.first, period.last) if period else (False, _NO_MONTH, _NO_MONTH)
    return (*months, delivery.version, natural_key(delivery.file_name))


def _with_repeated(ordered: Sequence[Delivery]) -> list[Delivery]:
    """Equal content counts once: where it came first, or, if it was replaced in between, where it came back."""
    standing: dict[str, int] = {}
    for number, delivery in enumerate(ordered):
        if not delivery.is_read:
            continue
        first = standing.setdefault(delivery.sha256, number)
        between = (other for other in ordered[first + 1 : number] if other.is_read)
        if _replaces(delivery, ordered[first]) and any(
            other.sha256 != delivery.sha256 and _replaces(other, ordered[first]) for other in between
        ):
            standing[delivery.sha256] = number
    kept = set(standing.values())
    return [
        replace(delivery, status="duplicate_file", reason=_same_as(ordered[standing[delivery.sha256]]))
        if delivery.is_read and number not in kept
        else delivery
        for number, delivery in enumerate(ordered)
    ]


def _with_replaced(ordered: Sequence[Delivery]) -> list[Delivery]:
    """What a later delivery replaces as a whole is superseded; the last that does so is named."""
    counting = [delivery for delivery in ordered if _counts(delivery)]
    return [_replaced_by(delivery, counting) if _counts(delivery) else delivery for delivery in ordered]


def _replaced_by(delivery: Delivery, counting: Sequence[Delivery]) -> Delivery:
    later = [one for one in counting if _position(one) > _position(delivery) and _replaces(one, delivery)]
    if not later:
        return delivery
    return replace(delivery, status="superseded", reason=f"{later[-1].file_name} replaces it as a whole")


def _without_overlaps(ordered: Sequence[Delivery]) -> list[Delivery]:
    checked: list[Delivery] = []
    for delivery in ordered:
        other = next((earlier for earlier in checked if _counts(delivery) and _overlap(earlier, delivery)), None)
        if other is not None:
            refused = RefusedDeliveryError(
                "overlapping_periods", f"its period overlaps that of {other.file_name} without being equal"
            )
            delivery = replace(delivery, status="refused", reason=refused.reason)
        checked.append(delivery)
    return checked


def _overlap(one: Delivery, other: Delivery) -> bool:
    if not _counts(one) or one.period is None or other.period is None or one.period == other.period:
        return False
    return one.period.overlaps(other.period)


def _replaces(later: Delivery, earlier: Delivery) -> bool:
    """Whether the later of two deliveries replaces the earlier as a whole."""
    return later.is_snapshot or (later.period is not None and later.period == earlier.period)


def _counts(delivery: Delivery) -> bool:
    return delivery.is_read and delivery.status == "accepted"


def _position(delivery: Delivery) -> int:
    return delivery.position or 0


def _same_as(other: Delivery) -> str:
    return f"the same content as {other.file_name}"


def period_text(period: Period) -> str:
    """`2009-04_to_2010-03`; a single month stands alone."""
    first, last = f"{period.first:%Y-%m}", f"{period.last:%Y-%m}"
    return first if first == last else f"{first}_to_{last}"
