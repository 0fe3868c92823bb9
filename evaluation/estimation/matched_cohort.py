"""Rate ratio after the index date between cases and their matched controls, adjusted for the same covariates."""

import math

import numpy as np
from numpy.typing import ArrayLike

from evaluation.estimation.clustering import clustered_variances
from evaluation.estimation.rate_ratios import RateRatio, rate_with_influence, sample_of, standard_error
from evaluation.regression import Floats, poisson_regression, with_intercept

ESTIMATOR = "matched_cohort"
ESTIMAND = "att"
TREATED = 1  # position of the arm in the design


def matched_cohort(
    *,
    counts: ArrayLike,
    person_years: ArrayLike,
    is_treated: ArrayLike,
    weights: ArrayLike,
    covariates: ArrayLike,
    person_ids: ArrayLike,
    set_ids: ArrayLike | None = None,
) -> RateRatio:
    """Poisson regression of counts on arm and covariates with person-time as exposure, over matched people.

    One row a use: a control in three sets has three rows. `counts`, `person_years`, `is_treated`, `weights`
    (n; 1 a case, 1/k a control of a set of k), `covariates` (n x p, may have no columns), `person_ids`, `set_ids` (n).

    Estimand: the effect on the matched cases, one common ratio of rates per person-year alive and observed. The
    change per person-year is the cases' rate x (1 - 1 / ratio), with its error by the delta method. Assumes no hidden
    confounder, the covariates' functional form, person-time that the pilot does not change.

    Errors are by person, factor G/(G-1); with `set_ids` two-way by set and person (Cameron, Gelbach and Miller
    2011), not below either. Not by set alone, which counts a reused control as several people, and never by a
    bootstrap of matched rows, which is invalid with matching (Abadie and Imbens 2008); for regression
    after matching see Abadie and Spiess (2022).

    By hand: no covariates, case 1 event in 2 years, controls 1 in 1: log(0.5 / 1) = -0.693.
    """
    y, t, w = (np.asarray(values, dtype=float) for values in (counts, person_years, weights))
    treated = np.asarray(is_treated, dtype=bool)
    rate, on_rate = rate_with_influence(y, t, w * treated)
    rate_with_influence(y, t, w * ~treated)
    model = poisson_regression(y, _design(treated, covariates), exposure=t, weights=w)
    arm = model.position(TREATED)
    ratio = float(model.coefficients[arm])
    on_log = model.influence_on(np.eye(model.kept.size)[arm])
    on_change = on_rate * -math.expm1(-ratio) + rate * math.exp(-ratio) * on_log
    variances = clustered_variances(np.column_stack([on_log, on_change]), person_ids, set_ids)
    return RateRatio(
        estimator=ESTIMATOR,
        estimand=ESTIMAND,
        log_rate_ratio=ratio,
        standard_error=standard_error(variances[0]),
        rate=rate,
        rate_without=rate * math.exp(-ratio),
        change=-rate * math.expm1(-ratio),
        change_standard_error=standard_error(variances[1]),
        sample=sample_of(counts=y, is_treated=treated, person_years=t, weights=w, person_ids=person_ids),
    )


def _design(is_treated: ArrayLike, covariates: ArrayLike) -> Floats:
    return with_intercept(np.asarray(is_treated, dtype=float), covariates)
