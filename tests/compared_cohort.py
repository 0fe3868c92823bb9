"""A made-up cohort whose cases are older and more often admitted, and the design that is found for it."""

import numpy as np
import polars as pl

from evaluation.matching import Settings, compare

SITES = pl.DataFrame({"population": ["site:north", "site:south"], "site_id": ["north", "south"]})
COVARIATES = ("emergency_admissions_12_months", "age_at_index", "sex", "outpatient_attendances_12_months")
SIX_MONTHS = ("outpatient_attendances_6_months", "elective_admissions_6_months")
SETTINGS = Settings(exact=("pool", "sex", "is_in_hospital"), covariates=COVARIATES, ratio=2, seed=3)


def cohort(*, cases: int = 120, others: int = 2000, seed: int = 1) -> pl.DataFrame:
    """Cases are older and were admitted more often; half of them at either site."""
    rng = np.random.default_rng(seed)
    people = cases + others
    is_case = np.arange(people) < cases
    return pl.DataFrame(
        {
            "person_id": [f"p{number:05d}" for number in rng.permutation(people)],
            "is_treated": is_case,
            "site_id": [("north", "south")[number % 2] if case else None for number, case in enumerate(is_case)],
            "pool": [None if case else "outside" for case in is_case],
            "sex": rng.choice(["1", "2"], people),
            "age_band": "70-74",
            "index_date": pl.Series([None] * people, dtype=pl.Date),
            "index_month": 1,
            "is_in_hospital": rng.random(people) < 0.02,
            "emergency_admissions_12_months": rng.poisson(np.where(is_case, 1.2, 0.5)),
            "outpatient_attendances_12_months": rng.poisson(2.0, people),
            "age_at_index": rng.integers(60, 90, people) + np.where(is_case, 2, 0),
        }
    )


def designed(people: pl.DataFrame, settings: Settings = SETTINGS):
    return compare(people, site_populations=SITES, settings=settings)


def row_of(found, population: str = "all_sites") -> dict:
    return found.designs.filter(pl.col("population") == population).row(0, named=True)
