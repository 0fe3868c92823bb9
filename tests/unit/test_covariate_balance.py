"""The balance table and the gate on bias, by hand."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from evaluation.matching import (
    MatchingError,
    Population,
    ScoredOutcome,
    Terms,
    covariate_balance,
    implied_bias,
    matching_weights,
    site_populations,
    unmatched_cases,
)

COHORT = pl.DataFrame(
    {
        "person_id": ["a", "b", "x", "y", "z"],
        "is_treated": [True, True, False, False, False],
        "site_id": ["north", "south", None, None, None],
        "use": [1.0, 3.0, 0.0, 2.0, 7.0],
        "sex": ["1", "2", "1", "2", "2"],
    }
)
PAIRS = pl.DataFrame({"case_id": ["a", "b", "b"], "control_id": ["x", "x", "y"], "weight": [1.0, 0.5, 0.5]})
ALL = Population(name="all_sites", weightings={"after_matching": matching_weights(PAIRS)})
SITES = ("site:north", "site:south")
NOBODY = pl.DataFrame(schema={"person_id": pl.String, "weight": pl.Float64})


def balance(**options) -> dict[tuple[str, str, str], dict]:
    given = {"terms": Terms(linear=("use",), categories=("sex",)), "populations": [ALL], **options}
    found = covariate_balance(COHORT, **given)
    return {(row["population"], row["covariate"], row["stage"]): row for row in found.iter_rows(named=True)}


def test_before_matching_the_whole_pool_is_compared():
    row = balance()["all_sites", "use", "before"]
    assert (row["pilot_mean"], row["comparison_mean"], row["comparison_people"]) == (2, 3, 3)
    assert row["standardised_mean_difference"] == pytest.approx(-1 / 2**0.5)
    assert row["variance_ratio"] == pytest.approx(2 / 13)
    assert row["kolmogorov_smirnov"] == pytest.approx(ks_2samp([1, 3], [0, 2, 7]).statistic)
    assert row["share_in_common_support"] == 1
    assert row["is_unbalanced"]


def test_after_matching_weights_count_and_the_spread_is_still_the_one_before():
    row = balance()["all_sites", "use", "after_matching"]
    assert (row["pilot_mean"], row["comparison_mean"], row["comparison_people"]) == (2, 0.5, 2)
    assert row["standardised_mean_difference"] == pytest.approx(1.5 / 2**0.5)
    assert row["variance_ratio"] == pytest.approx(2 / (2 / (4 - 2.5) * (1.5 * 0.25 + 0.5 * 2.25)))
    assert row["kolmogorov_smirnov"] == pytest.approx(0.75)
    assert row["share_in_common_support"] == 0.5
    assert row["comparison_effective_people"] == pytest.approx(4 / 2.5)


def test_every_category_is_shown_as_a_share_without_variance_ratio():
    row = balance()["all_sites", "sex=1", "after_matching"]
    assert (row["pilot_mean"], row["comparison_mean"]) == (0.5, 0.75)
    assert (row["variance_ratio"], row["kolmogorov_smirnov"]) == (None, None)
    assert ("all_sites", "sex=2", "after_matching") in balance()


def test_squares_and_interactions_are_shown_too_and_can_differ_where_means_do_not():
    cohort = COHORT.with_columns(use=pl.Series([1.0, 3.0, 2.0, 2.0, 2.0]))
    found = covariate_balance(cohort, terms=Terms(squared=("use",)), populations=[ALL])
    after = found.filter(pl.col("stage") == "after_matching").select("covariate", "pilot_mean", "comparison_mean")
    assert after.rows() == [("use", 2, 2), ("use^2", 5, 4)]


def test_a_site_is_its_cases_with_their_own_pairs():
    sites = site_populations(COHORT, pairs=PAIRS)
    assert [(site.name, site.is_part) for site in sites] == [("site:north", True), ("site:south", True)]
    found = balance(populations=sites)
    south = found["site:south", "use", "after_matching"]
    assert (south["pilot_mean"], south["comparison_mean"]) == (3, 1)
    assert found["site:north", "use", "before"]["pilot_people"] == 1
    overlap = {name: found[name, "use", "after_matching"]["share_in_common_support"] for name in SITES}
    assert overlap == {"site:north": 0, "site:south": 0}  # 1 against 0; 3 against 0 and 2
    assert {found[name, "use", "before"]["share_in_common_support"] for name in SITES} == {1}
    assert found["site:south", "use", "before"]["kolmogorov_smirnov"] is None


def test_a_difference_that_is_undefined_is_null_and_not_balanced_or_unbalanced():
    row = balance(populations=[Population(name="none", weightings={"after_matching": NOBODY})])[
        "none", "use", "after_matching"
    ]
    assert [row[name] for name in ("pilot_mean", "standardised_mean_difference", "is_unbalanced")] == [None] * 3
    site = balance(populations=site_populations(COHORT, pairs=PAIRS))["site:south", "use", "after_matching"]
    assert site["standardised_mean_difference"] is None


@pytest.mark.parametrize(("is_part", "flagged"), [(False, True), (True, False)])
def test_a_part_is_flagged_only_beyond_the_noise_of_its_size(is_part, flagged):
    rng = np.random.default_rng(5)
    use = rng.normal(size=200)
    use[:100] += 0.2 - use[:100].mean() + use[100:].mean()
    ids = [f"p{number:03d}" for number in range(200)]
    cohort = pl.DataFrame({"person_id": ids, "is_treated": [True] * 100 + [False] * 100, "use": use})
    weights = pl.DataFrame({"person_id": ids, "weight": [1.0] * 200})
    population = Population(name="some", weightings={"after_matching": weights}, is_part=is_part)
    found = covariate_balance(cohort, terms=Terms(linear=("use",)), populations=[population])
    assert found["standardised_mean_difference"].to_list() == pytest.approx([0.2 / use[:100].std(ddof=1)] * 2)
    assert found["is_unbalanced"].to_list() == [flagged] * 2


def days(*values: int | None) -> dict[str, dict]:
    cohort = COHORT.with_columns(days=pl.Series(values, dtype=pl.Int16))
    found = covariate_balance(cohort, terms=Terms(linear=("use",)), populations=[ALL], where_known=("days",))
    assert found["covariate"].to_list() == ["use", "use", "days", "days"]
    return {row["stage"]: row for row in found.filter(covariate="days").iter_rows(named=True)}


def test_a_number_that_not_everybody_has_is_compared_among_those_who_have_one():
    # Cases 10 and 30 (mean 20, variance 200), controls 20 and 40; matched to x, who has none, and y with weight 0.5.
    found = days(10, 30, None, 20, 40)
    before, after = found["before"], found["after_matching"]
    assert [before[name] for name in ("pilot_mean", "comparison_mean", "pilot_people", "comparison_people")] == [
        20, 30, 2, 2
    ]  # fmt: skip
    assert before["standardised_mean_difference"] == pytest.approx(-10 / 200**0.5)
    assert (before["variance_ratio"], before["share_in_common_support"]) == (1, 0.5)
    assert before["kolmogorov_smirnov"] == pytest.approx(ks_2samp([10, 30], [20, 40]).statistic)
    assert [after[name] for name in ("comparison_mean", "comparison_people", "comparison_effective_people")] == [
        20, 1, 1
    ]  # fmt: skip
    assert after["standardised_mean_difference"] == 0


def test_weights_count_among_those_who_have_the_number():
    # x weighs 1.5 and y 0.5: (1.5 x 8 + 0.5 x 20) / 2 = 11.
    assert days(10, 30, 8, 20, 40)["after_matching"]["comparison_mean"] == pytest.approx(11)


def test_a_number_that_no_control_has_is_null_and_its_people_are_none():
    after = days(10, 30, None, None, 40)["after_matching"]
    assert (after["pilot_mean"], after["comparison_mean"], after["comparison_people"]) == (20, None, 0)
    assert (after["standardised_mean_difference"], after["is_unbalanced"]) == (None, None)


def test_people_with_weights_who_are_not_in_the_cohort_are_an_error():
    weights = pl.DataFrame({"person_id": ["q"], "weight": [1.0]})
    stranger = Population(name="all", weightings={"after_matching": weights})
    with pytest.raises(MatchingError, match="not in the cohort"):
        balance(populations=[stranger])


def test_implied_bias_is_the_log_ratio_of_the_expected_rates():
    scores = COHORT.select("person_id", prognostic_score=pl.Series(np.log([2.0, 4.0, 1.0, 3.0, 8.0])))
    outcome = ScoredOutcome(metric_id="visits", label="Visits", scores=scores, tolerated_bias=0.5)
    found = implied_bias(COHORT, outcomes=[outcome], populations=[ALL])
    assert found["implied_bias_log_rate_ratio"].to_list() == pytest.approx([np.log(3 / 4), np.log(3 / 1.5)])
    assert found["is_beyond_tolerance"].to_list() == [False, True]
    assert found["score_difference"][1] == pytest.approx(np.log(8) / 2 - 0.25 * np.log(3))
    errors = np.hypot(2**0.5 / 6, np.hypot(1.5 * 0.5, 0.5 * 1.5) / (2 * 1.5))
    assert found["standard_error"][1] == pytest.approx(errors)


def test_somebody_without_a_prognostic_score_is_an_error():
    scores = pl.DataFrame({"person_id": ["a"], "prognostic_score": [0.0]})
    outcome = ScoredOutcome(metric_id="visits", label="Visits", scores=scores, tolerated_bias=0.1)
    with pytest.raises(MatchingError, match="prognostic score"):
        implied_bias(COHORT, outcomes=[outcome], populations=[ALL])


def test_unmatched_cases_are_described_beside_the_matched_ones():
    cohort = pl.DataFrame({"person_id": ["a", "b", "c", "x"], "is_treated": [True] * 3 + [False], "use": [1, 2, 6, 9]})
    pairs = pl.DataFrame({"case_id": ["a", "b"]})
    found = unmatched_cases(cohort, terms=Terms(linear=("use",)), pairs=pairs)
    assert found.row(0) == ("use", 1.5, 6, pytest.approx(4.5 / 7**0.5))
    nobody = unmatched_cases(cohort, terms=Terms(linear=("use",)), pairs=pairs.head(0))
    assert nobody.row(0) == ("use", None, 3, None)
