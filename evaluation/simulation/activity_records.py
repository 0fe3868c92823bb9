"""Appointments and A&E attendances written down in the form of their extracts."""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, FinancialYear
from evaluation.simulation.description import described
from evaluation.simulation.history import History
from evaluation.simulation.providers import provider_codes, usual_provider

_APPOINTMENT_COLUMNS = (
    "FYEAR",
    "PARTYEAR",
    "ATTENDKEY",
    "PSEUDO_HESID",
    "APPTDATE",
    "ATTENDED",
    "FIRSTATT",
    "PROCODE3",
    "TRETSPEF",
    "MAINSPEF",
    "SEX",
    "APPTAGE",
    "GPPRAC",
)
_ATTENDANCE_COLUMNS = (
    "FYEAR",
    "PARTYEAR",
    "AEKEY",
    "PSEUDO_HESID",
    "ARRIVALDATE",
    "ARRIVALTIME",
    "AEATTENDCAT",
    "AEATTENDDISP",
    "AEDEPTTYPE",
    "PROCODE3",
)


def appointment_records(
    history: History, years: tuple[FinancialYear, ...], *, areas: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Appointments of the world with the pilot under the supplier's column names, in the year of the appointment."""
    records = _in_order(history.appointments, history.people, years, areas=areas, by=["day", "person", "specialty"])
    return records.select(
        pl.exclude("day", "attended", "firstatt", "specialty"),
        _keys(records.height, 600_000_000_000, rng).alias("ATTENDKEY"),
        _date("day").alias("APPTDATE"),
        pl.col("attended").alias("ATTENDED"),
        pl.when(pl.col("firstatt") != "").then("firstatt").alias("FIRSTATT"),
        pl.col("specialty").alias("TRETSPEF"),
        pl.col("specialty").alias("MAINSPEF"),
        ((pl.col("day") - pl.col("dob")) / DAYS_PER_YEAR).floor().cast(pl.Int64).alias("APPTAGE"),
    ).select(_APPOINTMENT_COLUMNS)


def attendance_records(
    history: History, years: tuple[FinancialYear, ...], *, areas: int, rng: np.random.Generator
) -> pl.DataFrame:
    """A&E attendances of the world with the pilot under the supplier's column names, in the year of arrival."""
    records = _in_order(history.attendances, history.people, years, areas=areas, by=["day", "minute", "person"])
    clock = pl.Series([f"{minute // 60:02d}{minute % 60:02d}" for minute in range(24 * 60)])
    return records.select(
        pl.exclude("day", "minute", "category", "disposal", "department"),
        _keys(records.height, 700_000_000_000, rng).alias("AEKEY"),
        _date("day").alias("ARRIVALDATE"),
        clock.gather(records["minute"]).alias("ARRIVALTIME"),
        pl.when(pl.col("category") != "").then("category").alias("AEATTENDCAT"),
        pl.col("disposal").alias("AEATTENDDISP"),
        pl.col("department").alias("AEDEPTTYPE"),
    ).select(_ATTENDANCE_COLUMNS)


def _in_order(
    events: pl.DataFrame, people: pl.DataFrame, years: tuple[FinancialYear, ...], *, areas: int, by: list[str]
) -> pl.DataFrame:
    """Events of the world with the pilot by year, provider and `by`, with what they say of person and provider."""
    placed = (
        events.filter(~pl.col("is_removed"))
        .join(people.select("person", "area"), on="person")
        .with_columns(
            year=pl.sum_horizontal(*(pl.col("day") > year.last_day for year in years)),
            provider=usual_provider(pl.col("area"), pl.col("away"), areas=areas),
        )
        .sort("year", "provider", *by)
        .drop("area")
    )
    return placed.join(described(people), on="person", maintain_order="left").with_columns(
        FYEAR=pl.Series([year.fyear for year in years]).gather(placed["year"]),
        PARTYEAR=pl.Series([year.partyear for year in years]).gather(placed["year"]),
        PROCODE3=provider_codes(areas).gather(placed["provider"]),
    )


def _date(day: str) -> pl.Expr:
    return pl.col(day).cast(pl.Int32).cast(pl.Date)


def _keys(count: int, first: int, rng: np.random.Generator) -> pl.Series:
    return pl.Series(first + rng.permutation(count * 3)[:count]).cast(pl.String)
