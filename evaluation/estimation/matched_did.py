"""Difference-in-differences between matched people: a ratio of rate ratios, and a difference of rates."""

import math

import numpy as np
from numpy.typing import ArrayLike

from evaluation.estimation.clustering import clustered_variances
from evaluation.estimation.rate_ratios import BeforeAfter, RateRatio, rate_with_influence, sample_of, standard_error

ESTIMATOR = "matched_did"
ESTIMAND = "att"


def matched_did(
    *,
    baseline_counts: ArrayLike,
    baseline_person_years: ArrayLike,
    counts: ArrayLike,
    person_years: ArrayLike,
    is_treated: ArrayLike,
    weights: ArrayLike,
    person_ids: ArrayLike,
    set_ids: ArrayLike | None = None,
) -> RateRatio:
    """Change of the cases' rate over that of their controls, from a baseline without the crisis to follow-up.

    One row a use, as in `matched_cohort`. The baseline is the months -24 to -7: recent months would take
    people at their crisis. Equal to a weighted Poisson regression saturated in arm and period with
    person-time as exposure, errors by person (both periods and all uses of a person together), factor G/(G-1);
    with `set_ids` two-way by set and person.

    Estimand: the effect on the matched cases, as a ratio of rate ratios. Assumes parallel trends on the log
    scale: without the pilot both arms' rates would have changed by the same factor. A transient crisis that
    reaches into the baseline biases it; a stable hidden difference does not. `rate_without` is the cases'
    baseline rate x the controls' ratio; `change` the difference-in-differences of rates per person-year,
    which assumes parallel trends of rates instead.

    By hand: cases 2 to 1 per year, controls 1 to 1: log(0.5 / 1) = -0.693, change -1.
    """
    arrays = (baseline_counts, baseline_person_years, counts, person_years, weights)
    y0, t0, y1, t1, w = (np.asarray(values, dtype=float) for values in arrays)
    treated = np.asarray(is_treated, dtype=bool)
    cells = [rate_with_influence(y, t, w * arm) for arm in (treated, ~treated) for y, t in ((y0, t0), (y1, t1))]
    (case_before, on_1), (case_after, on_2), (other_before, on_3), (other_after, on_4) = cells
    on_log = on_2 / case_after - on_1 / case_before - on_4 / other_after + on_3 / other_before
    on_change = (on_2 - on_1) - (on_4 - on_3)
    without = case_before * other_after / other_before
    variances = clustered_variances(np.column_stack([on_log, on_change]), person_ids, set_ids)
    return RateRatio(
        estimator=ESTIMATOR,
        estimand=ESTIMAND,
        log_rate_ratio=math.log(case_after / without),
        standard_error=standard_error(variances[0]),
        rate=case_after,
        rate_without=without,
        change=(case_after - case_before) - (other_after - other_before),
        change_standard_error=standard_error(variances[1]),
        sample=sample_of(counts=y1, is_treated=treated, person_years=t0 + t1, weights=w, person_ids=person_ids),
        before=BeforeAfter(cases_before=case_before, others_before=other_before, others_after=other_after),
    )
