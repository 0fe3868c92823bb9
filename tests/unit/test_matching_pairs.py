"""Matching by hand: who gets whom, at which distance, with which weight, and for whom the effect stands."""

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import cdist

from evaluation.matching import (
    MatchingError,
    caliper_width,
    mahalanobis_pairs,
    matched_estimand,
    matching_weights,
    nearest_neighbour_pairs,
    optimal_pairs,
)
from evaluation.matching.draws import draws


def people(cases: dict[str, float], controls: dict[str, float], **more: dict[str, object]) -> pl.DataFrame:
    names = [*cases, *controls]
    scores = {**cases, **controls}
    columns = {name: [values.get(person) for person in names] for name, values in more.items()}
    return pl.DataFrame(
        {
            "person_id": names,
            "is_treated": [name in cases for name in names],
            "score": [float(scores[name]) for name in names],
            **columns,
        }
    )


def pairs(found: pl.DataFrame) -> set[tuple[str, str]]:
    return set(found.select("case_id", "control_id").iter_rows())


def nearest(frame: pl.DataFrame, **options) -> pl.DataFrame:
    return nearest_neighbour_pairs(frame, score="score", **{"seed": 1, **options})


def test_the_case_with_the_largest_score_chooses_first():
    frame = people({"a": 2, "b": 3}, {"x": 2.5, "y": 0})
    assert pairs(nearest(frame)) == {("b", "x"), ("a", "y")}


def test_optimal_pairs_have_the_smaller_sum_where_the_first_choice_costs_others_more():
    frame = people({"a": 2, "b": 0}, {"x": 1, "y": 4})
    assert pairs(nearest(frame)) == {("a", "x"), ("b", "y")}
    found = optimal_pairs(frame, score="score", seed=1)
    assert pairs(found) == {("a", "y"), ("b", "x")}
    assert found["distance"].sum() == 3


def test_a_control_serves_once_without_and_again_with_replacement():
    frame = people({"a": 2, "b": 3}, {"x": 2.5, "y": 0})
    assert pairs(nearest(frame, with_replacement=True)) == {("a", "x"), ("b", "x")}
    again = mahalanobis_pairs(frame, covariates=["score"], score="score", with_replacement=True, seed=1)
    assert pairs(again) == {("a", "x"), ("b", "x")}


def test_second_controls_are_given_once_everyone_had_a_turn_for_a_first():
    frame = people({"a": 5, "b": 4.9}, {"x": 5, "y": 4.95, "z": 1})
    found = nearest(frame, ratio=2)
    assert pairs(found) == {("a", "x"), ("b", "y"), ("a", "z")}
    assert dict(found.select("control_id", "weight").iter_rows()) == {"x": 0.5, "z": 0.5, "y": 1.0}
    assert found.filter(pl.col("case_id") == "a")["match_number"].to_list() == [1, 2]


@pytest.mark.parametrize("with_replacement", [False, True])
def test_nobody_is_matched_beyond_the_caliper_and_exactly_at_it_one_is(with_replacement):
    frame = people({"a": 0, "b": 10}, {"x": 0.5, "y": 11})
    found = nearest(frame, caliper=0.5, with_replacement=with_replacement)
    assert pairs(found) == {("a", "x")}


def test_the_caliper_is_one_of_the_score_where_the_distance_is_one_of_covariates():
    frame = people({"a": 0}, {"x": 5, "y": 0.1}, age={"a": 70.0, "x": 70.0, "y": 80.0})
    found = mahalanobis_pairs(frame, covariates=["age"], score="score", caliper=1, seed=1)
    assert pairs(found) == {("a", "y")}
    assert pairs(optimal_pairs(frame, covariates=["age"], score="score", caliper=1, seed=1)) == {("a", "y")}


