"""Effects after the index date worked by hand, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.estimation.clustering import (
    clustered_covariance,
    clustered_variances,
    group_numbers,
)
from evaluation.estimation.interrupted_time_series import interrupted_time_series
from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.weighted_cohort import UnbalancedWeightsError, weighted_cohort
from evaluation.regression import NotEstimableError, poisson_regression

NOTHING = np.zeros((6, 0))
# two cases: 1 and 3 events in 2 and 2 years, 1 a year; four others: 0 2 4 2 in a year each, 2 a year
SIX = {
    "counts": [1, 3, 0, 2, 4, 2],
    "person_years": [2, 2, 1, 1, 1, 1],
    "is_treated": [True, True, False, False, False, False],
    "person_ids": ["a", "b", "c", "d", "e", "f"],
    "weights": [1, 1, 0.5, 0.5, 0.5, 0.5],
}
WEIGHTED = SIX | {"balanced": NOTHING}
MATCHED = SIX | {"covariates": NOTHING}


def test_a_weighted_cohort_without_covariates_is_a_ratio_of_weighted_rates():
    effect = weighted_cohort(**WEIGHTED)
    assert effect.log_rate_ratio == pytest.approx(math.log(1 / 2))
    assert effect.change == pytest.approx(-1)
    # on the log rates: (1 - 2)/4, (3 - 2)/4 of cases, (-2, 0, 2, 0)/8 of others, each with a leverage of 1/4
    others = 2 / 16 / (1 - 1 / 4)
    assert effect.standard_error == pytest.approx(math.sqrt((2 / 16 + others) * 6 / 5))
    assert effect.change_standard_error == pytest.approx(math.sqrt((2 / 16 + 4 * others) * 6 / 5))


def test_weights_count_by_their_proportions_only():
    tenfold = WEIGHTED | {"weights": np.array(SIX["weights"]) * 10}
    once, again = (weighted_cohort(**data) for data in (WEIGHTED, tenfold))
    assert once.standard_error == pytest.approx(again.standard_error)
    assert once.sample.effective_sample_size == pytest.approx(again.sample.effective_sample_size)


def test_a_matched_cohort_without_covariates_is_the_same_ratio_and_change():
    effect = matched_cohort(**MATCHED)
    assert effect.log_rate_ratio == pytest.approx(math.log(1 / 2))
    assert effect.change == pytest.approx(-1)
    assert effect.standard_error == pytest.approx(math.sqrt((2 / 16 + 2 / 16) * 6 / 5))
    assert effect.change_standard_error == pytest.approx(math.sqrt((2 / 16 + 8 / 16) * 6 / 5))


def test_the_sample_counts_people_and_not_their_rows():
    rows = {name: [*values, values[-1]] for name, values in SIX.items()}
    sample = matched_cohort(**rows, covariates=np.zeros((7, 0))).sample
    assert (sample.n_cases, sample.n_comparators, sample.n_clusters) == (2, 4, 6)
    assert sample.effective_sample_size == pytest.approx(2.5**2 / (3 * 0.25 + 1))
    assert (sample.cases_with_events, sample.comparators_with_events) == (2, 3)
    assert sample.rests_on_few


def test_difference_in_differences_is_the_ratio_of_both_rate_ratios():
    effect = matched_did(baseline_counts=[4, 4, 1, 1, 1, 1], baseline_person_years=[2, 2, 1, 1, 1, 1], **SIX)
    assert effect.log_rate_ratio == pytest.approx(math.log((1 / 2) / (2 / 1)))
    assert effect.change == pytest.approx((1 - 2) - (2 - 1))
    assert effect.rate_without == pytest.approx(2 * 2 / 1)


def test_the_interval_is_symmetric_on_the_log_scale_and_the_p_value_belongs_to_it():
    effect = weighted_cohort(**WEIGHTED)
    assert (effect.log_low + effect.log_high) / 2 == pytest.approx(effect.log_rate_ratio)
    assert effect.relative_low_pct == pytest.approx(100 * (math.exp(effect.log_low) - 1))
    assert effect.log_high - effect.log_rate_ratio == pytest.approx(1.959963984540054 * effect.standard_error)
    assert effect.p_value == pytest.approx(math.erfc(abs(effect.log_rate_ratio) / effect.standard_error / 2**0.5))
    assert effect.change_low < effect.change < effect.change_high


def test_weights_that_do_not_balance_are_refused():
    with pytest.raises(UnbalancedWeightsError, match=r"columns \[1\]"):
        weighted_cohort(**SIX, balanced=np.array([[1, 5], [1, 5], [1, 0], [1, 1], [1, 2], [1, 3.0]]))


@pytest.mark.parametrize("counts", [[0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]])
def test_without_events_in_an_arm_there_is_no_ratio(counts):
    with pytest.raises(NotEstimableError, match="no events"):
        weighted_cohort(**(WEIGHTED | {"counts": counts}))
    with pytest.raises(NotEstimableError, match="no events"):
        matched_cohort(**(MATCHED | {"counts": counts}))


def test_without_person_time_in_an_arm_there_is_no_rate():
    with pytest.raises(NotEstimableError, match="no person-time"):
        matched_cohort(**(MATCHED | {"person_years": [0, 0, 1, 1, 1, 1], "counts": [0, 0, 1, 1, 1, 1]}))


def test_people_who_do_not_differ_give_no_error():
    same = WEIGHTED | {"counts": [2, 2, 1, 1, 1, 1]}
    with pytest.raises(NotEstimableError, match="do not differ"):
        weighted_cohort(**same)


def test_an_unknown_count_is_refused():
    with pytest.raises(ValueError, match="finite"):
        matched_cohort(**(MATCHED | {"counts": [1, 3, math.nan, 2, 4, 2]}))


@pytest.mark.parametrize("counts", [[1, 2, 3, 0, 0, 0], [0, 0, 0, 1, 2, 3]])
def test_a_group_without_events_is_expected_none_and_leaves_the_others_alone(counts):
    model = poisson_regression(counts, np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]]))
    assert model.expected == pytest.approx(
        [2.0 if sum(counts[:3]) else 0.0] * 3 + [2.0 if sum(counts[3:]) else 0.0] * 3, abs=1e-7
    )


def test_a_group_without_events_does_not_stop_an_effect():
    rng = np.random.default_rng(2)
    rare, treated = np.arange(300) % 50 == 0, np.arange(300) % 3 == 0
    data = {
        "counts": np.where(rare, 0, rng.poisson(1.0, 300)),
        "person_years": np.ones(300),
        "is_treated": treated,
        "weights": np.ones(300),
        "person_ids": np.arange(300),
    }
    with_rare = matched_cohort(**data, covariates=rare[:, None])
    without_them = {name: values[~rare] for name, values in data.items()}
    plain = matched_cohort(**without_them, covariates=np.zeros((294, 0)))
    assert with_rare.log_rate_ratio == pytest.approx(plain.log_rate_ratio, abs=1e-7)
    assert with_rare.standard_error == pytest.approx(plain.standard_error * math.sqrt(300 / 299 * 293 / 294), rel=1e-6)


def test_columns_explained_by_earlier_ones_are_left_out_and_change_nothing():
    dummies = np.column_stack([np.ones(6), [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    model = poisson_regression([1, 2, 3, 4, 5, 6], dummies)
    assert model.kept.tolist() == [0, 1]
    assert model.expected == pytest.approx([2, 2, 2, 5, 5, 5])
    with pytest.raises(NotEstimableError, match="column 2"):
        model.position(2)


def test_two_way_variance_by_hand():
    influence = np.array([0.3, -0.1, -0.2, 0.4])
    first, second = [1, 1, 2, 2], [1, 2, 1, 2]
    by_first, by_second, by_row = 2 * (0.04 + 0.04), 2 * (0.01 + 0.09), 4 / 3 * 0.3
    assert clustered_covariance(influence, first)[0, 0] == pytest.approx(by_first)
    assert by_first + by_second - by_row < 0
    assert clustered_covariance(influence, first, second)[0, 0] == pytest.approx(0)
    assert clustered_variances(influence[:, None], first, second)[0] == pytest.approx(max(by_first, by_second))


def test_several_variances_at_once_are_those_of_each_alone():
    influences = np.array([[0.3, 0.1], [-0.1, 0.2], [-0.2, -0.5], [0.4, 0.0]])
    first, second = [7, 7, 2, 2], ["a", "b", "c", "a"]
    found = clustered_variances(influences, first, second)
    alone = [clustered_variances(one[:, None], first, second)[0] for one in influences.T]
    assert found == pytest.approx(alone)
    by_first = 2 * (0.3**2 + 0.5**2)
    assert clustered_variances(influences, first)[1] == pytest.approx(by_first)


@pytest.mark.parametrize(
    "labels", [[4, 0, 4, 2, 2], [2, 3], [5], [0, 0], [-1, 3, -1], [10**9, 5, 10**9], [True, False]]
)
def test_whole_numbers_are_numbered_in_their_order_as_text_is(labels):
    ordered = sorted(set(labels))
    assert group_numbers(labels).tolist() == [ordered.index(label) for label in labels]
    assert group_numbers([f"{label + 5:020}" for label in labels]).tolist() == group_numbers(labels).tolist()


def test_one_cluster_gives_no_error():
    with pytest.raises(NotEstimableError, match="one cluster"):
        clustered_covariance(np.array([0.1, -0.1]), ["a", "a"])


def test_a_step_in_a_series_by_hand():
    series = interrupted_time_series(
        counts=[9, 11, 11, 9, 4, 6, 6, 4],
        population=np.ones(8),
        times=np.arange(8.0),
        is_after=np.arange(8) >= 4,
        change_of_slope=False,
        harmonics=0,
        errors="quasi_poisson",
    )
    assert series.slope is None
    assert series.n_times == 8
    assert series.level.estimate == pytest.approx(math.log(5 / 10))
    assert series.level.low < series.level.estimate < series.level.high


def test_a_series_needs_two_steps_on_either_side():
    with pytest.raises(NotEstimableError, match="two time steps"):
        interrupted_time_series(
            counts=[3, 4, 5], population=np.ones(3), times=np.arange(3.0), is_after=[False, False, True]
        )


def test_a_single_matched_set_has_no_error():
    one_set = MATCHED | {"set_ids": [1] * 6}
    with pytest.raises(NotEstimableError, match="one cluster"):
        matched_cohort(**one_set)


def test_an_interval_beyond_a_thousandfold_change_is_no_estimate():
    effect = weighted_cohort(**WEIGHTED)
    with pytest.raises(NotEstimableError, match="thousandfold"):
        replace(effect, standard_error=4.0)
    assert replace(effect, standard_error=3.0).relative_high_pct < 99_900
