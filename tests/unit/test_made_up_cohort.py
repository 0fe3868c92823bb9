"""The cohort that the whole design is timed on has what a study's has, and a design is found for it."""

import numpy as np
import polars as pl

from benchmarks.made_up_cohort import made_up_cohort
from evaluation.matching import COVARIATES, EXACT, Settings, compare

COHORT = made_up_cohort(150, 3000, np.random.default_rng(1))


def test_everybody_stands_once_with_all_that_the_design_stage_reads():
    assert COHORT["person_id"].n_unique() == COHORT.height == 3150
    assert {*COVARIATES, *EXACT} <= set(COHORT.columns)
    assert COHORT["is_treated"].sum() == 150
    known = COHORT.select(COVARIATES).null_count().sum_horizontal().item()
    assert known == 0


def test_its_cases_are_older_and_use_more_and_the_design_gives_them_weights_and_pairs():
    means = COHORT.group_by("is_treated").agg(pl.col("age_at_index", "emergency_admissions_12_months").mean())
    ours, others = (means.filter(is_treated=arm).row(0, named=True) for arm in (True, False))
    assert ours["age_at_index"] > others["age_at_index"] + 4
    assert ours["emergency_admissions_12_months"] > 1.5 * others["emergency_admissions_12_months"]
    populations = pl.DataFrame(schema={"population": pl.String, "site_id": pl.String})
    row = compare(COHORT, site_populations=populations, settings=Settings()).designs.row(0, named=True)
    assert row["has_weights"]
    assert row["pilot_people_matched"] > 0
