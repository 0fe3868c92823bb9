"""Stays written down as consultant episodes, in the form of admitted patient care extracts."""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, FinancialYear
from evaluation.simulation.conditions import CONDITIONS, EMERGENCY
from evaluation.simulation.description import FURTHER_DIAGNOSES, described, further_diagnoses
from evaluation.simulation.history import History
from evaluation.simulation.providers import provider_codes, transfer_provider, usual_provider

LATE_PART = 4
EARLY_RETURN_GAP = 1
SHARE_BY_PSYCHIATRIC_UNIT = 0.06
SHARE_TWO_EPISODES = 0.20
SHARE_THREE_EPISODES = 0.05
SHARE_OTHER_DIAGNOSIS_LATER = 0.3
SHARE_WITHOUT_ADMISSION_DATE = 0.006
_DIAGNOSIS = pl.Series([condition.diagnosis for condition in CONDITIONS])
_PROCEDURE = pl.Series([condition.procedure for condition in CONDITIONS])
_HRG = pl.Series([condition.hrg for condition in CONDITIONS])
_SPECIALTY = pl.Series([condition.specialty for condition in CONDITIONS])
_COLUMNS = (
    "FYEAR",
    "PARTYEAR",
    "EPIKEY",
    "PSEUDO_HESID",
    "EPISTART",
    "EPIEND",
    "EPIORDER",
    "EPISTAT",
    "ADMIDATE",
    "DISDATE",
    "ADMIMETH",
    "ADMISORC",
    "DISMETH",
    "DISDEST",
    "CLASSPAT",
    "PROCODE3",
    "SEX",
    "STARTAGE",
    "ETHNOS",
    "LSOA11",
    "GPPRAC",
    "MAINSPEF",
    "TRETSPEF",
    "DIAG_01",
    *FURTHER_DIAGNOSES,
    "OPERTN_01",
    "SUSHRG",
)
_LATER_DIAGNOSIS = pl.Series([condition.diagnosis for condition in EMERGENCY if not condition.is_cancer])


