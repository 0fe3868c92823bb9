"""The tables `event_study` and `lead_tests`: rates month by month around the index date, in both arms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2

from evaluation.estimation.cautions import Circumstances, few_people, join
from evaluation.estimation.compared import ComparedPopulation
from evaluation.estimation.interim import LOOK
from evaluation.estimation.intervals import quantile
from evaluation.estimation.metrics import Metric
from evaluation.estimation.month_roles import HELD_OUT, months_used, role_of_month, words_of_month
from evaluation.estimation.monthly_ratios import MonthlyRatios, lead_test, monthly_ratios
from evaluation.estimation.weighted_cohort import WeightedDesign

DESIGN = "weighted_cohort"
UNKNOWN = -1
FEWEST_MONTHS = 2
NOT_KNOWN = "No rate: no day of this month is known of an arm."
NO_EVENTS = "No ratio: nobody of an arm had any event."
SOME_UNKNOWN = "People whose count is not known in this month are left out of it."
NONE_HELD_OUT = (
    "No test: the covariates look at this use in all months before the crisis window, so every one of them is flat by "
    "construction and none is evidence."
)
TOO_FEW_MONTHS = "No test: in too few of the months held out did enough people of both arms have any event."
WHAT_IT_TESTS = (
    "Of the months held out alone: whether the groups' use was the same there, where the weights did not make it so. "
    "A small p value speaks against the comparison; a large one is no proof of it."
)
SOME_LEFT_OUT = "Months in which too few people had any event are left out."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
EVENT_STUDY: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "metric_id", "label", "design"), _TEXT),
    "month_from_index": _COUNT,
    "role": _TEXT,
    "is_used_for_matching": pl.Boolean(),
    **dict.fromkeys(("pilot_rate", "comparator_rate"), _NUMBER),
    **dict.fromkeys(("log_rate_ratio", "log_rate_ratio_low", "log_rate_ratio_high"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}
LEAD_TESTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "metric_id", "label", "design"), _TEXT),
    **dict.fromkeys(("months_held_out", "months_tested"), _COUNT),
    "chi_square": _NUMBER,
    "degrees_of_freedom": _COUNT,
    "p_value": _NUMBER,
    **dict.fromkeys(("relative_change_pct", "relative_low_pct", "relative_high_pct"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **dict.fromkeys(("change_a_year_pct", "change_a_year_low_pct", "change_a_year_high_pct"), _NUMBER),
}


@dataclass(frozen=True, kw_only=True)
class PersonMonths:
    """Compared people (N, sorted) by month from the index date (M): observed days, and counts, -1 where not known."""

    person_id: pl.Series
    months: NDArray[np.int64]
    days: NDArray[np.uint8]
    counts: Mapping[str, NDArray[np.int16]]


def event_study_rows(
    one: ComparedPopulation,
    design: WeightedDesign,
    months: PersonMonths,
    *,
    metrics: Sequence[Metric],
    circumstances: Circumstances,
) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """For each metric, its rows of `event_study` and its row of `lead_tests`.

    Months that a covariate of the weights looks at are flat by construction; those held out are tested together
    (Freyaldenhoven, Hansen and Shapiro 2019 for why so little follows from a test that finds nothing; Roth 2022).
    """
    if one.weighted is None:
        return
    ids = one.weighted.person_id.gather(design.order)
    places = months.person_id.search_sorted(ids).to_numpy()
    days = months.days[places].astype(float)
    for metric in metrics:
        used = months_used(metric, one.weighted_by)
        ratios = monthly_ratios(design, days=days, counts=months.counts[metric.metric_id][places].astype(float))
        who = {"population": one.population, "metric_id": metric.metric_id, "label": metric.label, "design": DESIGN}
        found = [
            {
                **who,
                **_month_columns(int(month), ratios, place, used=used),
                "caution": join(*words_of_month(int(month), used=used), *_why_unknown(ratios, place))
                if month < 0
                else circumstances.cautions(
                    metric,
                    design=DESIGN,
                    design_caution=one.weighting_caution,
                    reason=join(*_why_unknown(ratios, place)),
                ),
            }
            for place, month in enumerate(months.months)
        ]
        yield found, {**who, **_tested(months.months, ratios, used=used)}


def _month_columns(month: int, ratios: MonthlyRatios, place: int, *, used: int) -> dict[str, Any]:
    columns = {
        "month_from_index": month,
        "role": role_of_month(month, used=used),
        "is_used_for_matching": -used <= month < 0,
        "pilot_rate": _value(ratios.pilot_rate[place]),
        "comparator_rate": _value(ratios.comparator_rate[place]),
        "log_rate_ratio": _value(ratios.log_ratio[place]),
    }
    if not ratios.has_interval[place]:
        return columns
    margin = quantile() * float(np.sqrt(ratios.covariance[place, place]))
    estimate = float(ratios.log_ratio[place])
    return columns | {"log_rate_ratio_low": estimate - margin, "log_rate_ratio_high": estimate + margin}


def _why_unknown(ratios: MonthlyRatios, place: int) -> tuple[str, ...]:
    some = SOME_UNKNOWN if ratios.some_unknown[place] else ""
    if np.isnan(ratios.pilot_rate[place]) or np.isnan(ratios.comparator_rate[place]):
        return (NOT_KNOWN,)
    if np.isnan(ratios.log_ratio[place]):
        return NO_EVENTS, some
    fewest = int(ratios.fewest_with_events[place])
    return few_people(fewest, fewest), some


def _tested(months: NDArray[np.int64], ratios: MonthlyRatios, *, used: int) -> dict[str, Any]:
    held_out = np.array([role_of_month(int(month), used=used) == HELD_OUT for month in months])
    tested = held_out & ratios.has_interval
    columns = {"months_held_out": int(held_out.sum()), "months_tested": 0}
    if not held_out.any():
        return columns | {"caution": NONE_HELD_OUT}
    if tested.sum() < FEWEST_MONTHS:
        return columns | {"caution": TOO_FEW_MONTHS}
    statistic, freedom = lead_test(ratios, tested)
    return columns | {
        "months_tested": int(tested.sum()),
        "chi_square": statistic,
        "degrees_of_freedom": freedom,
        "p_value": float(chi2.sf(statistic, freedom)),
        "caution": join(WHAT_IT_TESTS, SOME_LEFT_OUT if (held_out & ~tested).any() else ""),
    }


def _value(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
