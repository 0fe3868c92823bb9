"""What must hold of matching and weighting whatever the people."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.optimize import linprog

from evaluation.matching import (
    NoOverlapError,
    Population,
    Terms,
    covariate_balance,
    design_matrix,
    entropy_balance,
    mahalanobis_pairs,
    matched_estimand,
    matching_weights,
    nearest_neighbour_pairs,
    optimal_pairs,
)

PERSON = st.tuples(
    st.booleans(),
    st.sampled_from(("1", "2", None)),
    st.integers(-6, 6).map(lambda tenths: tenths / 10) | st.floats(-3, 3).map(lambda score: round(score, 3)),
    st.integers(0, 4),
)
PEOPLE = st.lists(PERSON, min_size=2, max_size=40)
CALIPERS = st.none() | st.sampled_from((0.0, 0.1, 0.35, 2.0))


def cohort(people: list[tuple]) -> pl.DataFrame:
    types = {"is_treated": pl.Boolean, "sex": pl.String, "score": pl.Float64, "use": pl.Int64}
    ids = [f"person {number * 7919 % 1000:03d}" for number in range(len(people))]
    return pl.DataFrame(people, schema=types, orient="row").with_columns(person_id=pl.Series(ids))


def nearest(frame, **options):
    return nearest_neighbour_pairs(frame, score="score", **options)


def nearest_again(frame, **options):
    return nearest_neighbour_pairs(frame, score="score", with_replacement=True, **options)


def mahalanobis(frame, **options):
    noise = pl.Series("noise", np.sin(np.arange(frame.height) * 1.7) * 1e-3)
    distinct = frame.sort("person_id").with_columns(noise, spread=pl.col("use") + noise)
    return mahalanobis_pairs(distinct, covariates=["spread"], score="score", **options)


def optimal(frame, **options):
    return optimal_pairs(frame, score="score", **options)


METHODS = (nearest, nearest_again, mahalanobis, optimal)
WITHOUT_REPLACEMENT = (nearest, mahalanobis, optimal)


def has_a_pool(people: list[tuple]) -> bool:
    """Enough people of either arm for a covariance."""
    return sum(person[0] for person in people) >= 2 and sum(not person[0] for person in people) >= 2


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), caliper=CALIPERS, ratio=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(method, people, caliper, ratio, seed):
    frame, options = cohort(people), {"exact": ["sex"], "caliper": caliper, "ratio": ratio, "seed": seed}
    mixed = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(method(frame, **options), method(mixed, **options), check_exact=True)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), caliper=CALIPERS, ratio=st.integers(1, 3), seed=st.integers(0, 99))
def test_strata_caliper_ratio_and_weights_are_kept(method, people, caliper, ratio, seed):
    frame = cohort(people)
    pairs = method(frame, exact=["sex"], caliper=caliper, ratio=ratio, seed=seed)
    facts = {row["person_id"]: row for row in frame.iter_rows(named=True)}
    for case, control in pairs.select("case_id", "control_id").iter_rows():
        assert facts[case]["is_treated"]
        assert not facts[control]["is_treated"]
        assert facts[case]["sex"] == facts[control]["sex"]
        assert caliper is None or abs(facts[case]["score"] - facts[control]["score"]) <= caliper + 1e-12
    assert pairs.select("case_id", "control_id").is_unique().all()
    assert pairs.group_by("case_id").len()["len"].max() in {None, *range(1, ratio + 1)}
    weights, matched = matching_weights(pairs), matched_estimand(frame, pairs).matched
    assert weights.filter("is_treated")["weight"].sum() == matched
    assert weights.filter(~pl.col("is_treated"))["weight"].sum() == pytest.approx(matched)


@pytest.mark.parametrize("method", WITHOUT_REPLACEMENT)
@settings(max_examples=40, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), caliper=CALIPERS, ratio=st.integers(1, 3), seed=st.integers(0, 99))
def test_no_control_serves_twice_without_replacement(method, people, caliper, ratio, seed):
    pairs = method(cohort(people), caliper=caliper, ratio=ratio, seed=seed)
    assert pairs["control_id"].is_unique().all()


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE, caliper=CALIPERS, seed=st.integers(0, 99), ratio=st.integers(1, 3))
def test_greedy_matching_agrees_with_looking_at_every_control_each_time(people, caliper, seed, ratio):
    frame = cohort(people)
    ranks = dict(zip(frame["person_id"], np.random.default_rng(seed).permutation(frame.height).tolist(), strict=True))
    ranked = frame.with_columns(rank=pl.col("person_id").replace_strict(ranks))
    pairs = nearest(ranked, exact=["sex"], caliper=caliper, ratio=ratio, seed=0, tie_breaker="rank")
    assert set(pairs.select("case_id", "control_id").iter_rows()) == by_search(ranked, caliper, ratio)


def by_search(frame: pl.DataFrame, caliper: float | None, ratio: int) -> set[tuple[str, str]]:
    people = list(frame.iter_rows(named=True))
    cases = sorted((p for p in people if p["is_treated"]), key=lambda p: (-p["score"], p["rank"]))
    free, found = [p for p in people if not p["is_treated"]], set()
    for _ in range(ratio):
        for case in list(cases):
            same = [p for p in free if p["sex"] == case["sex"]]
            best = min(same, key=lambda p: (round(abs(p["score"] - case["score"]), 9), p["rank"]), default=None)
            if best is None or (caliper is not None and abs(best["score"] - case["score"]) > caliper):
                cases.remove(case)
                continue
            free.remove(best)
            found.add((case["person_id"], best["person_id"]))
    return found


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), seed=st.integers(0, 99))
def test_optimal_pairs_are_as_many_as_greedy_ones_and_never_further_apart(people, seed):
    frame = cohort(people)
    found, greedy = (method(frame, exact=["sex"], seed=seed) for method in (optimal, nearest))
    assert found.height == greedy.height
    assert found["distance"].sum() <= greedy["distance"].sum() + 1e-9


@settings(max_examples=60, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), seed=st.integers(0, 99))
def test_entropy_weights_balance_wherever_weights_exist_and_say_so_where_not(people, seed):
    frame = cohort(people).with_columns(pl.col("sex").fill_null("unknown"))
    terms = Terms(counts=("use",), linear=("score",), categories=("sex",))
    design = design_matrix(frame.sample(fraction=1, shuffle=True, seed=seed), terms=terms)
    arms = frame.sort("person_id")["is_treated"].to_numpy()
    if not has_balancing_weights(design.values[~arms], design.values[arms].mean(axis=0)):
        with pytest.raises(NoOverlapError):
            entropy_balance(design, cohort=frame)
        return
    weights = entropy_balance(design, cohort=frame).weights["weight"].to_numpy()
    assert (weights >= 0).all()
    assert weights[~arms].sum() == pytest.approx(arms.sum())
    means = [np.average(design.values[arm], axis=0, weights=weights[arm]) for arm in (arms, ~arms)]
    np.testing.assert_allclose(*means, atol=2e-8)


def has_balancing_weights(controls: np.ndarray, means: np.ndarray) -> bool:
    """Whether a linear programme finds any weights of 0 or more with these means."""
    equations = np.vstack([controls.T, np.ones(len(controls))])
    tight = {"primal_feasibility_tolerance": 1e-10}
    return linprog(np.zeros(len(controls)), A_eq=equations, b_eq=np.append(means, 1), options=tight).status == 0


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE.filter(has_a_pool), seed=st.integers(0, 99))
def test_a_balance_table_is_finite_and_does_not_depend_on_the_order_of_rows(people, seed):
    frame = cohort(people)
    weights = matching_weights(nearest(frame, seed=1))
    populations = [Population(name="all_sites", weightings={"after_matching": weights})]
    terms = Terms(counts=("use",), squared=("score",), categories=("sex",), interactions=(("use", "sex"),))
    found = covariate_balance(frame, terms=terms, populations=populations)
    mixed = covariate_balance(frame.sample(fraction=1, shuffle=True, seed=seed), terms=terms, populations=populations)
    assert_frame_equal(found, mixed, check_exact=True)
    numbers = found.select(pl.col(pl.Float64))
    assert all(column.drop_nulls().is_finite().all() for column in numbers)
    assert (found["kolmogorov_smirnov"].drop_nulls() <= 1 + 1e-12).all()
