"""How comparison people are chosen."""

from dataclasses import dataclass

from evaluation.matching.covariates import COVARIATES, EXACT


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a study's protocol says of its comparison.

    `exact`: columns in which pairs are equal; `covariates`: what is made alike, in the order in which a small study
    keeps it; `ratio`: most controls per case; `caliper`: in pooled standard deviations of the logit of the
    propensity score; `seed`: of samples and ties. `shown_where_known`: numbers that not everybody has and that nothing
    is made alike in, which the balance shows of those who have one.
    """

    exact: tuple[str, ...] = EXACT
    covariates: tuple[str, ...] = COVARIATES
    ratio: int = 5
    caliper: float = 0.2
    seed: int = 1
    shown_where_known: tuple[str, ...] = ()
