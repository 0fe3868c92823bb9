"""Propensity scores, the caliper on their logit, and the overlap weights that follow from them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.design import DesignMatrix
from evaluation.matching.errors import MatchingError
from evaluation.matching.logistic import LogisticRegression, logistic_regression, probability

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PropensityScores:
    """Fitted scores, one row per person (and site, if by site), and what the model had to leave out.

    `scores`: `person_id`, `site_id` (null unless by site), `is_treated`, `propensity_score`,
    `propensity_logit`; sorted by site and person. `cautions` are sentences without counts.
    """

    scores: pl.DataFrame
    models: tuple[LogisticRegression, ...]
    cautions: tuple[str, ...]


def propensity_scores(design: DesignMatrix, *, cohort: pl.DataFrame, drop_separating: bool = False) -> PropensityScores:
    """Probability of being a case given the covariates, by logistic regression on everyone in `design`.

    `cohort` has `person_id` and `is_treated` of the same people. Assumes that the logit is linear in the columns
    of the design; Rosenbaum & Rubin (1983). Raises `SeparationError` where covariates tell cases from controls with
    certainty, unless `drop_separating`, which leaves them out with a caution; `MatchingError` if an arm is empty.
    """
    treated = design.treated(cohort)
    model = _fitted(design, treated, np.ones(len(treated), dtype=np.bool_), drop_separating)
    scores = _score_frame(design, treated, model, site_id=None)
    return PropensityScores(scores=scores, models=(model,), cautions=_cautions(model))


def propensity_scores_by_site(
    design: DesignMatrix, *, cohort: pl.DataFrame, drop_separating: bool = False
) -> PropensityScores:
    """A model per site: its cases against everyone who is not a case; controls get a score for every site.

    `cohort` has `person_id`, `is_treated` and `site_id`, read for cases only. Pairs are then matched exactly on
    `site_id`. Raises what `propensity_scores` does, and `MatchingError` for a case without a site.
    """
    treated, sites = design.treated(cohort), design.column_of(cohort, "site_id")
    of_cases = sites.filter(pl.Series(treated))
    if of_cases.null_count():
        raise MatchingError("propensity by site needs a site_id for every case")
    frames, models, cautions = [], [], []
    for site in of_cases.unique().sort():
        rows = ~treated | (sites == site).fill_null(value=False).to_numpy()
        model = _fitted(design, treated, rows, drop_separating)
        frames.append(_score_frame(design, treated, model, site_id=site, rows=rows))
        models.append(model)
        cautions += [f"Site {site}: {caution}" for caution in _cautions(model)]
    if not frames:
        raise MatchingError("propensity scores need both cases and comparison people")
    return PropensityScores(scores=pl.concat(frames), models=tuple(models), cautions=tuple(cautions))


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


def overlap_weights(scores: pl.DataFrame) -> pl.DataFrame:
    """`person_id`, `weight`: 1 - propensity for cases, propensity for controls, who then are alike in every mean.

    The effect is among people who might as well have joined or not ("ATO"; Li, Morgan & Zaslavsky 2018). The
    weights of both arms have the same sum, since the scores solve the logistic regression's equations.
    """
    score = pl.col("propensity_score")
    weight = pl.when("is_treated").then(1 - score).otherwise(score)
    return scores.select("person_id", weight.alias("weight")).sort("person_id")


def _fitted(design: DesignMatrix, treated: Flags, rows: Flags, drop_separating: bool) -> LogisticRegression:
    if not treated[rows].any() or treated[rows].all():
        raise MatchingError("propensity scores need both cases and comparison people")
    everyone = bool(rows.all())
    return logistic_regression(
        design.values if everyone else design.values[rows],
        (treated if everyone else treated[rows]).astype(np.float64),
        names=design.names,
        drop_separating=drop_separating,
    )


def _score_frame(
    design: DesignMatrix, treated: Flags, model: LogisticRegression, *, site_id: str | None, rows: Flags | None = None
) -> pl.DataFrame:
    logit = model.linear_predictor(design.values)
    frame = pl.DataFrame(
        {
            "person_id": design.person_id,
            "site_id": pl.Series([site_id], dtype=pl.String).new_from_index(0, len(logit)),
            "is_treated": treated,
            "propensity_score": probability(logit),
            "propensity_logit": logit,
        }
    )
    return frame if rows is None else frame.filter(pl.Series(rows))


def _cautions(model: LogisticRegression) -> tuple[str, ...]:
    if not model.separating:
        return ()
    return (
        f"Propensity leaves out {', '.join(model.separating)}: they tell cases from comparison people with certainty.",
    )
