"""The linearised variance and the change of a share against arithmetic done by hand."""

import numpy as np
import pytest

from evaluation.surveys import Sample, change_in_mean, linearised_variance


def sample(clusters: list[int], *, strata: list[int] | None = None, weights: list[float] | None = None) -> Sample:
    size = len(clusters)
    return Sample(
        weights=np.array(weights or [1.0] * size),
        strata=np.array(strata or [0] * size),
        clusters=np.array(clusters),
    )


def waves(*, before: int, size: int) -> dict:
    first = np.arange(size) < before
    return {"baseline": first, "follow_up": ~first}


def test_change_of_a_share_between_different_people():
    # shares 1/2 and 3/4; influences 0.25, -0.25 before; 0.0625 three times and -0.1875 after;
    # variance 6/5 x 0.171875 = 0.20625; t with 5 degrees of freedom: 2.570582
    change = change_in_mean(
        np.array([1.0, 0, 1, 1, 0, 1]), **waves(before=2, size=6), sample=sample([0, 1, 2, 3, 4, 5])
    )
    assert (change.baseline, change.follow_up, change.change, change.clusters) == (0.5, 0.75, 0.25, 6)
    assert change.standard_error == pytest.approx(0.20625**0.5)
    assert change.high == pytest.approx(0.25 + 2.570582 * 0.20625**0.5, abs=1e-6)
    assert change.low == pytest.approx(0.25 - 2.570582 * 0.20625**0.5, abs=1e-6)
    assert change.p_value == pytest.approx(0.605680, abs=1e-5)


def test_the_same_people_asked_twice_are_compared_with_themselves():
    # shares 1/2 and 3/4 of four people; influence of a person, after less before: 0.0625 - 0.125 twice,
    # 0.0625 + 0.125, -0.1875 + 0.125: that is -0.0625 three times and 0.1875; variance 4/3 x 0.046875 = 0.0625
    answers = np.array([1.0, 1, 0, 0, 1, 1, 1, 0])
    change = change_in_mean(answers, **waves(before=4, size=8), sample=sample([0, 1, 2, 3, 0, 1, 2, 3]))
    assert change.clusters == 4
    assert change.standard_error == pytest.approx(0.25)


def test_strata_take_out_differences_between_sites():
    # two sites, two people each before and after; site 0: 1 1 then 1 0; site 1: 0 0 then 0 1: shares 1/2, 1/2
    # influences before 1/8 1/8 -1/8 -1/8, after 1/8 -1/8 -1/8 1/8; change: -1/8 -1/8 +1/8 -1/8 | mirrored
    # site 0 totals -1/8 -1/8 1/8 -1/8, mean -1/16: 4/3 x (3 x (1/16)^2 + (3/16)^2) = 1/16; both sites 1/8
    answers = np.array([1.0, 1, 0, 0, 1, 0, 0, 1])
    strata = [0, 0, 1, 1, 0, 0, 1, 1]
    stratified = change_in_mean(answers, **waves(before=4, size=8), sample=sample(list(range(8)), strata=strata))
    plain = change_in_mean(answers, **waves(before=4, size=8), sample=sample(list(range(8))))
    assert stratified.standard_error == pytest.approx(0.125**0.5)
    assert plain.standard_error == pytest.approx((8 / 7 * 8 / 64) ** 0.5)


def test_weights_move_the_share():
    weights = [3.0, 1.0, 1.0, 1.0]
    change = change_in_mean(
        np.array([1.0, 0, 1, 0]), **waves(before=2, size=4), sample=sample([0, 1, 2, 3], weights=weights)
    )
    assert (change.baseline, change.follow_up) == (0.75, 0.5)


def test_rows_outside_the_domain_leave_the_levels_alone_but_stay_in_the_design():
    answers = np.array([1.0, 0, 1, 1, 0, 1, 0, 1])
    members = np.array([True] * 6 + [False] * 2)
    first = np.array([True, True, False, False, False, False, False, False])
    change = change_in_mean(
        answers, baseline=first, follow_up=~first & members, sample=sample([0, 1, 2, 3, 4, 5, 6, 7])
    )
    assert (change.baseline, change.follow_up, change.clusters) == (0.5, 0.75, 6)
    assert change.standard_error == pytest.approx((8 / 7 * 0.171875) ** 0.5)


def test_a_stratum_of_one_cluster_is_measured_from_the_mean_of_the_sample():
    variance = linearised_variance(np.array([0.1, 0.1, -0.2]), strata=np.array([0, 0, 1]), clusters=np.array([0, 1, 2]))
    assert variance == pytest.approx(0.04)


def test_three_clusters_in_one_stratum_by_hand():
    variance = linearised_variance(np.array([0.1, 0.1, -0.2]), strata=np.zeros(3, int), clusters=np.array([0, 1, 2]))
    assert variance == pytest.approx(0.09)


@pytest.mark.parametrize("answers", [[1.0, 1, 1, 0], [1.0, 0, 0, 0], [1.0, 1, 1, 1]])
def test_a_wave_in_which_all_answer_alike_has_no_interval(answers):
    change = change_in_mean(np.array(answers), **waves(before=2, size=4), sample=sample([0, 1, 2, 3]))
    assert change.change is not None
    assert (change.standard_error, change.low, change.p_value) == (None, None, None)


def test_one_wave_alone_has_a_level_and_no_change():
    change = change_in_mean(np.array([1.0, 0, 1, 1]), **waves(before=0, size=4), sample=sample([0, 1, 2, 3]))
    assert (change.baseline, change.follow_up, change.change) == (None, 0.75, None)
