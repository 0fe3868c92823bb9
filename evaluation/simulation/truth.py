"""The truth that a pipeline has to find: each person's counts, from what happened and not from any record of it."""

from collections.abc import Mapping
from hashlib import md5

import polars as pl

from evaluation.simulation.calendar import shift_months

PERIODS = ("baseline", "follow_up")
COUNTS = (
    "emergency_admissions",
    "emergency_admissions_zero_night",
    "emergency_admissions_overnight",
    "elective_admissions",
    "elective_admissions_excluding_chemotherapy",
    "regular_attendances",
    "outpatient_attendances",
    "outpatient_tele_attendances",
    "outpatient_did_not_attend",
    "ae_attendances",
    "emergency_bed_days",
    "elective_bed_days",
    "emergency_readmissions_30_days",
    "ambulatory_care_sensitive_admissions",
)
COLUMNS = ("person_id", "is_pilot", "site_id", "index_date", "period", "person_days", *COUNTS, "died", "cost_gbp")
ATTENDED = ("5", "6")
MISSED = ("3", "7")
TELE = ("3", "4")
ADMINISTRATIVE = "5"
PLANNED_FOLLOW_UP = "2"


def comparison_index_days(person_ids: list[str], *, pilot_index_days: list[int], seed: int) -> list[int]:
    """The pilot index date that each comparison person gets, chosen by a hash of the seed and the person.

    `pilot_index_days` in order of date and person: one each. The hash is the integer of the first 15 hexadecimal
    digits of md5("seed:person_id").
    """
    count = len(pilot_index_days)
    return [
        pilot_index_days[int(md5(f"{seed}:{person_id}".encode(), usedforsecurity=False).hexdigest()[:15], 16) % count]
        for person_id in person_ids
    ]


def windows(cohort: pl.DataFrame, period: str, *, months: int, last_day: int) -> pl.DataFrame:
    """`cohort` with the period's `start` and `end` and the observed days from `observed_from` to before `observed_to`.

    `cohort` has `person index_day dob death reg_start reg_end` as day numbers (NEVER where there is none).
    """
    index = cohort["index_day"].to_numpy()
    start, end = (shift_months(index, -months), index) if period == "baseline" else (index, shift_months(index, months))
    return cohort.with_columns(period=pl.lit(period), start=pl.Series(start), end=pl.Series(end)).with_columns(
        observed_from=pl.max_horizontal("start", "dob", "reg_start"),
        observed_to=pl.min_horizontal("end", pl.col("death") + 1, pl.col("reg_end") + 1, pl.lit(last_day + 1)),
    )


def person_period_counts(
    window: pl.DataFrame,
    *,
    admissions: pl.DataFrame,
    appointments: pl.DataFrame,
    attendances: pl.DataFrame,
    prices: Mapping[str, float],
) -> pl.DataFrame:
    """One row per person of `window` (see `windows`) with the columns of `COLUMNS`.

    `admissions` as `admissions.admissions` returns them; `appointments` have `person day attended firstatt`,
    `attendances` `person day category`. An event counts on its first day, if that day is observed; bed days are the
    nights within the observed days. Without prices, or where an activity that happened has none, the cost is null.
    """
    counts = [
        _admission_counts(_observed(admissions, "start", window), prices),
        _bed_days(admissions, window),
        _appointment_counts(_observed(appointments, "day", window), prices),
        _attendance_counts(_observed(attendances, "day", window), prices),
    ]
    table = window
    for part in counts:
        table = table.join(part, on="person", how="left", maintain_order="left")
    costs = [column for column in table.columns if column.startswith("cost_")]
    return table.with_columns(pl.col(*COUNTS).fill_null(0).cast(pl.Int64), pl.col(costs).fill_null(0.0)).select(
        "person_id",
        "is_pilot",
        "site_id",
        pl.col("index_day").cast(pl.Int32).cast(pl.Date).alias("index_date"),
        "period",
        pl.max_horizontal(pl.col("observed_to") - pl.col("observed_from"), 0).alias("person_days"),
        *COUNTS,
        ((pl.col("death") >= pl.col("start")) & (pl.col("death") < pl.col("end"))).alias("died"),
        _cost(costs, prices).alias("cost_gbp"),
    )


