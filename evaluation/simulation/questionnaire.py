"""Answers to a questionnaire before and after, with a planted change in the share of positive answers."""

from statistics import NormalDist

import numpy as np
import polars as pl

from evaluation.simulation.calendar import DAYS_PER_YEAR, BoolArray, FloatArray, shift_months
from evaluation.simulation.history import History
from evaluation.simulation.settings import SimulationSettings, SurveyItem

RESPONSE = {"baseline": 0.83, "follow_up": 0.86}
UNANSWERED_ITEM_SHARE = 0.02
NOT_KNOWN_SHARE = 0.03
WITHIN_PERSON_CORRELATION = 0.3


def survey_answers(history: History, settings: SimulationSettings, *, rng: np.random.Generator) -> pl.DataFrame:
    """Pilot people who were asked, one row a person and wave: PSEUDO_HESID WAVE SITE AGE_BAND and the items' columns.

    Everyone alive is asked; who doesn't respond has blank answers.
    """
    asked = history.pilots.join(history.people.select("person", "person_id", "dob", "death"), on="person")
    temper = rng.normal(size=asked.height)
    parts = [
        _wave(asked, temper, history, settings, period=period, wave=wave, rng=rng)
        for period, wave in settings.survey_waves.items()
    ]
    return pl.concat(parts).sort("WAVE", "PSEUDO_HESID")


def _wave(
    asked: pl.DataFrame,
    temper: FloatArray,
    history: History,
    settings: SimulationSettings,
    *,
    period: str,
    wave: str,
    rng: np.random.Generator,
) -> pl.DataFrame:
    index = asked["index_day"].to_numpy()
    end = index if period == "baseline" else shift_months(index, settings.follow_up_months)
    start = index if period == "follow_up" else shift_months(index, -settings.baseline_months)
    was_discharged = _discharged(history, asked.select("person", since=pl.Series(start), until=pl.Series(end)))
    responds = rng.random(asked.height) < RESPONSE[period]
    age = (pl.col("index_day") - pl.col("dob")) / DAYS_PER_YEAR
    names = dict(enumerate(site.site_id for site in settings.sites))
    return asked.select(
        pl.col("person_id").alias("PSEUDO_HESID"),
        pl.lit(wave).alias("WAVE"),
        pl.col("site").replace_strict(names, return_dtype=pl.String).alias("SITE"),
        _age_band(age).alias("AGE_BAND"),
        *(
            _answers(item, period, temper, responds, was_discharged, rng).alias(item.column)
            for item in settings.survey_items
        ),
    ).filter(asked["death"].to_numpy() >= end)


def _discharged(history: History, asked: pl.DataFrame) -> BoolArray:
    """Who left hospital in the period, and so can be asked about what came after."""
    stays = history.stays.filter(~pl.col("is_removed") & (pl.col("kind") != "regular")).select("person", "end")
    inside = stays.join(asked, on="person").filter(pl.col("end").is_between("since", "until", closed="left"))
    return asked["person"].is_in(inside["person"].unique().implode()).to_numpy()


def _answers(
    item: SurveyItem,
    period: str,
    temper: FloatArray,
    responds: BoolArray,
    was_discharged: BoolArray,
    rng: np.random.Generator,
) -> pl.Series:
    """Answer codes; positive with the item's share, whatever the correlation between a person's answers."""
    count = len(temper)
    mood = np.sqrt(WITHIN_PERSON_CORRELATION) * temper
    mood = mood + np.sqrt(1 - WITHIN_PERSON_CORRELATION) * rng.normal(size=count)
    is_positive = mood < _threshold(item.share(period))
    positive = rng.choice(item.positive, count)
    negative = rng.choice(item.negative, count)
    answers = np.where(is_positive, positive, negative).astype(object)
    if item.asked_after_discharge:
        answers[~was_discharged] = item.not_counted
    elif item.not_counted is not None:
        answers[rng.random(count) < NOT_KNOWN_SHARE] = item.not_counted
    answers[~responds | (rng.random(count) < UNANSWERED_ITEM_SHARE)] = None
    return pl.Series(answers.tolist(), dtype=pl.String)


def _threshold(share: float) -> float:
    """The value that a standard normal variable is below with this probability."""
    return NormalDist().inv_cdf(share) if 0 < share < 1 else (2 * share - 1) * np.inf


def _age_band(age: pl.Expr) -> pl.Expr:
    return (
        pl.when(age < 65)
        .then(pl.lit("under 65"))
        .when(age < 75)
        .then(pl.lit("65-74"))
        .when(age < 85)
        .then(pl.lit("75-84"))
        .otherwise(pl.lit("85 and over"))
    )
