"""Variants of one outcome over four years, small enough to be counted by hand, and the rows that they give."""

import numpy as np
import polars as pl

from evaluation.estimation import (
    ComparedPeople,
    Metric,
    sensitivity_estimates,
)
from evaluation.estimation.variants import (
    AS_PLANNED,
    HIDDEN_GROUP,
    Variant,
)

FOUR_YEARS = 1461
ADMISSIONS = Metric(
    metric_id="admissions", label="Admissions", domain="utilisation", unit="per person-year", priority="primary"
)
CASES, ALIKE, UNLIKE = 20, 20, 20
IDS = pl.Series([f"p{number:02d}" for number in range(CASES + ALIKE + UNLIKE)])
# over four years 12 of 20 cases had one admission each; 12 of 20 like them two, 12 of 20 unlike them four
COUNTS = [1] * 12 + [0] * 8 + [2] * 12 + [0] * 8 + [4] * 12 + [0] * 8


def people(rows: int, weight: float) -> ComparedPeople:
    """The first rows: cases and those like them, then also those unlike them."""
    is_case = np.arange(rows) < CASES
    return ComparedPeople(
        person_id=IDS.head(rows),
        is_treated=is_case,
        weights=np.where(is_case, 1.0, weight),
        covariates=np.zeros((rows, 0)),
    )


PLANNED = Variant(analysis=AS_PLANNED, people=people(40, 1.0))
HIDDEN = Variant(analysis=HIDDEN_GROUP, variant="planned_use", people=people(60, 0.5))
ALMOST = Variant(analysis=HIDDEN_GROUP, variant="age_and_sex", people=people(40, 1.0))


def table(*variants: Variant, counts=COUNTS, metric: Metric = ADMISSIONS, worthwhile=-5.0) -> pl.DataFrame:
    return sensitivity_estimates(
        variants,
        follow_up=pl.DataFrame({"person_id": IDS, "person_days": FOUR_YEARS, "admissions": counts}),
        metrics=[metric],
        worthwhile_pct={} if worthwhile is None else {"admissions": worthwhile},
        design_caution="Weights are odd.",
        follow_up_months=6,
        protocol_hash="hash",
        run_id="run",
    )


def rows(*variants: Variant, **changes) -> dict:
    return {(row["analysis"], row["variant"]): row for row in table(*variants, **changes).iter_rows(named=True)}