def _observed(events: pl.DataFrame, day: str, window: pl.DataFrame) -> pl.DataFrame:
    bounds = window.select("person", "observed_from", "observed_to")
    return events.join(bounds, on="person").filter(
        (pl.col(day) >= pl.col("observed_from")) & (pl.col(day) < pl.col("observed_to"))
    )


def _admission_counts(spells: pl.DataFrame, prices: Mapping[str, float]) -> pl.DataFrame:
    is_emergency, is_elective = pl.col("kind") == "emergency", pl.col("kind") == "elective"
    nights = pl.col("end") - pl.col("start")
    activity = (
        pl.when(is_emergency)
        .then(pl.lit("emergency_spell"))
        .when(is_elective & pl.col("is_day_case"))
        .then(pl.lit("elective_day_case"))
        .when(is_elective)
        .then(pl.lit("elective_spell"))
    )
    grouped = ("hrg:" + pl.col("hrg")).replace_strict(prices, default=None, return_dtype=pl.Float64)
    flat = activity.replace_strict(prices, default=None, return_dtype=pl.Float64)
    cost = pl.when(is_emergency | is_elective).then(pl.coalesce(grouped, flat, float("nan"))).otherwise(0.0)
    return spells.group_by("person").agg(
        is_emergency.sum().alias("emergency_admissions"),
        (is_emergency & (nights == 0)).sum().alias("emergency_admissions_zero_night"),
        (is_emergency & (nights >= 1)).sum().alias("emergency_admissions_overnight"),
        is_elective.sum().alias("elective_admissions"),
        (is_elective & ~pl.col("is_chemotherapy")).sum().alias("elective_admissions_excluding_chemotherapy"),
        (pl.col("kind") == "regular").sum().alias("regular_attendances"),
        pl.col("is_readmission").sum().alias("emergency_readmissions_30_days"),
        (is_emergency & pl.col("is_sensitive")).sum().alias("ambulatory_care_sensitive_admissions"),
        cost.sum().alias("cost_admissions"),
    )


def _bed_days(spells: pl.DataFrame, window: pl.DataFrame) -> pl.DataFrame:
    bounds = window.select("person", "observed_from", "observed_to")
    nights = pl.min_horizontal("end", "observed_to") - pl.max_horizontal("start", "observed_from")
    return (
        spells.filter(pl.col("end").is_not_null())
        .join(bounds, on="person")
        .with_columns(nights=pl.max_horizontal(nights, 0))
        .group_by("person")
        .agg(pl.col("nights").filter(kind=kind).sum().alias(f"{kind}_bed_days") for kind in ("emergency", "elective"))
    )


def _appointment_counts(appointments: pl.DataFrame, prices: Mapping[str, float]) -> pl.DataFrame:
    counted = pl.col("firstatt") != ADMINISTRATIVE
    attended = counted & pl.col("attended").is_in(ATTENDED)
    price = prices.get("outpatient_attendance", float("nan"))
    return appointments.group_by("person").agg(
        attended.sum().alias("outpatient_attendances"),
        (attended & pl.col("firstatt").is_in(TELE)).sum().alias("outpatient_tele_attendances"),
        (counted & pl.col("attended").is_in(MISSED)).sum().alias("outpatient_did_not_attend"),
        pl.when(attended).then(price).otherwise(0.0).sum().alias("cost_appointments"),
    )


def _attendance_counts(attendances: pl.DataFrame, prices: Mapping[str, float]) -> pl.DataFrame:
    unplanned = pl.col("category") != PLANNED_FOLLOW_UP
    price = prices.get("ae_attendance", float("nan"))
    return attendances.group_by("person").agg(
        unplanned.sum().alias("ae_attendances"),
        pl.when(unplanned).then(price).otherwise(0.0).sum().alias("cost_attendances"),
    )


def _cost(costs: list[str], prices: Mapping[str, float]) -> pl.Expr:
    if not prices:
        return pl.lit(None, dtype=pl.Float64)
    return pl.sum_horizontal(costs).fill_nan(None)
