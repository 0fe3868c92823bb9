"""The table `mortality_ratios`: deaths of pilot people against comparison people, early and over the follow-up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.after_index import UseAfterIndex, days_in_months
from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.estimation.cautions import Circumstances, no_estimate
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation
from evaluation.estimation.interim import LOOK
from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.metrics import Metric
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_cohort import WeightedDesign, weighted_rate_ratio
from evaluation.regression import Floats, NotEstimableError

WEIGHTED, MATCHED = "weighted_cohort", "matched_cohort"
ESTIMATORS = {WEIGHTED: "entropy_balancing", MATCHED: "poisson_in_matched_sets"}
EARLY = "first_90_days"
UNOBSERVED = "People who are not observed after the index date are left out."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
MORTALITY_RATIOS: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "design", "estimator", "estimand", "observed_window"), _TEXT),
    **dict.fromkeys(("window_days", "n_pilot", "n_comparator"), _COUNT),
    **dict.fromkeys(("person_years_pilot", "person_years_comparator"), _NUMBER),
    **dict.fromkeys(("pilot_rate", "comparator_rate"), _NUMBER),
    **dict.fromkeys(("mortality_ratio", "mortality_ratio_low", "mortality_ratio_high"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}


@dataclass(frozen=True, kw_only=True)
class _Design:
    """One design of a population: its people with days observed and deaths (n), or why it can't be used."""

    name: str
    people: ComparedPeople | None
    prepared: WeightedDesign | str
    caution: str
    days: Floats
    died: Floats


def mortality_rows(
    one: ComparedPopulation,
    prepared: WeightedDesign | str,
    use: UseAfterIndex,
    *,
    metric: Metric,
    circumstances: Circumstances,
) -> Iterator[dict[str, Any]]:
    """Ratio of death rates in the first 30 and 90 days and over the follow-up, with weighted and with matched people.

    A subgroup has no pairs, and rows of the first alone.

    A ratio of rates per person-year alive and observed, not of risks, since leaving and the end of the data end what is
    observed of some (Rothman, Greenland and Lash 2008, chapter 3); by the models of `weighted_cohort`, which takes the
    weights' estimation into account, and of `matched_cohort`. Estimand: the effect on the pilot people's death rate, if
    what these two assume holds; early on a check of that, since no pilot acts within days. `prepared` is the weighted
    design, or why there is none; `metric` is death. With fewer than ten deaths in an arm there is no interval.

    By hand: 12 of 100 cases die on the last of 50 days, 24 of 400 others: 12 / 5,000 over 24 / 20,000 days, 2.
    """
    windows = {"first_30_days": 30, EARLY: 90, "follow_up": days_in_months(circumstances.follow_up_months)}
    for design in _designs(one, prepared, use):
        for window, days in windows.items():
            deaths, years = _within(design, days)
            effect, reason = _effect(design, deaths, years)
            yield {
                **{"population": one.population, "design": design.name, "estimator": ESTIMATORS[design.name]},
                **{"estimand": "att", "observed_window": window, "window_days": days},
                **_numbers(design, years),
                **(_ratio_columns(effect) if effect else {}),
                "caution": circumstances.cautions(
                    metric,
                    design=design.name,
                    design_caution=design.caution,
                    reason=reason,
                    sample=effect.sample if effect else None,
                ),
            }


def _designs(one: ComparedPopulation, prepared: WeightedDesign | str, use: UseAfterIndex) -> Iterator[_Design]:
    sides = ((WEIGHTED, one.weighted, one.weighting_caution), (MATCHED, one.matched, one.matching_caution))
    for name, people, caution in sides[:1] if one.is_subgroup else sides:
        ids = pl.Series("person_id", [], dtype=pl.String) if people is None else people.person_id.rename("person_id")
        observed = ids.to_frame().join(use.observed, on="person_id", how="left", maintain_order="left")
        yield _Design(
            name=name,
            people=people,
            prepared=prepared,
            caution=caution,
            days=observed["days_observed"].fill_null(0).cast(pl.Float64).to_numpy(),
            died=observed["died"].fill_null(value=False).cast(pl.Float64).to_numpy(),
        )


def _within(design: _Design, days: int) -> tuple[Floats, Floats]:
    deaths = np.where((design.days > 0) & (design.days <= days), design.died, 0.0)
    return deaths, np.clip(design.days, 0.0, days) / DAYS_PER_YEAR


def _effect(design: _Design, deaths: Floats, years: Floats) -> tuple[RateRatio | None, str]:
    people = design.people
    if people is None:
        return None, ""
    if design.name == WEIGHTED and isinstance(design.prepared, str):
        return None, design.prepared
    try:
        if design.name == WEIGHTED and isinstance(design.prepared, WeightedDesign):
            return weighted_rate_ratio(design.prepared, counts=deaths, person_years=years), _left_out(years)
        found = matched_cohort(
            counts=deaths,
            person_years=years,
            is_treated=people.is_treated,
            weights=people.weights,
            covariates=people.covariates,
            person_ids=people.person_numbers,
            set_ids=people.set_ids,
        )
    except NotEstimableError as error:
        return None, no_estimate(str(error))
    return found, _left_out(years)


def _left_out(years: Floats) -> str:
    return "" if (years > 0).all() else UNOBSERVED


def _numbers(design: _Design, years: Floats) -> dict[str, Any]:
    people = design.people
    if people is None:
        return {"n_pilot": 0, "n_comparator": 0}
    found: dict[str, Any] = {}
    for arm, theirs in (("pilot", people.is_treated), ("comparator", ~people.is_treated)):
        observed = people.people_among(theirs & (years > 0))
        found |= {f"n_{arm}": observed, f"person_years_{arm}": float(years[theirs].sum())}
    return found


def _ratio_columns(effect: RateRatio) -> dict[str, Any]:
    levels = {
        "pilot_rate": effect.rate,
        "comparator_rate": effect.rate_without,
        "mortality_ratio": float(np.exp(effect.log_rate_ratio)),
    }
    if effect.sample.rests_on_few:
        return levels
    return levels | {
        "mortality_ratio_low": float(np.exp(effect.log_low)),
        "mortality_ratio_high": float(np.exp(effect.log_high)),
    }
