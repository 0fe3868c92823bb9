"""A whole simulated study: extracts as suppliers would send them, and the truth beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.simulation.activity_records import appointment_records, attendance_records
from evaluation.simulation.admissions import admissions
from evaluation.simulation.calendar import NEVER
from evaluation.simulation.episodes import episode_records
from evaluation.simulation.history import History, draw_history
from evaluation.simulation.people import areas
from evaluation.simulation.plans import Streams
from evaluation.simulation.questionnaire import survey_answers
from evaluation.simulation.registers import enrolment_records, opt_out_records, population_records
from evaluation.simulation.settings import PLANTABLE_METRICS, SimulationSettings
from evaluation.simulation.truth import COUNTS, PERIODS, comparison_index_days, person_period_counts, windows

FOLLOWS = {
    "emergency_admissions_zero_night": "emergency_admissions",
    "emergency_admissions_overnight": "emergency_admissions",
    "emergency_bed_days": "emergency_admissions",
    "ambulatory_care_sensitive_admissions": "emergency_admissions",
    "elective_admissions_excluding_chemotherapy": "elective_admissions",
    "elective_bed_days": "elective_admissions",
    "outpatient_tele_attendances": "outpatient_attendances",
    "outpatient_did_not_attend": "outpatient_attendances",
    "regular_attendances": "regular_attendances",
    **{metric: metric for metric in PLANTABLE_METRICS},
}

EFFECT_COLUMNS = {
    "metric_id": pl.String,
    "scale": pl.String,
    "planted": pl.Float64,
    "expected": pl.Float64,
    "without_pilot": pl.Float64,
    "with_pilot": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class SimulatedStudy:
    """Extracts under their suppliers' column names, then the truth.

    `person_periods` has the columns and rules of the published table of that name. `effects` has one row per metric
    and per questionnaire item: `metric_id scale planted expected without_pilot with_pilot`; scale `rate_ratio`:
    events of the pilot people in the follow-up period, in both worlds; scale `percentage_points`: expected
    percentages of positive answers before and after; `expected` is null where it has no simple value.
    """

    admissions: pl.DataFrame
    outpatients: pl.DataFrame
    emergency_care: pl.DataFrame
    population: pl.DataFrame
    enrolments: pl.DataFrame
    opt_outs: pl.DataFrame
    patient_survey: pl.DataFrame
    person_periods: pl.DataFrame
    effects: pl.DataFrame


def simulate_study(settings: SimulationSettings, rng: np.random.Generator) -> SimulatedStudy:
    """A made-up study with known effects; the same settings and `rng` give the same study.

    The same `rng` with other effects gives the same people, the same pilot people and the same lives up to their
    index dates. Raises ValueError where too few people live in the pilot areas.
    """
    streams = Streams.of(rng)
    history = draw_history(settings, streams)
    records, codes = streams.records, areas(settings)
    years, count = settings.years, len(codes)
    cohort = _cohort(history, settings)
    both_arms = (
        _truth(history, part, settings, with_pilot=True) for part in (cohort, _later_enrolled(cohort, settings))
    )
    with_pilot = pl.concat(both_arms).sort("person_id", "index_date", "period")
    without_pilot = _truth(history, cohort.filter("is_pilot"), settings, with_pilot=False)
    return SimulatedStudy(
        admissions=episode_records(history, years, areas=count, rng=records),
        outpatients=appointment_records(history, years, areas=count, rng=records),
        emergency_care=attendance_records(history, years, areas=count, rng=records),
        population=population_records(history.people, codes, first_day=settings.first_day, rng=records),
        enrolments=enrolment_records(history, settings, rng=records),
        opt_outs=opt_out_records(history.people, rng=records),
        patient_survey=survey_answers(history, settings, rng=records),
        person_periods=with_pilot,
        effects=_effects(with_pilot.filter("is_pilot"), without_pilot, settings),
    )


def _truth(history: History, cohort: pl.DataFrame, settings: SimulationSettings, *, with_pilot: bool) -> pl.DataFrame:
    """Rows of `person_periods` for the people of `cohort`, in the world with or without the pilot."""
    elsewhere = "is_removed" if with_pilot else "is_added"
    stays, appointments, attendances = (
        events.filter(~pl.col(elsewhere)).join(cohort, on="person", how="semi")
        for events in (history.stays, history.appointments, history.attendances)
    )
    spells = admissions(stays, history.spells, history.people, last_day=settings.last_day)
    months: Mapping[str, int] = {"baseline": settings.baseline_months, "follow_up": settings.follow_up_months}
    return pl.concat(
        person_period_counts(
            windows(cohort, period, months=months[period], last_day=settings.last_day),
            admissions=spells,
            appointments=appointments,
            attendances=attendances,
            prices=settings.prices,
        )
        for period in PERIODS
    ).sort("person_id", "index_date", "period")


def _cohort(history: History, settings: SimulationSettings) -> pl.DataFrame:
    """Pilot people and everyone who is eligible for comparison, each with one index date."""
    linked = history.people.filter(pl.col("is_listed") & ~pl.col("is_opted_out")).select(
        "person", "person_id", "dob", "death", "reg_start", "reg_end"
    )
    names = dict(enumerate(site.site_id for site in settings.sites))
    pilot = (
        linked.join(history.pilots, on="person")
        .sort("index_day", "person_id")
        .with_columns(is_pilot=pl.lit(value=True), site_id=pl.col("site").replace_strict(names, return_dtype=pl.String))
        .drop("site", "route")
    )
    others = linked.join(history.pilots, on="person", how="anti")
    return pl.concat([pilot, _eligible(others, pilot, settings).select(pilot.columns)])


def _later_enrolled(cohort: pl.DataFrame, settings: SimulationSettings) -> pl.DataFrame:
    """Pilot people of `cohort` as comparison people, where their drawn date lies before they enrolled.

    They are followed until the day before: as if they had left then, and whatever killed them later is not known.
    """
    pilot = cohort.filter("is_pilot")
    enrolled = pl.col("enrolled_day")
    before = _eligible(pilot.with_columns(enrolled_day="index_day"), pilot, settings).filter(
        pl.col("index_day") < enrolled
    )
    return before.with_columns(
        person_id=pl.col("person_id") + " before enrolment",
        reg_end=pl.min_horizontal("reg_end", enrolled - 1),
        death=pl.when(pl.col("death") < enrolled).then("death").otherwise(NEVER),
    ).select(cohort.columns)


def _eligible(people: pl.DataFrame, pilot: pl.DataFrame, settings: SimulationSettings) -> pl.DataFrame:
    """Those who are there on the index date that they draw, as comparison people."""
    index = comparison_index_days(
        people["person_id"].to_list(),
        pilot_index_days=pilot["index_day"].to_list(),
        seed=settings.comparison_seed,
    )
    return people.with_columns(
        index_day=pl.Series(index, dtype=pl.Int64), is_pilot=pl.lit(value=False), site_id=pl.lit(None, dtype=pl.String)
    ).filter(
        (pl.col("death") >= pl.col("index_day"))
        & (pl.col("reg_start") <= pl.col("index_day"))
        & (pl.col("reg_end") >= pl.col("index_day"))
        & (pl.col("dob") <= pl.col("index_day"))
    )


def _effects(with_pilot: pl.DataFrame, without_pilot: pl.DataFrame, settings: SimulationSettings) -> pl.DataFrame:
    there, absent = (world.filter(period="follow_up").sum() for world in (with_pilot, without_pilot))
    metrics = [
        {
            "metric_id": metric,
            "scale": "rate_ratio",
            "planted": settings.effects.get(metric),
            "expected": settings.effects.get(FOLLOWS[metric], 1.0) if metric in FOLLOWS else None,
            "without_pilot": absent[metric][0],
            "with_pilot": there[metric][0],
        }
        for metric in (*COUNTS, "cost_gbp")
    ]
    items = [
        {
            "metric_id": item.item_id,
            "scale": "percentage_points",
            "planted": item.change_pp,
            "expected": item.change_pp,
            "without_pilot": round(100 * item.share("baseline"), 6),
            "with_pilot": round(100 * item.share("follow_up"), 6),
        }
        for item in settings.survey_items
    ]
    return pl.DataFrame([*metrics, *items], schema=EFFECT_COLUMNS)