@pytest.mark.parametrize("method", [nearest_neighbour_pairs, optimal_pairs])
def test_pairs_are_of_the_same_stratum_and_unknown_matches_unknown(method):
    frame = people({"a": 0, "b": 0}, {"x": 0, "y": 3, "z": 4}, sex={"a": "1", "x": "2", "y": "1", "z": None, "b": None})
    assert pairs(method(frame, score="score", exact=["sex"], seed=1)) == {("a", "y"), ("b", "z")}


@pytest.mark.parametrize("method", [nearest_neighbour_pairs, optimal_pairs])
def test_a_control_with_a_row_per_month_is_used_once_in_all(method):
    frame = pl.DataFrame(
        {
            "person_id": ["a", "b", "x", "x", "y"],
            "is_treated": [True, True, False, False, False],
            "score": [1.0, 2.0, 2.0, 1.0, 9.0],
            "month": [1, 2, 2, 1, 1],
        }
    )
    found = method(frame, score="score", exact=["month"], seed=1)
    assert found["control_id"].to_list().count("x") == 1


def test_as_many_cases_as_possible_get_a_control_before_distances_count():
    frame = people({"a": 0, "b": 1}, {"x": 0.9, "y": 2})
    assert pairs(optimal_pairs(frame, score="score", caliper=1, seed=1)) == {("a", "x"), ("b", "y")}


def test_a_second_control_never_costs_another_case_its_first():
    frame = people({"a": 0, "b": 0.5}, {"x": 0, "y": 0})
    assert {case for case, _ in pairs(optimal_pairs(frame, score="score", ratio=2, seed=1))} == {"a", "b"}


def test_weights_add_up_over_the_pairs_of_a_control():
    found = nearest(people({"a": 0, "b": 9}, {"x": 1, "y": -20, "z": 8.5}), ratio=2, with_replacement=True, caliper=9)
    weights = dict(matching_weights(found).select("person_id", "weight").iter_rows())
    assert pairs(found) == {("a", "x"), ("a", "z"), ("b", "z"), ("b", "x")}
    assert weights == {"a": 1, "b": 1, "x": 1, "z": 1}


def test_the_estimand_says_how_many_were_matched_and_when_too_many_are_lost():
    frame = people(
        {f"c{number:02d}": number for number in range(20)}, {f"x{number:02d}": number for number in range(18)}
    )
    all_but_two = matched_estimand(frame, nearest(frame, caliper=0.1))
    assert (all_but_two.words, all_but_two.loses_too_many) == ("ATT among the 18 of 20 matched", False)
    fewer = matched_estimand(frame, nearest(frame.filter(pl.col("person_id") != "x03"), caliper=0.1))
    assert (fewer.words, fewer.loses_too_many) == ("ATT among the 17 of 20 matched", True)


def test_nobody_to_match_gives_a_table_without_rows():
    frame = people({"a": 1}, {})
    for found in (
        nearest(frame),
        nearest(frame, with_replacement=True),
        optimal_pairs(frame, score="score", seed=1),
        mahalanobis_pairs(frame, covariates=["score"], score="score", seed=1),
        nearest(people({}, {"x": 1})),
    ):
        assert found.height == 0
    assert matched_estimand(frame, nearest(frame)).words == "ATT among the 0 of 1 matched"


def test_the_caliper_is_in_standard_deviations_pooled_over_the_arms_or_taken_over_everyone():
    frame = people({"a": 0, "b": 2}, {"x": 0, "y": 4})
    assert caliper_width(frame["score"], frame["is_treated"]) == pytest.approx(0.2 * 5**0.5)
    everyone = caliper_width(frame["score"], frame["is_treated"], definition="everyone")
    assert everyone == pytest.approx(0.2 * (11 / 3) ** 0.5)
    with pytest.raises(MatchingError, match="known: pooled, everyone"):
        caliper_width(frame["score"], frame["is_treated"], definition="matchit")


