"""Matching on the job-training data of LaLonde, where they lie beside the checkout: the figures of MatchIt 4.7.

The data (Dehejia & Wahba 1999, as MatchIt ships them) are not part of this repository. Figures: nearest neighbour on
the propensity score, largest first, ties by order of the file: ATT 894.367; with a caliper of 0.2 standard deviations
over everyone 113 pairs and 1571.744. The optimal assignment is checked against a linear programme (HiGHS).
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog, minimize
from scipy.sparse import coo_array

from evaluation.matching import (
    Terms,
    caliper_width,
    design_matrix,
    entropy_balance,
    nearest_neighbour_pairs,
    optimal_pairs,
    propensity_scores,
)

FILE = (
    Path(__file__).resolve().parents[3] / "shared" / "data" / "reference_inputs" / "01_matching_lalonde" / "input.csv"
)
__test__ = FILE.exists()  # where the file is not there, there is nothing to test
TERMS = Terms(linear=("age", "educ", "married", "nodegree", "re74", "re75"), categories=("race",))


@pytest.fixture(scope="module")
def trainees() -> pl.DataFrame:
    read = pl.read_csv(FILE, infer_schema_length=None).with_row_index("place").rename({"rownames": "person_id"})
    people = read.with_columns(is_treated=pl.col("treat") == 1).sort("person_id")
    scores = propensity_scores(design_matrix(people, terms=TERMS), cohort=people).scores
    return people.join(scores.select("person_id", "propensity_score"), on="person_id", how="left").sort("person_id")


def effect_on_the_treated(trainees: pl.DataFrame, pairs: pl.DataFrame) -> float:
    pay = dict(trainees.select("person_id", "re78").iter_rows())
    differences = [(pay[case] - pay[control]) for case, control in pairs.select("case_id", "control_id").iter_rows()]
    return float(np.mean(differences))


def nearest(trainees: pl.DataFrame, **options) -> pl.DataFrame:
    return nearest_neighbour_pairs(trainees, score="propensity_score", seed=1, tie_breaker="place", **options)


def test_one_to_one_matching_has_matchits_effect(trainees):
    pairs = nearest(trainees)
    assert pairs.height == 185
    assert effect_on_the_treated(trainees, pairs) == pytest.approx(894.367, abs=5e-4)


def test_caliper_matching_has_matchits_pairs_and_effect(trainees):
    width = caliper_width(trainees["propensity_score"], trainees["is_treated"], definition="everyone")
    pairs = nearest(trainees, caliper=width)
    assert pairs.height == 113
    assert effect_on_the_treated(trainees, pairs) == pytest.approx(1571.744, abs=5e-4)


def test_optimal_matching_has_the_least_sum_of_a_linear_programme(trainees):
    pairs = optimal_pairs(trainees, score="propensity_score", seed=1)
    cases, controls = (
        trainees.filter(pl.col("is_treated") == arm)["propensity_score"].to_numpy() for arm in (True, False)
    )
    least = least_sum(np.abs(cases[:, None] - controls))
    assert pairs.height == len(cases) == 185
    assert pairs["distance"].sum() == pytest.approx(least, abs=1e-9)


def test_the_data_for_optimal_matching_are_these_people_again() -> None:
    again = FILE.parent.with_name("17_optimal_matching") / FILE.name
    assert pl.read_csv(again, infer_schema_length=None).equals(pl.read_csv(FILE, infer_schema_length=None))


def test_greedy_and_optimal_sums_without_a_caliper_are_nearly_the_same_here(trainees):
    sums = [
        pairs["distance"].sum()
        for pairs in (nearest(trainees), optimal_pairs(trainees, score="propensity_score", seed=1))
    ]
    assert sums[1] <= sums[0] + 1e-12
    assert sums == pytest.approx([39.692799] * 2, abs=1e-6)


def test_entropy_balance_is_the_minimum_of_its_dual(trainees):
    design = design_matrix(trainees, terms=TERMS)
    found = entropy_balance(design, cohort=trainees)
    treated = trainees["is_treated"].to_numpy()
    gaps = design.values[~treated] - design.values[treated].mean(axis=0)
    dual = minimize(
        lambda b: np.log(np.exp(gaps @ b).sum()), np.zeros(gaps.shape[1]), method="BFGS", options={"gtol": 1e-9}
    )
    theirs = np.exp(gaps @ dual.x)
    theirs *= treated.sum() / theirs.sum()
    np.testing.assert_allclose(found.weights["weight"].to_numpy()[~treated], theirs, atol=1e-6)
    pay = trainees["re78"].to_numpy()
    effect = pay[treated].mean() - np.average(pay[~treated], weights=found.weights["weight"].to_numpy()[~treated])
    assert effect == pytest.approx(1273.26, abs=0.01)


def least_sum(distances: np.ndarray) -> float:
    cases, controls = distances.shape
    cell = np.arange(distances.size)
    once = np.ones(distances.size)
    each_case = coo_array((once, (cell // controls, cell)), shape=(cases, distances.size))
    each_control = coo_array((once, (cell % controls, cell)), shape=(controls, distances.size))
    found = linprog(
        distances.ravel(),
        A_eq=each_case.tocsr(),
        b_eq=np.ones(cases),
        A_ub=each_control.tocsr(),
        b_ub=np.ones(controls),
        method="highs",
    )
    return float(found.fun)
