"""Whether the arms' records are equally good: refused or changed records that fall on one arm bias the effect."""

from collections.abc import Mapping

import polars as pl

TOLERATED_POINTS = 0.5
WORDS = {
    "records_quarantined": "quarantined",
    "records_nulled": "stripped of an invalid value",
    "records_repaired": "repaired",
}
PERIODS = {"baseline": "before the index date", "follow_up": "after the index date"}


def record_quality_cautions(record_quality: pl.DataFrame) -> Mapping[str, tuple[str, ...]]:
    """Cautions by extract: where a rate differs between the arms by more than 0.5 percentage points.

    `record_quality` has `extract arm period records records_quarantined records_nulled records_repaired`; the
    rate is the share of an arm's records of a period. Without records in both arms there is nothing to compare.

    By hand: 2 of 100 pilot records quarantined (2.0%) and 1 of 100 comparison records (1.0%) differ by 1 point.
    """
    sums = record_quality.group_by("extract", "period", "arm").agg(pl.col("records", *WORDS).sum())
    arms = {arm: sums.filter(pl.col("arm") == arm).drop("arm") for arm in ("pilot", "comparison")}
    beside = arms["pilot"].join(arms["comparison"], on=["extract", "period"], suffix="_comparison")
    cautions: dict[str, tuple[str, ...]] = {}
    for row in beside.sort("extract", "period").iter_rows(named=True):
        if row["period"] in PERIODS:
            cautions[row["extract"]] = cautions.get(row["extract"], ()) + _differences(row)
    return cautions


def _differences(row: Mapping[str, object]) -> tuple[str, ...]:
    found = []
    for column, word in WORDS.items():
        points = _rate(row, column) - _rate(row, column, "_comparison")
        if abs(points) > TOLERATED_POINTS:
            more = "more" if points > 0 else "less"
            which = f"Records of {row['extract']} {PERIODS[str(row['period'])]}"
            found.append(
                f"{which} were {word} {more} often among pilot people than among comparison people "
                f"(by more than {TOLERATED_POINTS} points)."
            )
    return tuple(found)


def _rate(row: Mapping[str, object], column: str, arm: str = "") -> float:
    return 100 * float(str(row[column + arm])) / float(str(row["records" + arm]))
