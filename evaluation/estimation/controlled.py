"""Rows of `metric_estimates` for the designs with comparison people like the pilot's: weighted and matched."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.cautions import NO_DID_OF_ONCE_ONLY, NOT_FROZEN, controlled_cautions, no_estimate
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation, Outcome, outcome_of, with_counts
from evaluation.estimation.estimates import METRIC_ESTIMATES, metric_columns
from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.metrics import Metric, population_words
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_cohort import WeightedDesign, weighted_rate_ratio
from evaluation.estimation.weighted_effects import prepared_design
from evaluation.regression import Floats, NotEstimableError

WEIGHTED, MATCHED, MATCHED_DID = "weighted_cohort", "matched_cohort", "matched_did"
DESIGNS = (WEIGHTED, MATCHED, MATCHED_DID)
EXPLORATORY = "exploratory"
PERSON, PERSON_AND_SET = "person", "person and matched set"
ESTIMATORS = {
    WEIGHTED: "entropy_balancing",
    MATCHED: "poisson_in_matched_sets",
    MATCHED_DID: "saturated_poisson_in_matched_sets",
}


@dataclass(frozen=True, kw_only=True)
class _Found:
    """An effect, or the reason why there is none, with those it rests on (n flags)."""

    effect: RateRatio | None
    reason: str
    known: NDArray[np.bool_]
    years: Floats


def controlled_estimates(
    compared: Iterable[ComparedPopulation],
    *,
    follow_up: pl.DataFrame,
    earlier: pl.DataFrame,
    metrics: Sequence[Metric],
    follow_up_months: int,
    protocol_hash: str,
    run_id: str,
    design_state: str = NOT_FROZEN,
    designs: Collection[str] = DESIGNS,
) -> pl.DataFrame:
    """Three rows per metric and population: `weighted_cohort`, `matched_cohort`, `matched_did`; none is the default.

    Of `designs` alone, if fewer are asked for.
    A subgroup has the first alone, for the metrics that the protocol names, with the priority `exploratory`.

    `follow_up` (after the index date) and `earlier` (months -24 to -7) have a row per person with `person_days` and a
    column per metric. Levels, changes and intervals as in `RateRatio`; the cohort designs have no baseline, and their
    comparator's level is the cases' rate as it would have been without the pilot. A once-only event is counted
    per person: a risk ratio by the same models. Cost is a rate of pounds, for which a Poisson regression needs
    no more than a right mean (Gourieroux, Monfort and Trognon 1984). Whoever's count is not known has no person-time.
    Where an estimate can't be had, or fewer than ten people of an arm had an event, values or intervals are null and
    the caution says why. Every caution holds `design_state`: whether, when and by whom the design was frozen.
    """
    run = {"is_default": False, "protocol_hash": protocol_hash, "run_id": run_id}
    rows = [
        row | run
        for one in compared
        for row in _population_rows(
            one,
            follow_up,
            earlier,
            metrics,
            follow_up_months=follow_up_months,
            design_state=design_state,
            wanted_designs=designs,
        )
    ]
    return pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")


def _population_rows(
    one: ComparedPopulation,
    follow_up: pl.DataFrame,
    earlier: pl.DataFrame,
    metrics: Sequence[Metric],
    *,
    follow_up_months: int,
    design_state: str,
    wanted_designs: Collection[str],
) -> Iterator[dict[str, Any]]:
    prepared = "" if one.weighted is None else prepared_design(one.weighted)
    arms = ((one.weighted, (WEIGHTED,)), (one.matched, () if one.is_subgroup else (MATCHED, MATCHED_DID)))
    wanted = _metrics_of(one, metrics)
    counted = [
        None if people is None else with_counts(people, follow_up, earlier, metrics=wanted) for people, _ in arms
    ]
    for metric in wanted:
        for (people, designs), frame in zip(arms, counted, strict=True):
            outcome = None if frame is None else outcome_of(frame, metric)
            for design in designs:
                if design not in wanted_designs:
                    continue
                found = None
                if people is not None and outcome is not None:
                    found = _found(design, people, outcome, prepared, is_binary=metric.is_binary)
                yield _row(metric, one, design, people, found, follow_up_months, design_state)


def _metrics_of(one: ComparedPopulation, metrics: Sequence[Metric]) -> Sequence[Metric]:
    """All metrics; of a subgroup those that the protocol names, as exploratory."""
    if not one.is_subgroup:
        return metrics
    return [replace(metric, priority=EXPLORATORY) for metric in metrics if metric.priority != EXPLORATORY]


def _found(
    design: str, people: ComparedPeople, outcome: Outcome, prepared: WeightedDesign | str, *, is_binary: bool
) -> _Found:
    known = outcome.years > 0
    years = outcome.years_observed
    if design == MATCHED_DID:
        known = known & (outcome.years_before > 0)
        years = years + outcome.years_before
    effect, reason = None, ""
    if design == MATCHED_DID and is_binary:
        reason = NO_DID_OF_ONCE_ONLY
    elif design == WEIGHTED and isinstance(prepared, str):
        reason = prepared
    else:
        try:
            effect = _effect(design, people, outcome, prepared, known)
        except NotEstimableError as error:
            reason = no_estimate(str(error))
    return _Found(effect=effect, reason=reason, known=known, years=np.where(known, years, 0.0))


def _effect(
    design: str,
    people: ComparedPeople,
    outcome: Outcome,
    prepared: WeightedDesign | str,
    known: NDArray[np.bool_],
) -> RateRatio:
    if design == WEIGHTED and isinstance(prepared, WeightedDesign):
        return weighted_rate_ratio(prepared, counts=outcome.counts, person_years=outcome.years)
    counts, years = np.where(known, outcome.counts, 0.0), np.where(known, outcome.years, 0.0)
    if design == MATCHED:
        return matched_cohort(
            counts=counts,
            person_years=years,
            is_treated=people.is_treated,
            weights=people.weights,
            covariates=people.covariates,
            person_ids=people.person_numbers,
            set_ids=people.set_ids,
        )
    return matched_did(
        baseline_counts=np.where(known, outcome.counts_before, 0.0),
        baseline_person_years=np.where(known, outcome.years_before, 0.0),
        counts=counts,
        person_years=years,
        is_treated=people.is_treated,
        weights=people.weights,
        person_ids=people.person_numbers,
        set_ids=people.set_ids,
    )


def _row(
    metric: Metric,
    one: ComparedPopulation,
    design: str,
    people: ComparedPeople | None,
    found: _Found | None,
    follow_up_months: int,
    design_state: str,
) -> dict[str, Any]:
    effect = found.effect if found else None
    design_caution = one.weighting_caution if design == WEIGHTED else one.matching_caution
    numbers = _numbers_of_people(design, people, found)
    return {
        **metric_columns(metric),
        "population": one.population,
        "design": design,
        "estimator": ESTIMATORS[design],
        "estimand": "att",
        "estimand_population": f"pilot people, {population_words(one.population)}; "
        + _whom_it_is_about(one, design, people, known=numbers["n_pilot"]),
        **numbers,
        **(_effect_columns(effect) if effect else {}),
        "caution": controlled_cautions(
            metric,
            design=design,
            design_state=design_state,
            design_caution=design_caution,
            reason=found.reason if found else "",
            sample=effect.sample if effect else None,
            some_unknown=bool(found and not found.known.all()),
            follow_up_months=follow_up_months,
        ),
    }


def _whom_it_is_about(one: ComparedPopulation, design: str, people: ComparedPeople | None, *, known: int) -> str:
    """Of the pilot people those in pairs, whether or not their use is known; of weights those whose use is known."""
    if design == WEIGHTED:
        return f"{known} of {one.pilot_people} observed on the index date"
    matched = people.people_among(people.is_treated) if people else 0
    return f"{matched} of {one.pilot_people} matched"


def _numbers_of_people(design: str, people: ComparedPeople | None, found: _Found | None) -> dict[str, Any]:
    if people is None or found is None:
        return {"n_pilot": 0, "n_comparator": 0}
    cases, others = found.known & people.is_treated, found.known & ~people.is_treated
    n_cases, n_others = people.people_among(cases), people.people_among(others)
    return {
        "n_pilot": n_cases,
        "n_comparator": n_others,
        "person_years_pilot": float(found.years[cases].sum()),
        "person_years_comparator": float(found.years[others].sum()),
        "cluster_level": PERSON if design == WEIGHTED else PERSON_AND_SET,
        "n_clusters": people.people_among(found.known),
    }


def _effect_columns(effect: RateRatio) -> dict[str, Any]:
    before = effect.before
    levels = {
        "pilot_baseline": before.cases_before if before else None,
        "pilot_follow_up": effect.rate,
        "comparator_baseline": before.others_before if before else None,
        "comparator_follow_up": before.others_after if before else effect.rate_without,
        "change": effect.change,
        "relative_change_pct": effect.relative_change_pct,
    }
    if effect.sample.rests_on_few:
        return levels
    names = ("change_low", "change_high", "relative_low_pct", "relative_high_pct", "p_value")
    return levels | {name: getattr(effect, name) for name in (*names, "minimum_detectable_change_pct")}