def episode_records(
    history: History, years: tuple[FinancialYear, ...], *, areas: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Episodes of the world with the pilot under the supplier's column names, one row each, by financial year.

    An episode is in the year it ends; one that goes on over the end of a year, or of the data, is also there as an
    unfinished copy (EPISTAT 1) in the year before.
    """
    episodes = _episodes(_spells(history, areas=areas, rng=rng), rng)
    by_year = [_finished(episodes, year) for year in years] + [_unfinished(episodes, year) for year in years]
    records = (
        pl.concat(by_year)
        .sort("FYEAR", "provider", "EPISTART", "stay", "part", "EPIORDER")
        .join(described(history.people), on="person", maintain_order="left")
        .join(further_diagnoses(history.people), on="person", maintain_order="left")
    )
    key = 500_000_000_000 + rng.permutation(records.height * 3)[: records.height]
    return records.with_columns(
        pl.col("ADMIDATE", "DISDATE", "EPISTART", "EPIEND").cast(pl.Int32).cast(pl.Date),
        EPIKEY=pl.Series(key).cast(pl.String),
        PROCODE3=provider_codes(areas).gather(records["provider"]),
        STARTAGE=((pl.col("EPISTART") - pl.col("dob")) / DAYS_PER_YEAR).floor().cast(pl.Int64),
    ).select(_COLUMNS)


def _finished(episodes: pl.DataFrame, year: FinancialYear) -> pl.DataFrame:
    ended = episodes.filter(pl.col("EPIEND").is_between(year.first_day, year.last_day))
    return ended.with_columns(FYEAR=pl.lit(year.fyear), PARTYEAR=pl.lit(year.partyear), EPISTAT=pl.lit("3"))


def _unfinished(episodes: pl.DataFrame, year: FinancialYear) -> pl.DataFrame:
    """Copies of the episodes that are open at the end of the year, as far as they are known then."""
    is_open = (pl.col("EPISTART") <= year.last_day) & (pl.col("EPIEND") > year.last_day)
    return episodes.filter(is_open).with_columns(
        FYEAR=pl.lit(year.fyear),
        PARTYEAR=pl.lit(year.partyear),
        EPISTAT=pl.lit("1"),
        EPIEND=pl.lit(None, dtype=pl.Int64),
        DISDATE=pl.lit(None, dtype=pl.Int64),
        DISMETH=pl.lit("8"),
        DISDEST=pl.lit("98"),
    )


def _spells(history: History, *, areas: int, rng: np.random.Generator) -> pl.DataFrame:
    """Hospitals of the stays with what is coded on admission and on discharge."""
    stays = history.stays.filter(~pl.col("is_removed")).select(
        "stay", "kind", "method", "condition", "is_day_case", "away", "late_gap"
    )
    by_unit = pl.Series(rng.random(stays.height) < SHARE_BY_PSYCHIATRIC_UNIT)
    spells = (
        history.spells.join(stays.with_columns(is_psychiatric=by_unit), on="stay")
        .join(history.people.select("person", "area", "care_home"), on="person")
        .sort("stay", "part")
        .with_columns(next_part=pl.col("part").shift(-1).over("stay"))
    )
    is_28 = pl.Series(rng.random(spells.height) < 0.3)
    is_own_wish = pl.Series(rng.random(spells.height) < 0.02)
    return spells.with_columns(
        _provider(areas).alias("provider"),
        _admission_method(is_28).alias("ADMIMETH"),
        _admission_source().alias("ADMISORC"),
        _discharge_destination().alias("destination"),
        pl.when("is_death")
        .then(pl.lit("4"))
        .when(is_own_wish)
        .then(pl.lit("2"))
        .otherwise(pl.lit("1"))
        .alias("ending"),
        _classification().alias("CLASSPAT"),
    )


def _provider(areas: int) -> pl.Expr:
    usual = usual_provider(pl.col("area"), pl.col("away"), areas=areas)
    other = transfer_provider(pl.col("area"), pl.col("away"), areas=areas)
    return pl.when(pl.col("part").is_in([2, LATE_PART])).then(other).otherwise(usual)


def _admission_method(is_28: pl.Series) -> pl.Expr:
    is_early_return = (pl.col("part") == LATE_PART) & (pl.col("late_gap") == EARLY_RETURN_GAP)
    return (
        pl.when(pl.col("part") == 1)
        .then("method")
        .when(is_early_return)
        .then(pl.lit("21"))
        .when(is_28 & (pl.col("part") < LATE_PART))
        .then(pl.lit("28"))
        .otherwise(pl.lit("81"))
    )


def _admission_source() -> pl.Expr:
    is_transfer = (pl.col("part") > 1) | (pl.col("kind") == "transfer")
    is_from_unit = (pl.col("part") == 2) & pl.col("is_psychiatric")
    return (
        pl.when(is_from_unit)
        .then(pl.lit("50"))
        .when(is_transfer)
        .then(pl.lit("51"))
        .when("care_home")
        .then(pl.lit("65"))
        .otherwise(pl.lit("19"))
    )


def _discharge_destination() -> pl.Expr:
    """Where people go: 51 or 50 to the next hospital, except before an early return, which looks like a new event."""
    goes_home = pl.col("next_part").is_null() | (
        (pl.col("next_part") == LATE_PART) & (pl.col("late_gap") == EARLY_RETURN_GAP)
    )
    return (
        pl.when("is_death")
        .then(pl.lit("79"))
        .when(~goes_home & (pl.col("next_part") == 2) & pl.col("is_psychiatric"))
        .then(pl.lit("50"))
        .when(~goes_home)
        .then(pl.lit("51"))
        .when(pl.col("care_home") & pl.col("next_part").is_null())
        .then(pl.lit("65"))
        .otherwise(pl.lit("19"))
    )


def _classification() -> pl.Expr:
    by_night = pl.col("end") > pl.col("start")
    return (
        pl.when((pl.col("kind") == "regular") & by_night)
        .then(pl.lit("4"))
        .when(pl.col("kind") == "regular")
        .then(pl.lit("3"))
        .when("is_day_case")
        .then(pl.lit("2"))
        .otherwise(pl.lit("1"))
    )


def _episodes(spells: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Spells cut into one to three episodes; discharge fields stand on the last one."""
    nights = (spells["end"] - spells["start"]).to_numpy()
    share = rng.random(spells.height)
    may_change = (nights >= 1) & spells["kind"].is_in(["emergency", "elective"]).to_numpy()
    count = 1 + may_change * ((share < SHARE_TWO_EPISODES + SHARE_THREE_EPISODES) * 1 + (share < SHARE_THREE_EPISODES))
    which = np.repeat(np.arange(spells.height), count)
    order = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    begin = spells["start"].to_numpy()[which]
    is_last = pl.Series(order == count[which] - 1)
    none = pl.lit(None, dtype=pl.Int64)
    return (
        spells[which]
        .with_columns(
            EPIORDER=pl.Series(order + 1),
            EPISTART=pl.Series(begin + nights[which] * order // count[which]),
            EPIEND=pl.Series(begin + nights[which] * (order + 1) // count[which]),
        )
        .with_columns(
            ADMIDATE=pl.when(_has_no_admission_date(rng, len(which))).then(none).otherwise("start"),
            DISDATE=pl.when(is_last).then("end").otherwise(none),
            DISMETH=pl.when(is_last).then("ending").otherwise(pl.lit("8")),
            DISDEST=pl.when(is_last).then("destination").otherwise(pl.lit("98")),
            **_clinical_codes(spells[which], order, rng),
        )
    )


def _has_no_admission_date(rng: np.random.Generator, count: int) -> pl.Expr:
    """Some records lack the admission date; not where nothing else would tell it."""
    is_missing = pl.Series(rng.random(count) < SHARE_WITHOUT_ADMISSION_DATE)
    is_transfer = (pl.col("part") > 1) | (pl.col("kind") == "transfer")
    return is_missing & ~is_transfer


def _clinical_codes(spells: pl.DataFrame, order: np.ndarray, rng: np.random.Generator) -> dict[str, pl.Series]:
    condition = spells["condition"]
    is_other = (order > 0) & (rng.random(len(order)) < SHARE_OTHER_DIAGNOSIS_LATER)
    other = _LATER_DIAGNOSIS.gather(rng.integers(0, len(_LATER_DIAGNOSIS), len(order)))
    is_first = pl.Series(order == 0) & (spells["part"] == 1)
    nothing = pl.Series(["-"]).new_from_index(0, len(order))
    specialty = _SPECIALTY.gather(condition)
    return {
        "DIAG_01": other.zip_with(pl.Series(is_other), _DIAGNOSIS.gather(condition)),
        "OPERTN_01": _PROCEDURE.gather(condition).zip_with(is_first, nothing),
        "SUSHRG": _HRG.gather(condition),
        "MAINSPEF": specialty,
        "TRETSPEF": specialty,
    }
