"""A made-up cohort with every column that the design stage of a study reads, in the types that it is read in."""

import numpy as np
import polars as pl

from evaluation.matching import COVARIATES, EXACT, FORMS

YEARLY_RATES = {
    "emergency_admissions": 0.5,
    "outpatient_attendances": 2.0,
    "elective_admissions": 0.3,
    "ae_attendances": 0.6,
}
MONTHS = {"1_month": 1, "3_months": 3, "6_months": 6, "12_months": 12, "24_months": 24}
CATEGORIES = {
    "sex": ["1", "2"],
    "emergency_discharge_class": ["0-7", "8-30", "31-90", "more", "none"],
    "imd_quintile": ["1", "2", "3", "4", "5"],
    "index_quarter": ["2009Q2", "2009Q3", "2009Q4", "2010Q1"],
    "ethnic_group": ["asian", "black", "mixed", "other", "white"],
}


def made_up_cohort(cases: int, controls: int, rng: np.random.Generator) -> pl.DataFrame:
    """Cases with more use and more illness, of one site, and a pool from outside; no subgroups, one population.

    One row per person: `person_id` of 32 digits as pseudonyms have, `is_treated`, `site_id`, `pool`, `index_date` and
    the default covariates and exact columns, whole numbers held small.
    """
    people = cases + controls
    treated = np.arange(people) < cases
    need = (rng.gamma(1.0, 1.0, people) * np.where(treated, 1.6, 0.8)).astype(np.float32)
    age = np.clip(rng.normal(np.where(treated, 76, 70), 9), 50, 99).astype(np.int16)
    known: dict[str, object] = {
        "age_at_index": age,
        "age_band": (age // 5).astype(np.int8),
        "index_month": rng.integers(0, 12, people, dtype=np.int8),
        "index_day": rng.integers(0, 365, people, dtype=np.int16),
        "is_in_hospital": rng.random(people) < np.where(treated, 0.04, 0.01),
        "is_care_home_resident": rng.random(people) < np.where(treated, 0.06, 0.02),
        "days_registered_24_months": rng.integers(600, 731, people, dtype=np.int16),
    }
    known |= {name: pl.Series(rng.choice(values, people), dtype=pl.Categorical) for name, values in CATEGORIES.items()}
    for name in (one for one in COVARIATES if one not in known):
        known[name] = _number(name, need, rng)
    mixed = pl.Series(rng.permutation(people).astype(np.uint64)).cast(pl.String).str.zfill(32)
    arms = {"person_id": mixed, "is_treated": treated, "site_id": np.where(treated, "north", None).tolist()}
    pool = pl.when("is_treated").then(pl.lit(None, dtype=pl.String)).otherwise(pl.lit("outside")).alias("pool")
    frame = pl.DataFrame(arms | {name: known[name] for name in dict.fromkeys((*COVARIATES, *EXACT)) if name != "pool"})
    texts = pl.col(*CATEGORIES).cast(pl.String)
    return frame.with_columns(texts, pool, pl.lit(None, dtype=pl.Date).alias("index_date")).sort("person_id")


def _number(name: str, need: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Use of care at its yearly rate over its window; other counts and scores about the person's need."""
    use = next((use for use in YEARLY_RATES if name.startswith(use)), None)
    if use is not None:
        months = MONTHS[name.removeprefix(f"{use}_")]
        return np.asarray(rng.poisson(need * YEARLY_RATES[use] * months / 12), dtype=np.int16)
    if FORMS[name] == "counts":
        return np.asarray(rng.poisson(need), dtype=np.int16)
    return np.asarray(rng.normal(need), dtype=np.float32)
