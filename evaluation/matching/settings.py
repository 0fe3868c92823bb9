"""How comparison people are chosen."""

from dataclasses import dataclass
from typing import Literal

from evaluation.matching.covariates import COVARIATES, EXACT

Method = Literal["nearest", "mahalanobis", "optimal", "prognostic"]
CaliperDefinition = Literal["pooled", "everyone"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a study's protocol says of its comparison.

    `exact`: columns in which pairs are equal; `covariates`: what is made alike, in the order in which a small study
    keeps it; `method`: how pairs are found (`pairs_by_method`); `prognostic_score`: the column that `prognostic` pairs
    are the nearest in; `with_replacement`: whether a control may be in the pairs of several cases; `ratio`: most
    controls per case; `caliper`: in standard deviations of the logit of the propensity score, as `caliper_definition`
    takes them (`caliper_width`); `seed`: of samples and ties. `shown_where_known`: numbers that not everybody has and
    that nothing is made alike in, which the balance shows of those who have one.
    """

    exact: tuple[str, ...] = EXACT
    covariates: tuple[str, ...] = COVARIATES
    method: Method = "nearest"
    prognostic_score: str = ""
    with_replacement: bool = False
    ratio: int = 5
    caliper: float = 0.2
    caliper_definition: CaliperDefinition = "pooled"
    seed: int = 1
    shown_where_known: tuple[str, ...] = ()
