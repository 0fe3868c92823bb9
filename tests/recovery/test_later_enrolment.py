"""Comparison people enrol when they get worse: weights give back the rate that there would have been without that."""

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.censoring import reweighted_for_enrolment
from evaluation.estimation.compared import ComparedPeople

PEOPLE, DAYS = 40_000, 182


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Emergency admissions by day (people x days), the day of enrolment, and frailty, which is recorded.

    Crises come and go unrecorded and raise admissions; people enrol after recorded admissions of the last 30 days.
    """
    rng = np.random.default_rng(seed)
    frailty = np.exp(0.7 * rng.normal(size=PEOPLE) - 0.245)
    in_crisis, enrolled = np.zeros(PEOPLE, bool), np.full(PEOPLE, DAYS)
    counts = np.zeros((PEOPLE, DAYS), np.int8)
    for day in range(DAYS):
        luck = rng.random((3, PEOPLE))
        in_crisis = np.where(in_crisis, luck[0] > 0.02, luck[0] < 0.0012 * frailty)
        counts[:, day] = luck[1] < np.where(in_crisis, 0.03, 0.0008 * frailty)
        recent = counts[:, max(day - 29, 0) : day + 1].sum(axis=1)
        enrols = luck[2] < 0.0004 * (1 + recent) ** 1.8 * np.sqrt(frailty)
        enrolled[enrols & (enrolled == DAYS)] = day + 1
    return counts, enrolled, frailty


@pytest.mark.parametrize("seed", [1, 2])
def test_the_rate_without_anybody_enrolling_is_found_where_censoring_alone_is_too_low(seed):
    counts, enrolled, frailty = world(seed)
    truth = counts.sum() / counts.size
    seen = np.where(np.arange(DAYS)[None, :] < enrolled[:, None], counts, 0)
    censored = seen.sum() / enrolled.sum()
    ids = pl.Series("person_id", [f"p{number:06d}" for number in range(PEOPLE)])
    person, day = np.nonzero(seen)
    by_day = pl.DataFrame(
        {"person_id": ids.gather(person), "day_from_index": day, "emergency_admissions": seen[person, day].astype(int)}
    )
    people = ComparedPeople(
        person_id=ids,
        is_treated=np.zeros(PEOPLE, bool),
        weights=np.ones(PEOPLE),
        covariates=np.column_stack([np.log(frailty), np.log(frailty) ** 2]),
    )
    counted = reweighted_for_enrolment(
        people,
        follow_up=pl.DataFrame({"person_id": ids, "person_days": enrolled, "emergency_admissions": seen.sum(axis=1)}),
        by_day=by_day,
        enrolled=ids.filter(pl.Series(enrolled < DAYS)),
    ).counts
    reweighted = counted["emergency_admissions"].sum() / counted["person_days"].sum()
    # The standard error of the rate is about 0.8%; the same people are in truth and estimate, so less is due.
    assert censored / truth < 0.98
    assert reweighted / truth == pytest.approx(1, abs=0.008)
    assert counted["person_days"].sum() == pytest.approx(counts.size, rel=0.002)