@pytest.mark.parametrize(
    ("frame", "options", "what"),
    [
        (people({"a": 1}, {"x": 1}), {"exact": ["sex"]}, "no column sex"),
        (people({"a": float("nan")}, {"x": 1}), {}, "not a number"),
        (pl.concat([people({"a": 1}, {"x": 1}), people({"a": 2}, {})]), {}, "case stands twice"),
        (pl.concat([people({"a": 1}, {"x": 1}), people({}, {"x": 2})]), {}, "control stands twice"),
    ],
)
def test_people_who_cannot_be_matched_as_asked_are_an_error(frame, options, what):
    with pytest.raises(MatchingError, match=what):
        nearest(frame, **options)


def test_covariates_without_a_mahalanobis_distance_are_named():
    frame = people({"a": 1, "b": 2}, {"x": 1, "y": 3}, same=dict.fromkeys("abxy", 1.0))
    with pytest.raises(MatchingError, match="same do not vary"):
        mahalanobis_pairs(frame, covariates=["score", "same"], score="score", seed=1)


@pytest.mark.parametrize("with_replacement", [False, True])
@pytest.mark.parametrize(("ranks", "chosen"), [((1, 2), "x"), ((2, 1), "y")])
def test_of_two_equally_near_controls_the_one_with_the_lower_number_is_taken(ranks, chosen, with_replacement):
    above, below = ranks
    frame = people({"a": 0.3}, {"x": 0.4, "y": 0.2}, rank={"a": 0, "x": above, "y": below})
    found = nearest(frame, tie_breaker="rank", with_replacement=with_replacement)
    assert found["control_id"].to_list() == [chosen]


def test_ties_are_drawn_by_the_seed_and_the_person():
    frame = people({"a": 0}, {f"x{number}": 0 for number in range(8)})
    chosen = [nearest(frame, seed=seed)["control_id"][0] for seed in range(40)]
    assert len(set(chosen)) >= 6
    assert draws(["a", "b"], seed=1).tolist() == [6434975133384343351, 7688802181368174912]


def test_the_search_goes_on_when_all_near_controls_are_taken():
    cases, controls = ({f"{arm}{number:02d}": 0.0 for number in range(40)} for arm in ("a", "x"))
    frame = people(cases, controls, age=dict.fromkeys(cases, 0.0) | {name: float(name[1:]) for name in controls})
    assert mahalanobis_pairs(frame, covariates=["age"], score="score", seed=1).height == 40


def test_mahalanobis_distance_is_in_standard_deviations_within_the_arms():
    # Squares about the arms' means: 2 + 2 over 4 - 2, so that ages 10 apart are 10 / 2 ** 0.5 apart.
    frame = people({"a": 0, "b": 0}, {"x": 0, "y": 0}, age={"a": 70.0, "b": 72.0, "x": 80.0, "y": 82.0})
    found = mahalanobis_pairs(frame, covariates=["age"], score="score", with_replacement=True, seed=1)
    assert dict(found.select("case_id", "distance").iter_rows()) == pytest.approx({"a": 10 / 2**0.5, "b": 8 / 2**0.5})


def test_correlated_covariates_count_once_in_mahalanobis_distance():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.9], [0.0, 0.5]])
    names = [f"{'a' if number < 20 else 'x'}{number}" for number in range(60)]
    columns = {name: dict(zip(names, values[:, number], strict=True)) for number, name in enumerate(("u", "v"))}
    frame = people(dict.fromkeys(names[:20], 0), dict.fromkeys(names[20:], 0), **columns)
    found = mahalanobis_pairs(frame, covariates=["u", "v"], score="score", with_replacement=True, seed=1)
    pooled = (np.cov(values[:20].T) * 19 + np.cov(values[20:].T) * 39) / 58
    distances = cdist(values[:20], values[20:], "mahalanobis", VI=np.linalg.inv(pooled))
    assert dict(found.select("case_id", "distance").iter_rows()) == pytest.approx(
        dict(zip(names, distances.min(axis=1), strict=False))
    )
