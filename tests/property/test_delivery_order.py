"""Whatever arrives in whatever order: which deliveries count, and which record of a key, depends on the files alone."""

from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.reading import Delivery, current, resolve
from pipelines.reading.names import period_in_name, version_in_name
from tests.sql.small_study import Row, SmallStudy, appointment, person

PERIODS = ["", "_2010-01", "_2010-02", "_2010-03", "_2010-01_to_2010-03", "_2010-03_to_2010-04"]


@st.composite
def folders(draw: st.DrawFn) -> list[Delivery]:
    """The files of one extract, read: names, some with periods and versions, few different contents."""
    names = draw(
        st.lists(
            st.tuples(st.sampled_from(["a", "a_9", "a_10", "b"]), st.sampled_from(PERIODS), st.integers(1, 12)),
            min_size=1,
            max_size=7,
            unique=True,
        )
    )
    is_snapshot = draw(st.booleans())
    return [
        arrived(
            f"{stem}{period}_v{version}.csv",
            content=draw(st.sampled_from("uvwxyz")),
            status=draw(st.sampled_from(["accepted", "accepted", "accepted", "refused", "growing"])),
            is_snapshot=is_snapshot,
        )
        for stem, period, version in names
    ]


def arrived(name: str, *, content: str, status: str, is_snapshot: bool) -> Delivery:
    return Delivery(
        delivery_id=f"id of {content}",
        extract="population" if is_snapshot else "admissions",
        file_name=name,
        sha256=content,
        received_at=datetime(2011, 7, 1),  # noqa: DTZ001
        status=status,
        contract_id="a",
        contract_version="1.0.0",
        period=period_in_name(name),
        version=version_in_name(name),
        is_snapshot=is_snapshot,
        records=Path(f"{content}.parquet") if status == "accepted" else None,
    )


def contents(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    """What counts, in its order: content and period."""
    counting = sorted(current(resolve(deliveries)), key=lambda delivery: delivery.position or 0)
    return [(delivery.sha256, str(delivery.period)) for delivery in counting]


many = settings(max_examples=200, deadline=None)


@many
@given(folders(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_status_and_no_position(deliveries, random):
    mixed = random.sample(deliveries, len(deliveries))
    assert resolve(mixed) == resolve(deliveries)


@many
@given(folders())
def test_resolving_what_was_resolved_changes_nothing(deliveries):
    once = resolve(deliveries)
    assert len(once) == len(deliveries)
    assert {d.file_name for d in once} == {d.file_name for d in deliveries}
    assert contents(list(once)) == contents(deliveries)


@many
@given(folders())
def test_of_what_counts_no_content_stands_twice_and_no_month_in_two_periods(deliveries):
    counting = current(resolve(deliveries))
    assert len({delivery.sha256 for delivery in counting}) == len(counting)
    if any(delivery.is_snapshot for delivery in deliveries):
        assert len(counting) == (1 if any(delivery.is_read for delivery in deliveries) else 0)
    months = [month for delivery in counting if delivery.period for month in delivery.period.months()]
    assert len(set(months)) == len(months)


@many
@given(folders())
def test_taking_out_a_file_that_was_repeated_unreadable_or_still_growing_changes_nothing_that_counts(deliveries):
    repeated = {delivery.file_name for delivery in resolve(deliveries) if delivery.status == "duplicate_file"}
    for name in repeated | {delivery.file_name for delivery in deliveries if not delivery.is_read}:
        left = [delivery for delivery in deliveries if delivery.file_name != name]
        assert contents(left) == contents(deliveries)


@many
@given(folders())
def test_every_read_content_counts_or_something_later_of_its_period_or_snapshot_does(deliveries):
    resolved = resolve(deliveries)
    for replaced in (delivery for delivery in resolved if delivery.status == "superseded"):
        later = [d for d in resolved if (d.position or 0) > (replaced.position or 0) and d.records]
        assert any(d.is_snapshot or d.period == replaced.period for d in later)


# Key by key: of deliveries without a period the later one wins, of one delivery the most complete row.


@st.composite
def appointments(draw: st.DrawFn) -> list[Row]:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("345"), st.sampled_from("klm"), st.sampled_from([None, "1"]), st.integers(1, 3)),
            min_size=1,
            max_size=10,
        )
    )
    return [
        appointment(
            f"2010-01-{10 * 'klm'.index(key) + place % 10 + 1:02d}",
            delivery_id=f"d{delivery}",
            attendkey=key,
            sex=sex,
            gpprac=f"A8100{practice}",
            record=place + 1,
        )
        for place, (delivery, key, sex, practice) in enumerate(rows)
    ]


def accepted(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Key, delivery and record of the accepted appointments."""
    study = SmallStudy(outpatients=rows, population=[person()])
    return study.query(
        """select appointment_key, delivery_id, record from appointment_records
        where fate = 'accepted' order by appointment_key"""
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(appointments(), st.randoms(use_true_random=False))
def test_of_each_key_the_most_complete_row_of_the_latest_delivery_counts(rows, random):
    def rank(row: Row) -> tuple[Any, ...]:
        return row["delivery_id"], row["sex"] is not None, -row["record"]

    best = {key: max((row for row in rows if row["attendkey"] == key), key=rank) for key in "klm" if key in keys(rows)}
    expected = [(key, row["delivery_id"], row["record"]) for key, row in sorted(best.items())]
    assert accepted(rows) == expected
    assert accepted(random.sample(rows, len(rows))) == expected


def keys(rows: list[Row]) -> set[str]:
    return {row["attendkey"] for row in rows}
