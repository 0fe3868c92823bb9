"""The weighted effect on several metrics of the same people, and why one can't be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from evaluation.estimation.cautions import UNBALANCED, no_estimate
from evaluation.estimation.compared import ComparedPeople, outcome_of, with_counts
from evaluation.estimation.metrics import Metric
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_cohort import (
    UnbalancedWeightsError,
    WeightedDesign,
    weighted_design,
    weighted_rate_ratio,
)
from evaluation.regression import NotEstimableError

NO_EARLIER_COUNTS = pl.DataFrame(schema={"person_id": pl.String, "person_days": pl.Int64})


@dataclass(frozen=True, kw_only=True)
class WeightedEffect:
    """An effect, or the reason why there is none; `some_unknown` where somebody's count is not known."""

    effect: RateRatio | None = None
    reason: str = ""
    some_unknown: bool = False


def prepared_design(people: ComparedPeople) -> WeightedDesign | str:
    """What all outcomes of the weighted people share, or why there is no such thing."""
    try:
        return weighted_design(
            is_treated=people.is_treated,
            weights=people.weights,
            balanced=people.covariates,
            person_ids=people.person_numbers,
            estimand=people.estimand,
        )
    except UnbalancedWeightsError:
        return UNBALANCED
    except NotEstimableError as error:
        return no_estimate(str(error))


def weighted_effects(
    people: ComparedPeople, *, follow_up: pl.DataFrame, metrics: Sequence[Metric]
) -> Mapping[str, WeightedEffect]:
    """Effects by `metric_id`, as the rows `weighted_cohort` of `controlled_estimates` have them.

    `follow_up` has `person_id`, `person_days` and a column per metric; metrics that are not a column are absent.
    """
    prepared = prepared_design(people)
    measured = [metric for metric in metrics if metric.metric_id in follow_up.columns]
    if isinstance(prepared, str):
        return {metric.metric_id: WeightedEffect(reason=prepared) for metric in measured}
    frame = with_counts(people, follow_up, NO_EARLIER_COUNTS, metrics=measured)
    return {metric.metric_id: _effect(prepared, frame, metric) for metric in measured}


def _effect(prepared: WeightedDesign, frame: pl.DataFrame, metric: Metric) -> WeightedEffect:
    outcome = outcome_of(frame, metric)
    some_unknown = not bool((outcome.years > 0).all())
    try:
        effect = weighted_rate_ratio(prepared, counts=outcome.counts, person_years=outcome.years)
    except NotEstimableError as error:
        return WeightedEffect(reason=no_estimate(str(error)), some_unknown=some_unknown)
    return WeightedEffect(effect=effect, some_unknown=some_unknown)
