"""The tables `mean_cumulative_counts` and `days_alive_out_of_hospital`: use until death, by arm, and its difference."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.after_index import (
    ArmAfterIndex,
    PeopleAfterIndex,
    arms_after_index,
    days_in_months,
)
from evaluation.estimation.cautions import Circumstances, few_people, join, no_estimate
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import Metric
from evaluation.estimation.terminal_events import CumulativeMeans, Whole
from evaluation.estimation.weighted_means import MeansOfArms, limits, limits_above_zero, means_of_arms
from evaluation.regression import Floats, NotEstimableError

DESIGN = "weighted_cohort"
COUNTED = ("emergency_admissions", "elective_admissions", "outpatient_attendances")
COUNTS = "utilisation"
IN_HOSPITAL, BED_DAYS = "days_in_hospital", "emergency_bed_days"
MEASURES = {
    "days_alive_out_of_hospital": "Days alive and out of hospital",
    "days_alive": "Days alive",
    IN_HOSPITAL: "Days in hospital",
}
POINTWISE = "The interval holds for this month alone, not for the whole curve."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
_OF_ARMS = {
    **dict.fromkeys(("n_pilot", "n_comparator"), _COUNT),
    **{f"{name}{end}": _NUMBER for name in ("pilot", "comparator", "difference") for end in ("", "_low", "_high")},
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
}
MEAN_CUMULATIVE_COUNTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "metric_id", "label", "design", "estimator", "estimand"), _TEXT),
    **dict.fromkeys(("month", "days_from_index"), _COUNT),
    "is_end_of_follow_up": pl.Boolean(),
    **_OF_ARMS,
    **LOOK,
}
DAYS_ALIVE_OUT_OF_HOSPITAL: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "measure", "label", "design", "estimator", "estimand"), _TEXT),
    "days_from_index": _COUNT,
    **_OF_ARMS,
    **LOOK,
}


def counted_over_time(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Those of a study's metrics that are followed over time, in their order: three kinds of use, and its outcomes.

    Outcomes are what the protocol names, if it is a count of use. Deaths and cost are none: a death ends the count, and
    a cost is not known of days. More would cost a look at every month of everybody compared for each.
    """
    return tuple(
        metric
        for metric in metrics
        if metric.domain == COUNTS and (metric.metric_id in COUNTED or metric.priority != "exploratory")
    )


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """The weighted people of a population after their index date, or why there are none, and what to say of them."""

    population: str
    people: PeopleAfterIndex | None
    reason: str
    design_caution: str
    circumstances: Circumstances

    def caution(self, metric: Metric, *, reason: str, some_unknown: bool) -> str:
        """All cautions on an estimate of these people."""
        return self.circumstances.cautions(
            metric, design=DESIGN, design_caution=self.design_caution, reason=reason, some_unknown=some_unknown
        )


