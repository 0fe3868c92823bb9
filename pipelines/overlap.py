"""The people of a design in the overlap population, where pairs lose many of the cases."""

import numpy as np
import polars as pl

from evaluation.estimation import ComparedPeople
from evaluation.estimation.cautions import join
from evaluation.estimation.sensitivity_words import use_in_overlap
from evaluation.estimation.variants import OVERLAP_WEIGHTS, Variant
from evaluation.estimation.weighted_cohort import ATO
from evaluation.matching import MatchingError, Terms
from evaluation.matching.overlap import OverlapWeights, overlap_weights

NO_OVERLAP = "What is known of people tells pilot people from comparison people with certainty: no overlap weights."
TOO_LITTLE_OVERLAP = "Overlap weights rest on too few people."
RECENT_USE = "emergency_admissions_3_months"


def overlap_variant(people: pl.DataFrame, terms: Terms) -> Variant:
    """The people of the design, each weighted by the probability of being in the other arm, given what weights balance.

    Nothing is drawn: the score is found again from the covariates that a frozen design keeps.
    """
    try:
        found = overlap_weights(people, terms=terms)
    except MatchingError:
        return Variant(analysis=OVERLAP_WEIGHTS, reason=NO_OVERLAP)
    if found.rests_on_few:
        return Variant(analysis=OVERLAP_WEIGHTS, reason=TOO_LITTLE_OVERLAP)
    ordered = people.sort("person_id")
    compared = ComparedPeople(
        person_id=found.person_id,
        record_person_id=ordered["record_person_id"],
        is_treated=found.is_treated,
        weights=found.weights,
        covariates=found.balanced,
        estimand=ATO,
    )
    caution = join(_recent_use(ordered, found), *found.cautions)
    return Variant(analysis=OVERLAP_WEIGHTS, people=compared, caution=caution)


def _recent_use(ordered: pl.DataFrame, found: OverlapWeights) -> str:
    """In words, how much recent emergency use the pilot people whom overlap weights count most had; if it is known."""
    if RECENT_USE not in ordered.columns or ordered[RECENT_USE].null_count():
        return ""
    use = ordered.filter(found.is_treated)[RECENT_USE].cast(pl.Float64)
    return use_in_overlap(float(np.average(use, weights=found.weights[found.is_treated])), float(use.to_numpy().mean()))
