"""What comparison people would have used had nobody enrolled later: inverse probability of censoring weights."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.estimation.compared import ComparedPeople
from evaluation.regression import Floats, NotEstimableError, Regression, poisson_regression, with_intercept

LED_BY = "emergency_admissions"
RECENT_DAYS, EARLIER_DAYS = 30, 90  # an emergency admission is recent for 30 days, earlier until 90
LATEST_STEP = (RECENT_DAYS, EARLIER_DAYS)
FEWEST_ENROLMENTS = 20
ENROLMENTS_PER_COLUMN, MOST_COLUMNS = 5, 20
TOO_FEW = "too few comparison people enrol later to say whom those who stayed stand for"
NO_HISTORY = f"{LED_BY} are not known of everyone, and what leads people to enrol is not either"


@dataclass(frozen=True, kw_only=True)
class Reweighted:
    """Counts as if nobody had enrolled later, and the largest weight that one of their days has."""

    counts: pl.DataFrame
    largest_weight: float


def reweighted_for_enrolment(
    people: ComparedPeople,
    *,
    follow_up: pl.DataFrame,
    by_day: pl.DataFrame,
    enrolled: pl.Series,
) -> Reweighted:
    """Counts and days of the comparison people, each day weighted for those like them who had enrolled by then.

    `follow_up`: `person_id`, `person_days` from the index date on and a column per metric, null where it is not known.
    `by_day`: `person_id`, `day_from_index` and a column per metric that is counted by day, a row per day with any use.
    What stands in `follow_up` alone happens once (death). `enrolled`: ids of the comparison people whose follow-up
    ended because they enrolled on the day after. Rows of pilot people stay as they are.

    The hazard of enrolling after a day, piecewise constant, is a log-linear Poisson regression on the emergency
    admissions of the last 30 and of the 60 days before (after the index date, that day included), on steps at 30 and 90
    days, and on as many of the columns that the weights balance, in their order, as five enrolments each allow (20 at
    most). With H the hazards summed over the days before, what happens on a day counts exp(H) times, and so does the
    day: inverse probability of censoring weights (Robins and Finkelstein 2000). A death counts once, with its day's
    weight. Assumes that whoever enrols and whoever like them in these columns has not would have fared alike. That the
    hazards are estimated is left out of errors, which makes them a little too large rather than too small.

    Raises `NotEstimableError` with fewer than 20 enrolments, or where emergency admissions are not known of everyone.

    By hand: nobody has any admission, and one in a hundred enrols after each day: day 0 counts 1, day 1 1.01.
    """
    if enrolled.len() < FEWEST_ENROLMENTS:
        raise NotEstimableError(TOO_FEW)
    others = people.person_id.filter(pl.Series(~people.is_treated)).rename("person_id").to_frame().with_row_index("row")
    observed = others.join(follow_up, on="person_id", how="left", maintain_order="left")
    observed = observed.with_columns(pl.col("person_days").fill_null(0).cast(pl.Int64))
    if observed.filter(pl.col("person_days") > 0)[LED_BY].null_count():
        raise NotEstimableError(NO_HISTORY)
    use = by_day.join(others, on="person_id", how="inner").sort("row", "day_from_index")
    spans = _with_hazard(_spans(observed, use), enrolled, people.covariates[~people.is_treated])
    counts = _weighted_counts(observed, spans, use)
    pilot = follow_up.join(others, on="person_id", how="anti").select(counts.columns)
    return Reweighted(
        counts=pl.concat([pilot.cast(dict.fromkeys(counts.columns[1:], pl.Float64)), counts]),
        largest_weight=math.exp(max(spans["on_last_day"].to_list(), default=0.0)),
    )


def _spans(observed: pl.DataFrame, use: pl.DataFrame) -> pl.DataFrame:
    """Runs of days in which nothing changes: `row`, `person_id`, `start`, `end` (not in it), `days`, the history."""
    admissions = use.filter(pl.col(LED_BY) > 0).select("row", day="day_from_index", number=LED_BY)
    changes = [admissions.select("row", start=pl.col("day") + later) for later in (0, *LATEST_STEP)]
    steps = observed.select("row").join(pl.DataFrame({"start": [0, *LATEST_STEP]}), how="cross")
    starts = pl.concat([steps, *changes], how="vertical_relaxed").unique()
    spans = (
        starts.join(observed.select("row", "person_id", "person_days"), on="row")
        .filter(pl.col("start") < pl.col("person_days"))
        .sort("row", "start")
        .with_columns(end=pl.col("start").shift(-1).over("row").fill_null(pl.col("person_days")))
        .with_columns(days=pl.col("end") - pl.col("start"))
    )
    return spans.join(
        _histories(spans, admissions), on=["row", "start"], how="left", maintain_order="left"
    ).with_columns(pl.col("recent", "earlier").fill_null(0))


def _histories(spans: pl.DataFrame, admissions: pl.DataFrame) -> pl.DataFrame:
    """How many emergency admissions lie up to 30 days before each span's start, and up to 90."""
    ago = pl.col("start") - pl.col("day")
    return (
        spans.select("row", "start")
        .join(admissions, on="row")
        .filter(ago >= 0, ago < EARLIER_DAYS)
        .group_by("row", "start")
        .agg(
            recent=pl.col("number").filter(ago < RECENT_DAYS).sum(),
            earlier=pl.col("number").filter(ago >= RECENT_DAYS).sum(),
        )
    )


