"""What pairs leave open of planned care, in words: how far back they are alike, and who deals with the rest."""

from collections.abc import Sequence

import polars as pl

from evaluation.matching.covariates import NOT_IN_PAIRS, PLANNED_CARE, regression_terms
from evaluation.matching.words import planned_care_caution

WINDOWS = {"1_month": 1, "3_months": 3, "6_months": 6}


def planned_care_left_open(
    people: pl.DataFrame, pairs: pl.DataFrame, *, known: Sequence[str], matched: Sequence[str]
) -> str:
    """The caution on the pairs of one population; empty without pairs, or where nothing known was left out of them.

    `people` are those in `pairs`, with the covariates; `known` all covariates known of anybody, `matched` those of the
    propensity score.
    """
    if pairs.is_empty() or NOT_IN_PAIRS.isdisjoint(known):
        return ""
    terms = regression_terms(people, known, cases=pairs["case_id"].n_unique())
    return planned_care_caution(
        alike_in=[name for name in matched if name.startswith(PLANNED_CARE)],
        adjusted=[name for name in known if name in NOT_IN_PAIRS and name in terms.covariates],
        months_alike=months_alike(known, matched),
    )


def months_alike(known: Sequence[str], matched: Sequence[str]) -> int:
    """How many months back pairs are alike in every kind of planned care that is known; 0: not in all of them.

    By hand: outpatient attendances of 1 and 3 months, elective admissions of 6: 3.
    """
    kinds = [use for use in PLANNED_CARE if any(name.startswith(use) for name in known)]
    return min(
        max((months for window, months in WINDOWS.items() if f"{use}_{window}" in matched), default=0) for use in kinds
    )
