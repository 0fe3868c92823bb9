"""Rows of `lead_tests` for `matched_did`: the change that it finds long before anybody was treated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.estimation.cautions import join, no_estimate
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS
from evaluation.estimation.event_study import PersonMonths
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.metrics import Metric
from evaluation.estimation.month_roles import HELD_OUT, months_used, role_of_month
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.regression import Floats, NotEstimableError

DESIGN = "matched_did"
EARLIER, LATER, A_YEAR_LATER = (-24, -19), (-18, -13), (-12, -7)
TESTED, DRIFTED = range(EARLIER[0], LATER[1] + 1), range(EARLIER[0], A_YEAR_LATER[1] + 1)
WHAT_IT_TESTS = (
    "The change from months -24 to -19 to months -18 to -13, as the design would find it, long before anybody was "
    "treated and in months that pairs were not made alike in. It assumes that both arms would have changed alike: an "
    "interval that leaves out no change speaks against that; one that holds it is no proof."
)
NO_PAIRS = "No test: no pairs were found for these pilot people."
NOT_HELD_OUT = (
    "No test: pairs were made alike in this use in months -24 to -13 or some of them, so they are no evidence."
)
NOT_REACHED = "No test: the look-back does not hold all of months -24 to -13."
CHANGE_A_YEAR = ("change_a_year_pct", "change_a_year_low_pct", "change_a_year_high_pct")
FEW = "No test: too few people of an arm had any event in months -24 to -19 or -18 to -13."
NOT_PARALLEL = (
    "Between months -24 to -19 and -18 to -13, long before anybody was treated, this design finds a {kind} as well "
    "(`lead_tests`): the groups were on different courses, or this is chance."
)


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Counts and person-years of n rows in some months; 0 years where a count of any month is not known."""

    counts: Floats
    years: Floats


def lead_change_rows(
    one: ComparedPopulation, months: PersonMonths, *, metrics: Sequence[Metric]
) -> Iterator[dict[str, Any]]:
    """A row per metric: `matched_did` from months -24 to -19 to months -18 to -13, where all of them are held out.

    The same estimator, pairs and errors as in `metric_estimates`, on dates at which nobody was treated (Roth,
    Sant'Anna, Bilinski and Poe 2023, Journal of Econometrics 235). A lasting difference cancels out, as the design
    wants it to; what is left is a trend that one arm has alone. One degree of freedom. Where months -12 to -7 are held
    out too, `change_a_year_pct` is what it finds from months -24 to -19 to them, a year later.

    By hand: cases 12 events, then 24, controls 24 and 24, in equal person-time: +100%.
    """
    for metric in metrics:
        used = months_used(metric, one.matched_by)
        held_out = sum(role_of_month(int(month), used=used) == HELD_OUT for month in months.months)
        yield {
            **{"population": one.population, "metric_id": metric.metric_id, "label": metric.label, "design": DESIGN},
            **{"months_held_out": None if one.matched is None else held_out, "months_tested": 0},
            **_tested(one, months, metric, used=used),
            **_drifted(one, months, metric, used=used),
        }


def with_lead_cautions(estimates: pl.DataFrame, lead_tests: pl.DataFrame) -> pl.DataFrame:
    """`metric_estimates` whose rows of `matched_did` say where it finds a change before anybody was treated.

    That is where the 95% interval of its lead test leaves out no change: of one metric in twenty by chance alone.
    """
    rise = pl.when(pl.col("relative_low_pct") > 0).then(pl.lit(NOT_PARALLEL.format(kind="rise")))
    said = rise.when(pl.col("relative_high_pct") < 0).then(pl.lit(NOT_PARALLEL.format(kind="fall")))
    keys = ["population", "metric_id", "design"]
    tests = lead_tests.filter(design=DESIGN).select(*keys, _lead=said)
    joined = estimates.join(tests, on=keys, how="left", maintain_order="left")
    caution = pl.concat_str("caution", "_lead", separator=" ", ignore_nulls=True)
    return joined.with_columns(caution=caution).select(estimates.columns)


