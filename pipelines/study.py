"""A study on disk: its protocol, the small tables it brings, where its extracts lie and its output goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.errors import StudyError
from pipelines.instruments import Instrument, load_instrument
from pipelines.protocol import Protocol, load_protocol, protocol_hash, settings_as_written
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


@dataclass(frozen=True)
class Study:
    """Everything that a run is told: settings, small tables, folders. Nothing here changes in a run."""

    root: Path
    output: Path
    protocol: Protocol
    protocol_hash: str
    protocol_settings: str
    instruments: Mapping[str, Instrument]
    sites: pl.DataFrame
    prices: pl.DataFrame
    imd: pl.DataFrame
    provider_successions: pl.DataFrame
    control_totals: pl.DataFrame
    other_programmes: pl.DataFrame

    @property
    def lake(self) -> Path:
        """Accepted and refused records as Parquet, a folder per extract."""
        return self.output / "lake"

    @property
    def quarantine_file(self) -> Path:
        """All quarantined records with their original text: sensitive."""
        return self.lake / "quarantine.parquet"

    @property
    def published(self) -> Path:
        """The analysts' folder; `evaluation.duckdb` in it is the latest published file."""
        return self.output / "published"

    def extract_folder(self, extract: str) -> Path:
        """Where deliveries of an extract arrive."""
        return self.root / "extracts" / extract


def load_study(root: Path, *, output: Path | None = None) -> Study:
    """The study in a folder; StudyError (exit 2) names what is missing or wrong and where."""
    root = root.resolve()
    if not root.is_dir():
        raise StudyError(f"{root.name}: no such study folder", "make one with `icp init DIR` or `icp demo DIR`")
    protocol = load_protocol(root / "protocol.yaml")
    instruments = {
        name: load_instrument(extract.instrument, folder=root)
        for name, extract in protocol.surveys.items()
        if extract.instrument
    }
    _check_folders(root, protocol)
    _check_items(instruments)
    sites = _read_table(root, protocol.sites, default="sites.csv", schema=SITES, required=("site_id",))
    _check_horizons(protocol, sites)
    return Study(
        root=root,
        output=(output or root / "output").resolve(),
        protocol=protocol,
        protocol_hash=protocol_hash(root / "protocol.yaml"),
        protocol_settings=settings_as_written(root / "protocol.yaml"),
        instruments=instruments,
        sites=sites,
        prices=_complete(
            _read_table(root, protocol.prices, default="prices.csv", schema=PRICES, required=tuple(PRICES)), protocol
        ),
        imd=_read_table(root, None, default="imd.csv", schema=IMD, required=tuple(IMD)),
        provider_successions=_read_table(
            root,
            None,
            default="provider_successions.csv",
            schema=PROVIDER_SUCCESSIONS,
            required=tuple(PROVIDER_SUCCESSIONS),
        ),
        control_totals=_first_days(
            _read_table(
                root, None, default="control_totals.csv", schema=CONTROL_TOTALS, required=tuple(CONTROL_TOTALS)
            ),
            protocol,
        ),
        other_programmes=_placed(
            _read_table(
                root,
                None,
                default="other_programmes.csv",
                schema=OTHER_PROGRAMMES,
                required=("programme", "start_date"),
                key=tuple(OTHER_PROGRAMMES),
            )
        ),
    )


def _check_folders(root: Path, protocol: Protocol) -> None:
    missing = [name for name in protocol.extracts if not (root / "extracts" / name).is_dir()]
    if missing:
        raise StudyError(
            f"extracts/{missing[0]}: no such folder",
            f"protocol.yaml names the extracts {', '.join(protocol.extracts)}; each has a folder under extracts/",
            "make the folder and put its deliveries there, or take the extract out of protocol.yaml",
        )


def _check_horizons(protocol: Protocol, sites: pl.DataFrame) -> None:
    """A horizon that even the first site's first day does not reach within the data can never have an estimate."""
    periods, first = protocol.periods, sites["go_live_date"].min()
    if not isinstance(first, date) or not periods.horizons_months:
        return
    longest = max(periods.horizons_months)
    end = pl.Series([first]).dt.offset_by(f"{longest}mo").item()
    if end > periods.data_until + timedelta(days=1):
        raise StudyError(
            f"protocol.yaml: periods.horizons_months: {longest} months are longer than the data can hold",
            f"the first site started on {first}, {longest} months later is {end}, data end on {periods.data_until}",
            "take the horizon out, or put it back when data_until is late enough",
        )


def _check_items(instruments: Mapping[str, Instrument]) -> None:
    asked: dict[str, str] = {}
    for extract, instrument in instruments.items():
        for item in instrument.items:
            other = asked.setdefault(item.id, extract)
            if other != extract:
                raise StudyError(
                    f"protocol.yaml: the extracts {other} and {extract} both ask the item {item.id}",
                    "put all waves of one questionnaire into one extract, or name the items apart",
                )


def _read_table(
    root: Path,
    name: str | None,
    *,
    default: str,
    schema: Mapping[str, type[pl.DataType]],
    required: tuple[str, ...],
    key: tuple[str, ...] | None = None,
) -> pl.DataFrame:
    """A small CSV table of the study, every column of `schema` there (null where the file has none).

    No two rows are alike in `key`: by default what is required, but for amounts.
    """
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
    key = key or tuple(c for c in required if c not in ("unit_cost_gbp", "admissions_or_rows"))
    return _typed(found, path.name, schema, required, key)


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


def _placed(programmes: pl.DataFrame) -> pl.DataFrame:
    """Other programmes, each of an area or of a practice."""
    unplaced = programmes["area"].is_null() == programmes["practice"].is_null()
    if unplaced.any():
        raise StudyError(
            f"other_programmes.csv: data row {unplaced.arg_max() + 1} names no area and no practice, or both",
            "a row excludes the people of one area or of one practice",
        )
    return programmes


def _first_days(totals: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Control totals with the first day of their month; they name extracts of the study."""
    for extract in totals["extract"].unique().sort():
        if extract not in protocol.extracts:
            raise StudyError(
                f"control_totals.csv: {extract} is not an extract of this study",
                f"extracts in protocol.yaml: {', '.join(protocol.extracts)}",
                *nearest(extract, list(protocol.extracts)),
            )
    return totals.with_columns(pl.col("month").dt.truncate("1mo"))


def _complete(prices: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
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
