"""Overlap weights: everyone counts by the probability of being in the other arm, the nearest to even chances most."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.matching.design import design_matrix
from evaluation.matching.populations import effective_number
from evaluation.matching.propensity import propensity_scores
from evaluation.matching.terms import Terms
from evaluation.matching.weighted import EFFECTIVE_PER_COLUMN, FEWEST_EFFECTIVE

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OverlapWeights:
    """Cases and comparison people in order of `person_id` (n), and the columns (n x b) that their weights balance.

    `rests_on_few`: an arm holds too few people in effect. `cautions` are sentences without counts.
    """

    person_id: pl.Series
    is_treated: NDArray[np.bool_]
    weights: Floats
    balanced: Floats
    rests_on_few: bool
    cautions: tuple[str, ...]


def overlap_weights(people: pl.DataFrame, *, terms: Terms) -> OverlapWeights:
    """1 - e of each case and e of each comparison person, e being the probability of being a case given `terms`.

    Estimand: the effect in the overlap population (ATO), in which a person like this one counts e (1 - e): those who
    were as likely to be in one arm as in the other count most (Li, Morgan and Zaslavsky 2018, Journal of the American
    Statistical Association 113). Chances are those among these people: with more comparison people to a case e is
    smaller, and the population nearer to the cases. The score equations of a logistic regression by maximum likelihood
    say that sum over cases (1 - e) x = sum over comparison people e x for an intercept and each column x, so all means
    are equal exactly; a ridge would leave differences in proportion to the coefficients. Columns that tell the
    arms apart with certainty are left out of the score, so they are not balanced, and a caution names them. Too few in
    effect are fewer than 20, or than two for each column, as of weights that balance the cases.

    `people` have `person_id`, `is_treated` and the covariates. Raises `MatchingError` if an arm is empty or no column
    is left.

    By hand: of 3 people without the characteristic one is a case, of 3 with it two: cases weigh 2/3 without and 1/3
    with it, comparison people 1/3 and 2/3, so the case without (2/3) is as much as both comparison people (2 x 1/3).
    """
    design = design_matrix(people, terms=terms)
    found = propensity_scores(design, cohort=people, drop_separating=True)
    is_treated, score = (found.scores[name].to_numpy() for name in ("is_treated", "propensity_score"))
    weights = np.where(is_treated, 1 - score, score)
    balanced = design.values[:, [name not in found.model.separating for name in design.names]]
    needed = max(FEWEST_EFFECTIVE, EFFECTIVE_PER_COLUMN * balanced.shape[1])
    return OverlapWeights(
        person_id=design.person_id,
        is_treated=np.asarray(is_treated, dtype=np.bool_),
        weights=weights,
        balanced=balanced,
        rests_on_few=min(effective_number(weights[arm]) for arm in (is_treated, ~is_treated)) < needed,
        cautions=found.cautions,
    )
