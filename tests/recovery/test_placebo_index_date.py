"""A placebo index date: nothing is found where nothing is hidden, and a hidden lasting difference is."""

import math

import numpy as np
import polars as pl

from evaluation.estimation import Metric
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_effects import weighted_effects
from evaluation.matching import Terms
from evaluation.matching.gap import CLASS_AT_INDEX, COUNTS_AT_INDEX, with_gap
from evaluation.matching.weighted import weights_of
from pipelines.comparison import weighted_people

VISITS = Metric(metric_id="visits", label="Visits", domain="utilisation", unit="per person-year")
PEOPLE, CASES, MONTHS = 10_000, 800, 24
TERMS = Terms(counts=("visits_12_months", "visits_3_months"), squared=("age",))
WITHOUT_GAP, WITH_GAP = TERMS, with_gap(TERMS)


def cohort(seed: int, *, hidden_ratio: float = 1.0) -> pl.DataFrame:
    """People with visits by month, of whom those join who were ill in the last six months, which shows in visits.

    Nobody is treated before the index date. A fifth are hidden: their rate is `hidden_ratio` times as high at all
    times, and if that is not 1 they join six times as often.
    """
    rng = np.random.default_rng(seed)
    age = rng.integers(60, 95, PEOPLE).astype(float)
    is_hidden = rng.random(PEOPLE) < 0.2
    rate = 0.06 * np.exp(0.02 * (age - 75)) * rng.gamma(4.0, 0.25, PEOPLE) * np.where(is_hidden, hidden_ratio, 1.0)
    is_ill = rng.random(PEOPLE) < 0.2
    monthly = np.where(is_ill[:, None] & (np.arange(MONTHS) >= 18), 4.0, 1.0) * rate[:, None]
    visits = rng.poisson(monthly)
    lately = visits[:, 18:].sum(axis=1)
    odds = 1.2 * np.log1p(lately) + 0.01 * age + (np.log(6.0) * is_hidden if hidden_ratio != 1 else 0.0)
    joined = np.argsort(-(odds + rng.gumbel(0, 1, PEOPLE)), kind="stable")[:CASES]
    nothing = {name: np.zeros(PEOPLE, dtype=int) for name in COUNTS_AT_INDEX.values()}
    ids = [f"p{number:05d}" for number in range(PEOPLE)]
    return pl.DataFrame(
        {
            "person_id": ids,
            "record_person_id": ids,
            "is_treated": np.isin(np.arange(PEOPLE), joined),
            "age": age - 1,
            "visits_12_months": visits[:, :12].sum(axis=1),
            "visits_3_months": visits[:, 9:12].sum(axis=1),
            "visits": visits[:, 12:18].sum(axis=1),
            "person_days": 183,
            CLASS_AT_INDEX: "none",
            **nothing,
            "at_index_outpatient_attendances_6_months": lately,
        }
    )


def effect(people: pl.DataFrame, terms: Terms) -> RateRatio:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    found = weights_of(cases, pool, terms=terms)
    compared = weighted_people(cases, pool.join(found.weights, on="person_id"), terms=terms)
    counts = people.select("person_id", "person_days", "visits")
    result = weighted_effects(compared, follow_up=counts, metrics=[VISITS])["visits"].effect
    assert result is not None
    return result


def errors_from_no_change(terms: Terms, *, hidden_ratio: float = 1.0) -> float:
    """The mean log rate ratio of six cohorts, in its standard errors."""
    found = [effect(cohort(seed, hidden_ratio=hidden_ratio), terms) for seed in range(1, 7)]
    return sum(one.log_rate_ratio for one in found) / math.hypot(*(one.standard_error for one in found))


def test_nothing_is_found_where_nothing_is_hidden():
    assert abs(errors_from_no_change(WITH_GAP)) < 3.3


def test_a_hidden_lasting_difference_is_found():
    assert errors_from_no_change(WITH_GAP, hidden_ratio=3.0) > 3.3
    assert effect(cohort(1, hidden_ratio=3.0), WITH_GAP).relative_low_pct > 0


def test_without_the_gap_those_who_will_join_seem_to_be_other_people():
    assert errors_from_no_change(WITHOUT_GAP) > 3.3
