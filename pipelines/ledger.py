"""The ledger of deliveries: every record of every file has one fate, and the books balance."""

import polars as pl

FATES = ("accepted", "superseded", "duplicate")
PARTS = ("unlinked", "opted_out", "repaired", "nulled")


def deliveries_table(deliveries_read: pl.DataFrame, record_fates: pl.DataFrame, *, run_id: str) -> pl.DataFrame:
    """One row per file with the fate of all its records, as of this run.

    `deliveries_read` is what reading found (a row per file); `record_fates` how staging judged the records of
    the deliveries that count: `delivery_id extract fate is_unlinked is_opted_out is_repaired is_nulled rows`.
    All records of a superseded delivery that were not quarantined are superseded, all records of a file that
    was delivered before are duplicates. Counts are 0 for a file that was refused or still grew.
    """
    judged = _judged(record_fates)
    joined = deliveries_read.join(judged, on=["delivery_id", "extract"], how="left")
    is_counted = pl.col("status").is_in(["accepted", "superseded", "duplicate_file"])
    is_accepted = pl.col("status") == "accepted"
    readable = pl.col("rows_read") - pl.col("rows_quarantined")
    whole = {
        "rows_quarantined": pl.when(pl.col("status") == "duplicate_file").then(0).otherwise("rows_quarantined"),
        "rows_accepted": pl.when(is_accepted).then("rows_accepted").otherwise(0),
        "rows_superseded": pl.when(is_accepted)
        .then("rows_superseded")
        .when(pl.col("status") == "superseded")
        .then(readable)
        .otherwise(0),
        "rows_duplicate": pl.when(is_accepted)
        .then("rows_duplicate")
        .when(pl.col("status") == "duplicate_file")
        .then("rows_read")
        .otherwise(0),
        **{f"rows_{part}": pl.when(is_accepted).then(f"rows_{part}").otherwise(0) for part in PARTS},
    }
    counts = {name: value.fill_null(0).cast(pl.Int64) for name, value in whole.items()}
    plain = {"rows_read": pl.col("rows_read"), "lines_blank": pl.col("lines_blank")}
    return joined.with_columns(
        **{name: pl.when(is_counted).then(value).otherwise(0) for name, value in (plain | counts).items()},
        run_id=pl.lit(run_id),
    )


def unbalanced(deliveries: pl.DataFrame) -> pl.DataFrame:
    """The deliveries whose records do not add up: extract, file_name; no rows when the books balance."""
    parts = ("rows_accepted", "rows_quarantined", "rows_superseded", "rows_duplicate")
    return deliveries.filter(pl.col("rows_read") != pl.sum_horizontal(parts, ignore_nulls=False)).select(
        "extract", "file_name"
    )


def _judged(record_fates: pl.DataFrame) -> pl.DataFrame:
    rows = pl.col("rows")
    is_accepted = pl.col("fate") == "accepted"
    return record_fates.group_by("delivery_id", "extract").agg(
        *[rows.filter(pl.col("fate") == fate).sum().alias(f"rows_{fate}") for fate in FATES],
        *[rows.filter(is_accepted & pl.col(f"is_{part}")).sum().alias(f"rows_{part}") for part in PARTS],
    )
