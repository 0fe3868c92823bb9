"""Propensity scores, and the caliper on their logit."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evaluation.matching.design import DesignMatrix
from evaluation.matching.errors import MatchingError
from evaluation.matching.logistic import LogisticRegression, logistic_regression, probability


@dataclass(frozen=True, kw_only=True)
class PropensityScores:
    """Fitted scores, one row per person, and what the model had to leave out.

    `scores`: `person_id`, `is_treated`, `propensity_score`, `propensity_logit`; sorted by person. `cautions` are
    sentences without counts.
    """

    scores: pl.DataFrame
    model: LogisticRegression
    cautions: tuple[str, ...]


def propensity_scores(design: DesignMatrix, *, cohort: pl.DataFrame, drop_separating: bool = False) -> PropensityScores:
    """Probability of being a case given the covariates, by logistic regression on everyone in `design`.

    `cohort` has `person_id` and `is_treated` of the same people. Assumes that the logit is linear in the columns
    of the design; Rosenbaum & Rubin (1983). Raises `SeparationError` where covariates tell cases from controls with
    certainty, unless `drop_separating`, which leaves them out with a caution; `MatchingError` if an arm is empty.
    """
    treated = design.treated(cohort)
    if not treated.any() or treated.all():
        raise MatchingError("propensity scores need both cases and comparison people")
    model = logistic_regression(
        design.values, treated.astype(np.float64), names=design.names, drop_separating=drop_separating
    )
    logit = model.linear_predictor(design.values)
    scores = pl.DataFrame(
        {
            "person_id": design.person_id,
            "is_treated": treated,
            "propensity_score": probability(logit),
            "propensity_logit": logit,
        }
    )
    return PropensityScores(scores=scores, model=model, cautions=_cautions(model))


def caliper_width(
    score: pl.Series, is_treated: pl.Series, *, standard_deviations: float = 0.2, definition: str = "pooled"
) -> float:
    """Widest distance allowed within a pair: so many standard deviations of the score.

    `pooled`: the square root of the mean of the two arms' variances (Austin 2011, with the logit of the
    propensity score). `everyone`: the standard deviation over all people, as MatchIt 4.7 takes it, by default of
    the propensity score itself. Divisors n - 1.

    By hand: cases 0, 2 and controls 0, 4 have variances 2 and 8: pooled 5 ** 0.5, so 0.2 of it is 0.447.
    """
    values, treated = score.to_numpy(), is_treated.to_numpy()
    if definition == "everyone":
        return standard_deviations * float(values.std(ddof=1))
    if definition != "pooled":
        raise MatchingError(f"{definition} is not a known definition of the caliper; known: pooled, everyone")
    variances = [float(values[arm].var(ddof=1)) for arm in (treated, ~treated)]
    return standard_deviations * float(np.sqrt(sum(variances) / 2))


def _cautions(model: LogisticRegression) -> tuple[str, ...]:
    if not model.separating:
        return ()
    return (
        f"Propensity leaves out {', '.join(model.separating)}: they tell cases from comparison people with certainty.",
    )
