"""The small tables that a study brings beside its extracts: each read whole, typed and checked.

Each has every column it can have (null where the file has none) and no row where there is no file. StudyError (exit 2)
names the file and the column or data row that is wrong.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.errors import StudyError
from pipelines.protocol import Protocol
from pipelines.strict_yaml import nearest

SITES = {
    "site_id": pl.String,
    "name": pl.String,
    "area": pl.String,
    "go_live_date": pl.Date,
    "case_management": pl.Boolean,
    "models": pl.String,
    "leutz_level": pl.String,
    "depth": pl.Float64,
    "breadth": pl.Float64,
    "social_care_role": pl.String,
    "programme_cost_gbp": pl.Float64,
}
PRICES = {
    "price_set": pl.String,
    "price_year": pl.String,
    "activity": pl.String,
    "unit_cost_gbp": pl.Float64,
}
IMD = {"lsoa11": pl.String, "imd_decile": pl.Int64, "release": pl.String}
PROVIDER_SUCCESSIONS = {"provider_code": pl.String, "successor_code": pl.String, "from_date": pl.Date}
CONTROL_TOTALS = {
    "extract": pl.String,
    "provider_code": pl.String,
    "month": pl.Date,
    "admissions_or_rows": pl.Int64,
}
OTHER_PROGRAMMES = {"area": pl.String, "practice": pl.String, "programme": pl.String, "start_date": pl.Date}
ACTIVITIES = (
    "emergency_spell",
    "elective_spell",
    "elective_day_case",
    "outpatient_attendance",
    "ae_attendance",
    "excess_bed_day",
)
PRICED = {
    "admissions": ("emergency_spell", "elective_spell", "elective_day_case"),
    "outpatients": ("outpatient_attendance",),
    "emergency_care": ("ae_attendance",),
}


def read_sites(root: Path, protocol: Protocol) -> pl.DataFrame:
    """One row per pilot site."""
    return _read_table(root, protocol.sites, default="sites.csv", schema=SITES, required=("site_id",))


def read_prices(root: Path, protocol: Protocol) -> pl.DataFrame:
    """One row per activity with its unit cost in pounds, of one price set; no activity of the extracts lacks one."""
    prices = _read_table(
        root, protocol.prices, default="prices.csv", schema=PRICES, key=("price_set", "price_year", "activity")
    )
    for activity in prices["activity"]:
        if activity not in ACTIVITIES and not activity.startswith("hrg:"):
            raise StudyError(
                f"prices.csv: {activity} is not a known activity",
                f"known: {', '.join(ACTIVITIES)}, or hrg:<code>",
                *nearest(activity, list(ACTIVITIES)),
            )
    if prices.select("price_set", "price_year").unique().height > 1:
        raise StudyError("prices.csv: more than one price set", "one price set and year prices both arms and periods")
    needed = [a for extract, activities in PRICED.items() if extract in protocol.extracts for a in activities]
    missing = [activity for activity in needed if activity not in set(prices["activity"])]
    if prices.height and missing:
        raise StudyError(
            f"prices.csv: no price for {', '.join(missing)}",
            "without it the people who used most would have no cost and drop out of the comparison",
            "add the price, or 0 for an activity that is outside this study's costs",
        )
    return prices


def read_imd(root: Path) -> pl.DataFrame:
    """One row per small area and release: its decile of deprivation."""
    return _read_table(root, None, default="imd.csv", schema=IMD)


def read_provider_successions(root: Path) -> pl.DataFrame:
    """One row per provider that another followed, with the first day."""
    return _read_table(root, None, default="provider_successions.csv", schema=PROVIDER_SUCCESSIONS)


def read_control_totals(root: Path, protocol: Protocol) -> pl.DataFrame:
    """One row per extract, provider and month (its first day): what the provider says it sent."""
    totals = _read_table(
        root, None, default="control_totals.csv", schema=CONTROL_TOTALS, key=("extract", "provider_code", "month")
    )
    for extract in totals["extract"].unique().sort():
        if extract not in protocol.extracts:
            raise StudyError(
                f"control_totals.csv: {extract} is not an extract of this study",
                f"extracts in protocol.yaml: {', '.join(protocol.extracts)}",
                *nearest(extract, list(protocol.extracts)),
            )
    return totals.with_columns(pl.col("month").dt.truncate("1mo"))


def read_other_programmes(root: Path) -> pl.DataFrame:
    """One row per other programme and the area or practice whose people it excludes."""
    programmes = _read_table(
        root,
        None,
        default="other_programmes.csv",
        schema=OTHER_PROGRAMMES,
        required=("programme", "start_date"),
        key=tuple(OTHER_PROGRAMMES),
    )
    unplaced = programmes["area"].is_null() == programmes["practice"].is_null()
    if unplaced.any():
        raise StudyError(
            f"other_programmes.csv: data row {unplaced.arg_max() + 1} names no area and no practice, or both",
            "a row excludes the people of one area or of one practice",
        )
    return programmes


def _read_table(
    root: Path,
    name: str | None,
    *,
    default: str,
    schema: Mapping[str, type[pl.DataType]],
    required: tuple[str, ...] | None = None,
    key: tuple[str, ...] | None = None,
) -> pl.DataFrame:
    """Required are all columns if nothing else is said; no two rows are alike in `key`, by default what is required."""
    required = required or tuple(schema)
    path = root / (name or default)
    if not path.is_file():
        if name:
            raise StudyError(f"{name}: no such file", "protocol.yaml names it; put it beside protocol.yaml")
        return pl.DataFrame(schema=dict(schema))
    try:
        found = pl.read_csv(path, infer_schema=False, null_values=[""])
    except pl.exceptions.PolarsError:
        raise StudyError(f"{path.name}: not a comma-separated table with a header") from None
    for column in found.columns:
        if column not in schema:
            known = list(schema)
            raise StudyError(
                f"{path.name}: {column} is not a known column",
                f"known columns: {', '.join(known)}",
                *nearest(column, known),
            )
    absent = [column for column in required if column not in found.columns]
    if absent:
        raise StudyError(f"{path.name}: the column {absent[0]} is missing", f"required: {', '.join(required)}")
    return _typed(found, path.name, schema, required, key or required)


def _typed(
    found: pl.DataFrame,
    file_name: str,
    schema: Mapping[str, type[pl.DataType]],
    required: tuple[str, ...],
    key: tuple[str, ...],
) -> pl.DataFrame:
    absent = [pl.lit(None, dtype=dtype).alias(c) for c, dtype in schema.items() if c not in found.columns]
    casts = [_cast(c, dtype) for c, dtype in schema.items() if c in found.columns]
    typed = found.select(casts).with_columns(absent).select(list(schema))
    for column in found.columns:
        bad = typed[column].is_null() & found[column].is_not_null()
        if bad.any():
            kind = {pl.Date: "a date such as 2009-04-01", pl.Boolean: "true or false"}.get(schema[column], "a number")
            raise StudyError(f"{file_name}: {column} in data row {bad.arg_max() + 1} is not {kind}")
    for column in required:
        if typed[column].null_count():
            row = typed[column].is_null().arg_max() + 1
            raise StudyError(f"{file_name}: {column} in data row {row} is empty")
    if typed.select(key).is_duplicated().any():
        raise StudyError(f"{file_name}: a row stands twice", f"{', '.join(key)} must be different in every row")
    return typed


def _cast(column: str, dtype: type[pl.DataType]) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    if dtype is pl.Boolean:
        return (
            pl.when(text.str.to_lowercase() == "true")
            .then(statement=True)
            .when(text.str.to_lowercase() == "false")
            .then(statement=False)
            .otherwise(None)
            .alias(column)
        )
    if column == "month":
        text = pl.when(text.str.len_chars() == len("2009-04")).then(text + "-01").otherwise(text)
    return text.str.to_date("%Y-%m-%d", strict=False) if dtype is pl.Date else text.cast(dtype, strict=False)
