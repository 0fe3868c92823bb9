"""The books of every delivery: each record has one fate."""

import polars as pl

from pipelines.ledger import deliveries_table, unbalanced

FATES = pl.DataFrame(
    [
        ("d1", "admissions", "accepted", False, False, True, False, 5),
        ("d1", "admissions", "accepted", True, False, False, True, 2),
        ("d1", "admissions", "superseded", False, False, True, False, 1),
        ("d1", "admissions", "duplicate", False, False, False, False, 1),
    ],
    schema=["delivery_id", "extract", "fate", "is_unlinked", "is_opted_out", "is_repaired", "is_nulled", "rows"],
    orient="row",
)


def ledger(status: str, *, delivery_id: str = "d1", read: int = 10, quarantined: int = 1) -> dict:
    deliveries_read = pl.DataFrame(
        {
            "delivery_id": [delivery_id],
            "extract": ["admissions"],
            "file_name": ["a.csv"],
            "status": [status],
            "rows_read": [read],
            "rows_quarantined": [quarantined],
            "lines_blank": [3],
        }
    )
    return deliveries_table(deliveries_read, FATES, run_id="r1").row(0, named=True)


def counts(row: dict) -> tuple:
    return tuple(row[f"rows_{fate}"] for fate in ("read", "accepted", "quarantined", "superseded", "duplicate"))


def test_an_accepted_delivery_has_the_fates_that_staging_gave():
    row = ledger("accepted")
    assert counts(row) == (10, 7, 1, 1, 1)
    assert (row["rows_unlinked"], row["rows_opted_out"], row["rows_repaired"], row["rows_nulled"]) == (2, 0, 5, 2)
    assert row["lines_blank"] == 3
    assert row["run_id"] == "r1"


def test_a_superseded_delivery_keeps_its_quarantine_and_all_else_is_superseded():
    assert counts(ledger("superseded", delivery_id="d0")) == (10, 0, 1, 9, 0)


def test_a_file_delivered_before_is_all_duplicates():
    assert counts(ledger("duplicate_file")) == (10, 0, 0, 0, 10)


def test_a_refused_file_has_no_rows():
    assert counts(ledger("refused", delivery_id="d9", read=0, quarantined=0)) == (0, 0, 0, 0, 0)


def test_books_that_do_not_balance_are_found():
    good, lost = ledger("accepted"), ledger("accepted", read=11)
    assert unbalanced(pl.DataFrame([good])).is_empty()
    assert unbalanced(pl.DataFrame([lost])).rows() == [("admissions", "a.csv")]


def test_a_delivery_that_staging_never_saw_is_unbalanced():
    assert unbalanced(pl.DataFrame([ledger("accepted", delivery_id="d7")])).height == 1