def _tested(one: ComparedPopulation, months: PersonMonths, metric: Metric, *, used: int) -> dict[str, Any]:
    if one.matched is None:
        return {"caution": join(NO_PAIRS, one.matching_caution)}
    if not set(TESTED) <= set(months.months.tolist()):
        return {"caution": NOT_REACHED}
    if not are_held_out(TESTED, used=used):
        return {"caution": NOT_HELD_OUT}
    found = _change(one.matched, months, metric, EARLIER, LATER)
    if isinstance(found, str):
        return {"caution": found}
    return {
        "months_tested": len(TESTED),
        "chi_square": (found.log_rate_ratio / found.standard_error) ** 2,
        "degrees_of_freedom": 1,
        "p_value": found.p_value,
        "relative_change_pct": found.relative_change_pct,
        "relative_low_pct": found.relative_low_pct,
        "relative_high_pct": found.relative_high_pct,
        "caution": WHAT_IT_TESTS,
    }


def _drifted(one: ComparedPopulation, months: PersonMonths, metric: Metric, *, used: int) -> dict[str, float]:
    """The change within a year before the crisis window; nothing where a month was used, or it can't be had."""
    reached = set(DRIFTED) <= set(months.months.tolist())
    if one.matched is None or not reached or not are_held_out(DRIFTED, used=used):
        return {}
    found = _change(one.matched, months, metric, EARLIER, A_YEAR_LATER)
    if isinstance(found, str):
        return {}
    values = (found.relative_change_pct, found.relative_low_pct, found.relative_high_pct)
    return dict(zip(CHANGE_A_YEAR, values, strict=True))


def are_held_out(months: range, *, used: int) -> bool:
    """Whether none of the months is one that pairs were made alike in, or one of the crisis before the index date."""
    return all(role_of_month(month, used=used) == HELD_OUT for month in months)


def _change(
    people: ComparedPeople, months: PersonMonths, metric: Metric, first: tuple[int, int], last: tuple[int, int]
) -> RateRatio | str:
    """`matched_did` from the first half-year to the last, or why there is none."""
    earlier, later = (_window(people, months, metric.metric_id, window) for window in (first, last))
    known = (earlier.years > 0) & (later.years > 0)
    if _fewest_with_events(people, earlier, later, known) < FEWEST_PEOPLE_WITH_EVENTS:
        return FEW
    try:
        return matched_did(
            baseline_counts=np.where(known, earlier.counts, 0.0),
            baseline_person_years=np.where(known, earlier.years, 0.0),
            counts=np.where(known, later.counts, 0.0),
            person_years=np.where(known, later.years, 0.0),
            is_treated=people.is_treated,
            weights=people.weights,
            person_ids=people.person_numbers,
            set_ids=people.set_ids,
        )
    except NotEstimableError as error:
        return no_estimate(str(error))


def _fewest_with_events(people: ComparedPeople, earlier: _Window, later: _Window, known: NDArray[np.bool_]) -> int:
    """People with any event, of the window and arm with fewest."""
    return min(
        people.people_among(known & arm & (window.counts > 0))
        for window in (earlier, later)
        for arm in (people.is_treated, ~people.is_treated)
    )


def _window(people: ComparedPeople, months: PersonMonths, metric_id: str, window: tuple[int, int]) -> _Window:
    first, last = window
    within = (months.months >= first) & (months.months <= last)
    places = months.person_id.search_sorted(people.person_id).to_numpy()
    counts = months.counts[metric_id][:, within][places].astype(float)
    years = months.days[:, within][places].sum(axis=1, dtype=float) / DAYS_PER_YEAR
    known = (counts >= 0).all(axis=1)
    return _Window(counts=np.where(known, counts.sum(axis=1), 0.0), years=np.where(known, years, 0.0))
