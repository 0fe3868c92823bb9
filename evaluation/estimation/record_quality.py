"""Whether the arms' records are equally good: refused or changed records that fall on one arm bias the effect."""

from collections.abc import Mapping, Sequence

import polars as pl

TOLERATED_POINTS = 0.5
# A few records of a small site are a point by chance, and so small a count must not be told.
LEAST_RECORDS_OF_SITE = 8
ARM, SITE = "pilot people", "this site's pilot people"
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
    return _cautions(record_quality, who=ARM, least_records=0)


def with_site_quality_cautions(
    estimates: pl.DataFrame, record_quality: pl.DataFrame, *, extracts: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    """`estimates` in which `site:<id>` rows say where that site's records differ from those of all comparison people.

    As `record_quality_cautions`, and the difference must amount to 8 of the site's records of the period or more.
    `extracts` are those that a metric is counted from. Other populations stay as they are.
    """
    is_pilot = pl.col("arm") == "pilot"
    rows = []
    for site in record_quality.filter(is_pilot)["site_id"].unique().sort():
        own = record_quality.filter(~is_pilot | (pl.col("site_id") == site))
        cautions = _cautions(own, who=SITE, least_records=LEAST_RECORDS_OF_SITE)
        for metric, sources in extracts.items():
            said = " ".join(sentence for extract in sources for sentence in cautions.get(extract, ()))
            rows.append((f"site:{site}", metric, said or None))
    schema = {"population": pl.String, "metric_id": pl.String, "_quality": pl.String}
    said_of = pl.DataFrame(rows, schema=schema, orient="row")
    joined = estimates.join(said_of, on=["population", "metric_id"], how="left", maintain_order="left")
    caution = pl.concat_str("caution", "_quality", separator=" ", ignore_nulls=True)
    is_told = pl.col("_quality").is_not_null()
    return joined.with_columns(caution=pl.when(is_told).then(caution).otherwise("caution")).select(estimates.columns)


def _cautions(record_quality: pl.DataFrame, *, who: str, least_records: int) -> dict[str, tuple[str, ...]]:
    sums = record_quality.group_by("extract", "period", "arm").agg(pl.col("records", *WORDS).sum())
    arms = {arm: sums.filter(pl.col("arm") == arm).drop("arm") for arm in ("pilot", "comparison")}
    beside = arms["pilot"].join(arms["comparison"], on=["extract", "period"], suffix="_comparison")
    cautions: dict[str, tuple[str, ...]] = {}
    for row in beside.sort("extract", "period").iter_rows(named=True):
        if row["period"] in PERIODS:
            told = _differences(row, who=who, least_records=least_records)
            cautions[row["extract"]] = cautions.get(row["extract"], ()) + told
    return cautions


def _differences(row: Mapping[str, object], *, who: str, least_records: int) -> tuple[str, ...]:
    found = []
    for column, word in WORDS.items():
        points = _rate(row, column) - _rate(row, column, "_comparison")
        records = abs(points) / 100 * float(str(row["records"]))
        if abs(points) > TOLERATED_POINTS and records >= least_records:
            more = "more" if points > 0 else "less"
            which = f"Records of {row['extract']} {PERIODS[str(row['period'])]}"
            found.append(
                f"{which} were {word} {more} often among {who} than among comparison people "
                f"(by more than {TOLERATED_POINTS} points)."
            )
    return tuple(found)


def _rate(row: Mapping[str, object], column: str, arm: str = "") -> float:
    return 100 * float(str(row[column + arm])) / float(str(row["records" + arm]))