def cumulative_count_rows(weighted: Weighted, *, metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    """Mean cumulative count of each metric at the end of each month of follow-up, with death as a terminal event.

    Ghosh and Lin (2000), in both arms; comparison people with their weights, whose estimation the errors take into
    account. Estimand: the effect on the pilot people's mean count by that day, deaths left as they are. Assumes what
    `weighted_cohort` does, and of who leaves what `mean_cumulative_counts` does.
    """
    last = weighted.circumstances.follow_up_months
    months = np.arange(1, last + 1)
    until = np.array([days_in_months(int(month)) for month in months], dtype=np.int64)
    for metric in metrics:
        found, reason = _means(weighted, metric.metric_id, metric.metric_id, _counts, until)
        unknown, numbers = _known(weighted, metric.metric_id)
        for place, month in enumerate(months):
            yield {
                **_who(weighted, "metric_id", metric.metric_id, metric.label, "ghosh_lin"),
                **{"month": int(month), "days_from_index": int(until[place])},
                "is_end_of_follow_up": bool(month == last),
                **numbers,
                **(_columns(found, place) if found else {}),
                "caution": weighted.caution(
                    metric,
                    reason=join(POINTWISE, _few(found, place)) if found else reason,
                    some_unknown=unknown,
                ),
            }


def days_alive_rows(weighted: Weighted, *, metric: Metric) -> Iterator[dict[str, Any]]:
    """Days alive and out of hospital over the follow-up, per person, and the two measures that it is made of.

    Days alive are the area under the survival curve; days in hospital a mean cumulative count with death as a terminal
    event, so that people who are not observed until the end count as far as they are (Ghosh and Lin 2000). Their
    difference is days alive and out of hospital (Ariti and others 2011). `metric` are bed days, whose cautions hold.
    Estimand: the effect on the pilot people's mean days. Assumes what `cumulative_count_rows` does.
    """
    until = np.array([days_in_months(weighted.circumstances.follow_up_months)], dtype=np.int64)
    kinds = {"days_alive_out_of_hospital": _out_of_hospital, "days_alive": _alive, IN_HOSPITAL: _counts}
    unknown, numbers = _known(weighted, BED_DAYS)
    for measure, label in MEASURES.items():
        found, reason = _means(weighted, IN_HOSPITAL, BED_DAYS, kinds[measure], until)
        yield {
            **_who(weighted, "measure", measure, label, "area_under_survival_and_ghosh_lin"),
            "days_from_index": int(until[0]),
            **numbers,
            **(_columns(found, 0) if found else {}),
            "caution": weighted.caution(
                replace(metric, metric_id=measure, label=label),
                reason=_few(found, 0) if found else reason,
                some_unknown=unknown,
            ),
        }


def _who(weighted: Weighted, key: str, name: str, label: str, estimator: str) -> dict[str, Any]:
    who = {"population": weighted.population, key: name, "label": label}
    return who | {"design": DESIGN, "estimator": estimator, "estimand": "att"}


Found = tuple[CumulativeMeans, Whole]


def _counts(arm: ArmAfterIndex, until: Whole) -> Found:
    return arm.counts(until), arm.people_with_events(until)


def _alive(arm: ArmAfterIndex, until: Whole) -> Found:
    return arm.days_alive(until), arm.people_dead(until)


def _out_of_hospital(arm: ArmAfterIndex, until: Whole) -> Found:
    alive, inside = arm.days_alive(until), arm.counts(until)
    found = CumulativeMeans(means=alive.means - inside.means, influences=alive.influences - inside.influences)
    return found, arm.people_with_events_or_dead(until)


def _means(
    weighted: Weighted, kind: str, known_by: str, of_arm: Callable[[ArmAfterIndex, Whole], Found], until: Whole
) -> tuple[MeansOfArms | None, str]:
    if weighted.people is None:
        return None, weighted.reason
    try:
        arms = arms_after_index(weighted.people, kind=kind, known_by=known_by, horizon=int(until[-1]))
        cases, others = (of_arm(arm, until) for arm in arms)
        with_events = (cases[1], others[1])
        found = means_of_arms(weighted.people.design, cases=cases[0], others=others[0], with_events=with_events)
    except NotEstimableError as error:
        return None, no_estimate(str(error))
    return found, ""


def _known(weighted: Weighted, known_by: str) -> tuple[bool, dict[str, Any]]:
    """Whether somebody's use is not known or nobody observed it, and of how many it is."""
    people = weighted.people
    if people is None:
        return False, {"n_pilot": 0, "n_comparator": 0}
    known = people.known[known_by].is_not_null().to_numpy() & (people.days > 0)
    treated = people.design.is_treated
    numbers = {"n_pilot": np.count_nonzero(known & treated), "n_comparator": np.count_nonzero(known & ~treated)}
    return not known.all(), {name: int(number) for name, number in numbers.items()}


def _few(found: MeansOfArms, place: int) -> str:
    return few_people(int(found.cases_with_events[place]), int(found.comparators_with_events[place]))


def _columns(found: MeansOfArms, place: int) -> dict[str, Any]:
    sides: dict[str, tuple[Floats, tuple[Floats, Floats]]] = {
        "pilot": (found.cases, limits_above_zero(found.cases, found.cases_error)),
        "comparator": (found.comparators, limits_above_zero(found.comparators, found.comparators_error)),
        "difference": (found.difference, limits(found.difference, found.difference_error)),
    }
    columns = {name: float(means[place]) for name, (means, _) in sides.items()}
    if found.rests_on_few[place]:
        return columns
    for name, (_, (low, high)) in sides.items():
        columns |= {f"{name}_low": float(low[place]), f"{name}_high": float(high[place])}
    return columns
