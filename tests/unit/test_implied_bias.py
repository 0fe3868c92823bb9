"""The gate on bias, by hand: rates that people are expected to have, what is tolerated, and what is said of it."""

import math

import polars as pl
import pytest

from evaluation.estimation import with_bias_cautions
from evaluation.matching import (
    MatchingError,
    Population,
    ScoredOutcome,
    earlier_cohort_scores,
    implied_bias,
    tolerated_bias,
)
from evaluation.matching.words import bias_caution
from pipelines.implied_bias import equal_weights

ONES, THREES = [f"one{number}" for number in range(40)], [f"three{number}" for number in range(40)]
# Nobody of sex 1 has other than one event in a year, nobody of sex 2 other than three.
EARLIER = pl.DataFrame(
    {
        "person_id": [*ONES, *THREES],
        "sex": ["1"] * 40 + ["2"] * 40,
        "events": [1] * 40 + [3] * 40,
        "person_years": [1.0] * 80,
    }
)
AT_INDEX = pl.DataFrame(
    {"person_id": ["a", "b", "x", "y"], "is_treated": [True, True, False, False], "sex": ["2", "2", "1", "2"]}
)
ALL = Population(name="all_sites", weightings={})


def scores(at_index: pl.DataFrame = AT_INDEX, earlier: pl.DataFrame = EARLIER) -> pl.DataFrame:
    return earlier_cohort_scores(at_index, earlier=earlier, covariates=["sex"], seed=1)


def gate(tolerated: float | None = 0.1, *, is_part: bool = False) -> dict:
    outcome = ScoredOutcome(metric_id="visits", label="Visits", scores=scores(), tolerated_bias=tolerated)
    population = Population(name="part" if is_part else "all_sites", weightings={}, is_part=is_part)
    return implied_bias(AT_INDEX, outcomes=[outcome], populations=[population]).row(0, named=True)


def test_people_are_expected_to_use_what_people_like_them_used_a_year_earlier():
    found = scores()
    assert found["person_id"].to_list() == ["a", "b", "x", "y"]
    assert found["prognostic_score"].to_list() == pytest.approx([math.log(3), math.log(3), 0, math.log(3)])


def test_two_with_a_rate_of_three_against_one_and_three_are_a_half_more():
    row = gate()
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(math.log(3 / 2))
    assert row["score_difference"] == pytest.approx(math.log(3) / 2)
    assert row["standard_error"] == pytest.approx(math.sqrt(2) / 4)
    assert row["is_beyond_tolerance"]
    assert row["caution"].startswith(
        "Groups not alike: by their recorded history alone the pilot people's rate would be"
    )
    assert " 50.0% above " in row["caution"]


def test_before_weighs_alike_whoever_has_a_weight_or_without_weights_everyone_of_the_design():
    others = pl.DataFrame({"person_id": ["x", "y", "z"]})
    weights = pl.DataFrame({"person_id": ["x", "y"], "weight": [0.2, 1.8]})
    assert equal_weights(weights, others=others).rows() == [("x", 1.0), ("y", 1.0)]
    assert equal_weights(weights.clear(), others=others).rows() == [("x", 1.0), ("y", 1.0), ("z", 1.0)]


def test_a_part_of_the_people_is_flagged_only_beyond_three_standard_errors():
    row = gate(is_part=True)
    assert (row["is_beyond_tolerance"], row["caution"]) == (False, "")


def test_without_a_worthwhile_change_there_is_nothing_to_judge_it_by():
    row = gate(None)
    assert row["implied_bias_log_rate_ratio"] == pytest.approx(math.log(3 / 2))
    assert (row["is_beyond_tolerance"], row["caution"]) == (None, "")
    assert "no smallest worthwhile change" in row["reason"]


def test_what_is_tolerated_is_a_quarter_of_the_worthwhile_change_either_way():
    assert tolerated_bias(-5.0) == pytest.approx(-math.log(0.95) / 4)
    assert tolerated_bias(8.0) == pytest.approx(math.log(1.08) / 4)
    assert tolerated_bias(None) is None