def _with_hazard(spans: pl.DataFrame, enrolled: pl.Series, balanced: Floats) -> pl.DataFrame:
    """`hazard` of enrolling a day, and `cumulated` over the days before the span."""
    is_last = pl.col("end") == pl.col("person_days")
    is_enrolled = is_last & pl.col("person_id").is_in(enrolled.implode())
    columns = min(enrolled.len() // ENROLMENTS_PER_COLUMN, MOST_COLUMNS)
    history = np.column_stack([np.log1p(spans[name].to_numpy()) for name in ("recent", "earlier")])
    steps = np.column_stack([(spans["start"] >= step).to_numpy() for step in LATEST_STEP])
    own = history.shape[1] + steps.shape[1]
    design = with_intercept(history, steps, balanced[:, : max(columns - own, 0)][spans["row"].to_numpy()])
    fitted: Regression = poisson_regression(
        spans.select(is_enrolled)["end"].cast(pl.Float64).to_numpy(), design, exposure=spans["days"].to_numpy()
    )
    hazard = pl.col("hazard")
    passed = hazard * pl.col("days")
    return spans.with_columns(hazard=pl.Series(fitted.expected) / pl.col("days")).with_columns(
        cumulated=passed.cum_sum().over("row") - passed,
        on_last_day=passed.cum_sum().over("row") - hazard,
    )


def _weighted_counts(observed: pl.DataFrame, spans: pl.DataFrame, use: pl.DataFrame) -> pl.DataFrame:
    """A row per comparison person: days, use of each day and what happens once, as the days weigh; null as observed."""
    counted = [name for name in observed.columns if name not in ("row", "person_id", "person_days")]
    daily, once = (
        [name for name in counted if name in use.columns],
        [name for name in counted if name not in use.columns],
    )
    starts = spans.select("row", "start", "hazard", "cumulated", span_start="start")
    placed = (
        use.with_columns(start="day_from_index")
        .sort("start")
        .join_asof(starts.sort("start"), on="start", by="row", check_sortedness=False)
    )
    weight = (pl.col("cumulated") + pl.col("hazard") * (pl.col("day_from_index") - pl.col("span_start"))).exp()
    used = placed.group_by("row").agg((pl.col(name) * weight).sum() for name in daily)
    days = (
        spans.with_columns(weighted=_weighted_days(spans))
        .group_by("row")
        .agg(pl.col("weighted").sum(), last_weight=pl.col("on_last_day").last().exp())
    )
    found = observed.join(days, on="row", how="left").join(used, on="row", how="left", suffix="_weighted").sort("row")
    return found.select(
        "person_id",
        pl.col("weighted").fill_null(0.0).alias("person_days"),
        *(
            pl.when(pl.col(name).is_not_null()).then(pl.col(f"{name}_weighted").fill_null(0.0)).alias(name)
            for name in daily
        ),
        *((pl.col(name).cast(pl.Float64) * pl.col("last_weight").fill_null(1.0)).alias(name) for name in once),
    )


def _weighted_days(spans: pl.DataFrame) -> pl.Series:
    """Days of a span, each counting exp of the hazards before it: a geometric sum."""
    hazard, days = spans["hazard"].to_numpy(), spans["days"].to_numpy()
    return pl.Series(np.exp(spans["cumulated"].to_numpy()) * np.expm1(hazard * days) / np.expm1(hazard))