def test_without_scores_every_row_is_null_and_says_why():
    outcome = ScoredOutcome(metric_id="visits", label="Visits", scores=None, tolerated_bias=0.1, reason="Too early.")
    row = implied_bias(AT_INDEX, outcomes=[outcome], populations=[ALL]).row(0, named=True)
    assert (row["implied_bias_log_rate_ratio"], row["is_beyond_tolerance"]) == (None, None)
    assert row["reason"] == "Too early."


def test_nobody_to_compare_with_is_null_and_says_so():
    outcome = ScoredOutcome(metric_id="visits", label="Visits", scores=scores(), tolerated_bias=0.1)
    nobody = Population(name="site:a", weightings={}, case_ids=pl.Series("person_id", [], dtype=pl.String))
    row = implied_bias(AT_INDEX, outcomes=[outcome], populations=[nobody]).row(0, named=True)
    assert (row["implied_bias_log_rate_ratio"], row["reason"]) == (None, "No comparison people at this stage.")


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        (EARLIER.clear(), "do not reach back far enough"),
        (EARLIER.with_columns(events=pl.lit(None, dtype=pl.Int64)), "do not reach back far enough"),
        (EARLIER.with_columns(sex=pl.lit(None, dtype=pl.String)), "do not reach back far enough"),
        (EARLIER.with_columns(events=pl.lit(0)), "Too few events"),
        (EARLIER.head(9), "Too few events"),
    ],
)
def test_an_earlier_cohort_that_says_nothing_is_an_error_for_the_reader(earlier, reason):
    with pytest.raises(MatchingError, match=reason):
        scores(earlier=earlier)


def test_the_order_of_rows_changes_nothing():
    shuffled = EARLIER.sample(fraction=1, shuffle=True, seed=5)
    assert scores(AT_INDEX.reverse(), shuffled).equals(scores())


def test_nobodys_own_events_are_in_their_score():
    same = pl.concat([AT_INDEX.select("person_id", "sex"), EARLIER.head(1).select("person_id", "sex")])
    own = pl.col("person_id") == ONES[0]
    changed = EARLIER.with_columns(events=pl.when(own).then(30).otherwise("events"))
    before, after = (scores(same, one).filter(own)["prognostic_score"].item() for one in (EARLIER, changed))
    assert before == after
    assert not scores(AT_INDEX, changed).equals(scores())


def test_a_value_beyond_those_fitted_on_counts_as_the_nearest_of_them():
    ages = EARLIER.with_columns(age_at_index=pl.Series([70.0] * 40 + [80.0] * 40))
    asked = pl.DataFrame({"person_id": ["a", "b", "c"], "age_at_index": [60.0, 80.0, 110.0]})
    found = earlier_cohort_scores(asked, earlier=ages, covariates=["age_at_index"], seed=1)["prognostic_score"]
    assert found.to_list() == pytest.approx([0, math.log(3), math.log(3)])


def test_the_caution_names_size_side_interval_and_what_is_tolerated():
    said = bias_caution(math.log(0.9), 0.05, math.log(1.02))
    assert said == (
        "Groups not alike: by their recorded history alone the pilot people's rate would be 10.0% below the comparison "
        "people's without any pilot (95% interval -18.4% to -0.7%); up to 2.0%, a quarter of the smallest worthwhile "
        "change, is tolerated."
    )


def test_estimates_carry_the_caution_of_their_own_metric_population_and_people():
    said = pl.DataFrame(
        {
            "population": ["all_sites"] * 3,
            "metric_id": ["visits"] * 3,
            "stage": ["before", "after_weighting", "after_matching"],
            "caution": ["Before.", "", "Not alike."],
        }
    )
    designs = ["weighted_cohort", "matched_cohort", "matched_did", "uncontrolled", "matched_cohort"]
    estimates = pl.DataFrame(
        {
            "population": ["all_sites"] * 4 + ["site:a"],
            "metric_id": ["visits"] * 5,
            "design": designs,
            "change": [1.0] * 5,
            "caution": ["One."] * 5,
        }
    )
    found = with_bias_cautions(estimates, said)
    assert found["caution"].to_list() == ["One.", "One. Not alike.", "One.", "One.", "One."]
    assert found.drop("caution").equals(estimates.drop("caution"))
