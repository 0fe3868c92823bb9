"""Effects in plain words, adjusted p-values, and how an effect stands up: all by hand."""

import math

import pytest
from statsmodels.stats.multitest import multipletests

from evaluation.estimation.at_look import limits_at_look
from evaluation.estimation.intervals import log_standard_error
from evaluation.estimation.multiplicity import benjamini_hochberg, holm
from evaluation.estimation.pooling import leave_one_out, pooled_effect
from evaluation.estimation.probability import Prior, probabilities, sceptical_prior
from evaluation.estimation.sensitivity import (
    e_value,
    minimum_detectable_change_pct,
    tipping_shift,
    widened_interval,
)
from evaluation.estimation.words import POINTS, effect_words
from pipelines.results_words import effect_in_words

P_VALUES = [0.01, 0.04, 0.03, 0.5, 0.04]


@pytest.mark.parametrize(
    ("effect", "worth", "words"),
    [
        ((-1, -3, 1), None, "No evidence of a change; falls larger than 3% and rises larger than 1% are ruled out."),
        (
            (2, -1.26, 5.4),
            -5,
            "No evidence of a change; falls larger than 1.3% and rises larger than 5.4% are ruled out. "
            "A fall of at least 5%, the smallest that is worth while, is ruled out.",
        ),
        (
            (-4, -12, 5),
            -5,
            "No evidence of a change; falls larger than 12% and rises larger than 5% are ruled out. "
            "A fall of at least 5%, the smallest that is worth while, can be neither shown nor ruled out.",
        ),
        (
            (-10, -14, -6),
            -5,
            "A fall of about 10% (95% interval 6% to 14%). "
            "A fall of at least 5%, the smallest that is worth while, is shown.",
        ),
        ((9, 2, 16.4), None, "A rise of about 9% (95% interval 2% to 16%)."),
        ((-8, None, None), None, "A fall of about 8%, without an interval: how sure this is can't be said."),
        ((0.01, None, None), None, "About the same, without an interval: how sure this is can't be said."),
        ((None, None, None), -5, "No effect can be stated."),
        # a limit that rules out nothing of interest is not mentioned
        ((-50, -99.6, 900), None, "No evidence of a change; rises larger than 900% are ruled out."),
        ((40, -80, 1200), None, "No evidence of a change; falls larger than 80% are ruled out."),
        ((-99, -100, 7e6), None, "No evidence of a change; hardly any change is ruled out."),
        # limits are rounded outwards: 1.21 and 12.4 lie within the interval and are not ruled out
        (
            (2, -1.21, 12.4),
            None,
            "No evidence of a change; falls larger than 1.3% and rises larger than 13% are ruled out.",
        ),
        (
            (0, -9.91, 9.9),
            None,
            "No evidence of a change; falls larger than 10% and rises larger than 9.9% are ruled out.",
        ),
    ],
)
def test_words_say_what_the_interval_rules_out(effect, worth, words):
    assert effect_words(*effect, smallest_worthwhile_change_pct=worth) == words


@pytest.mark.parametrize(
    ("effect", "level", "words"),
    [
        # p = 0.03: -10 (-18.2 to -1), log -0.1054 with error 0.0486; 2.968 of them reach -22.1% and +3.9%
        (
            (-10, -18.2, -1),
            0.003,
            "A fall of about 10% (95% interval 1% to 18%). This is what is seen, not a finding: at this look only a "
            "p-value up to 0.003 would count as a finding. A fall of at least 5%, the smallest that is worth while, "
            "can be neither shown nor ruled out.",
        ),
        # a fall that counts; -14 to -6 becomes -15.9 to -3.7, so the worthwhile one does not
        (
            (-10, -14, -6),
            0.003,
            "A fall of about 10% (95% interval 6% to 14%). A fall of at least 5%, the smallest that is worth while, is "
            "not shown at this look.",
        ),
        (
            (-10, -12, -8),
            0.003,
            "A fall of about 10% (95% interval 8% to 12%). A fall of at least 5%, the smallest that is worth while, is "
            "shown.",
        ),
        (
            (-10, -14, -6),
            0.0,
            "A fall of about 10% (95% interval 6% to 14%). This is what is seen, not a finding: at this look no "
            "p-value would count as a finding, because nothing of the 5% may be spent. A fall of at least 5%, "
            "the smallest that is worth while, is not shown at this look.",
        ),
        # what is ruled out stays that of the 95% interval
        (
            (2, -1.26, 5.4),
            0.003,
            "No evidence of a change; falls larger than 1.3% and rises larger than 5.4% are ruled out. "
            "A fall of at least 5%, the smallest that is worth while, is ruled out.",
        ),
    ],
)
def test_what_only_a_later_look_may_claim_is_not_claimed(effect, level, words):
    assert effect_words(*effect, smallest_worthwhile_change_pct=-5, nominal_level=level) == words


def test_limits_at_a_look_by_hand():
    # three standard errors in place of 1.96; log 0.9 = -0.1054 is the whole half-width of -10 (-19 to 0)
    low, high = limits_at_look(-10, -19, 0, nominal_level=0.0027)
    assert low == pytest.approx(100 * (math.exp(-0.10536 - 0.10536 * 3 / 1.96) - 1), abs=0.02)
    assert high == pytest.approx(100 * (math.exp(-0.10536 + 0.10536 * 3 / 1.96) - 1), abs=0.02)
    assert limits_at_look(-10, -19, 0, nominal_level=None) == (-19, 0)
    assert limits_at_look(-10, -19, 0, nominal_level=0.05) == (-19, 0)
    assert limits_at_look(-10, -19, 0, nominal_level=0.0) == (-100, math.inf)
    assert limits_at_look(-90, -100, 50, nominal_level=0.003)[0] == -100


def test_results_call_it_no_finding_where_the_look_does_not_count_it():
    row = {"design": "weighted_cohort", "relative_change_pct": -10, "relative_low_pct": -18.2, "relative_high_pct": -1}
    assert effect_in_words(row | {"nominal_level": None}) == "lower by 10% (95% interval -18% to -1.0%)"
    at_look = effect_in_words(row | {"nominal_level": 0.003})
    assert at_look == "no finding at this look: -10% (95% interval -18% to -1.0%)"
    assert effect_in_words(row | {"nominal_level": 0.04}) == "lower by 10% (95% interval -18% to -1.0%)"
    few_sites = effect_in_words(row | {"nominal_level": 0.04}, degrees_of_freedom=2)
    assert few_sites.startswith("no finding at this look: -10%")


def test_shares_change_in_points():
    assert (
        effect_words(-3.2, -5, -1.4, unit=POINTS) == "A fall of about 3.2 points (95% interval 1.4 points to 5 points)."
    )
    words = effect_words(1, -2, 4, unit=POINTS)
    assert words == "No evidence of a change; falls larger than 2 points and rises larger than 4 points are ruled out."


def test_an_error_is_read_off_the_interval():
    low, high = (100 * math.expm1(0.3 + sign * 1.9599639845 * 0.1) for sign in (-1, 1))
    assert log_standard_error(low, high) == pytest.approx(0.1)
    assert (log_standard_error(None, 2.0), log_standard_error(-100.0, 2.0)) == (None, None)


def test_holm_and_benjamini_hochberg_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])


@pytest.mark.parametrize(("adjust", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(adjust, method):
    assert adjust(P_VALUES) == pytest.approx(multipletests(P_VALUES, method=method)[1].tolist())


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_an_unknown_p_value_stays_unknown_and_does_not_count(adjust):
    assert adjust([None, 0.04, None]) == [None, 0.04, None]
    assert adjust([]) == []
    with pytest.raises(ValueError, match="0 to 1"):
        adjust([1.2])


def test_the_e_value_of_vanderweele_and_dings_example():
    value = e_value(math.log(3.9), log_low=math.log(1.8), log_high=math.log(8.7))
    assert (value.of_estimate, value.of_limit) == pytest.approx((7.26, 3.0), abs=0.005)
    inverse = e_value(-math.log(3.9), log_low=-math.log(8.7), log_high=-math.log(1.8))
    assert (inverse.of_estimate, inverse.of_limit) == pytest.approx((value.of_estimate, value.of_limit))


def test_an_interval_that_covers_no_effect_needs_no_confounder():
    assert e_value(0.02, log_low=-0.05, log_high=0.09).of_limit == 1.0


def test_what_would_mask_the_hoped_for_fall_is_asked_against_it():
    masking = e_value(0.02, log_low=-0.03, log_high=0.07, against_pct=-5)
    ratio = math.exp(0.02) / 0.95
    assert masking.of_estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)))
    assert 1 < masking.of_limit < masking.of_estimate


def test_the_e_value_is_the_strength_at_which_the_bound_reaches_no_effect():
    strength = e_value(math.log(1.3), log_low=0.1, log_high=0.4).of_estimate
    assert strength * strength / (2 * strength - 1) == pytest.approx(1.3)  # the bound of Ding and VanderWeele (2016)


def test_the_largest_shift_widens_the_interval():
    assert widened_interval(-0.10, 0.02, shifts=[0.01, -0.03]) == pytest.approx((-0.13, 0.05))
    assert widened_interval(-0.10, 0.02, shifts=[]) == (-0.10, 0.02)
    assert tipping_shift(-0.10, 0.02) == pytest.approx(0.02)


def test_the_minimum_detectable_change_grows_with_power():
    assert minimum_detectable_change_pct(0.05) == pytest.approx(100 * (1 - math.exp(-2.801585 * 0.05)), abs=1e-5)
    assert minimum_detectable_change_pct(0.05, power=0.9) > minimum_detectable_change_pct(0.05)


def test_probabilities_by_hand():
    found = probabilities(-0.1, 0.1, prior=Prior(mean=0, standard_deviation=0.1), smallest_worthwhile_change_pct=-5)
    assert found.fell == pytest.approx(0.7602, abs=5e-5)
    assert found.fell + found.rose == pytest.approx(1)
    z = (math.log(0.95) + 0.05) / math.sqrt(0.005)
    assert found.worthwhile == pytest.approx(0.5 * math.erfc(-z / math.sqrt(2)))
    assert probabilities(-0.1, 0.1, prior=found.prior).worthwhile is None


def test_a_worthwhile_rise_is_asked_upwards():
    found = probabilities(0.2, 0.01, prior=sceptical_prior(20), smallest_worthwhile_change_pct=5)
    assert found.worthwhile > 0.99


def test_the_prior_is_stated():
    assert sceptical_prior(20).words == "Before the data: a change between -17% and +20% held to be 95% likely."
    assert sceptical_prior(5).words == "Before the data: a change between -4.8% and +5.0% held to be 95% likely."
    with pytest.raises(ValueError, match="largest likely change above 0%"):
        sceptical_prior(0)
    assert sceptical_prior(20).standard_deviation == pytest.approx(math.log(1.2) / 1.959964, abs=1e-6)


def test_two_sites_by_hand():
    pooled = pooled_effect([0.0, 0.2], [0.1, 0.1], sites=["a", "b"])
    assert pooled.estimate == pytest.approx(0.1)
    assert (pooled.heterogeneity.q, pooled.heterogeneity.tau2) == pytest.approx((2, 0.01))
    assert (pooled.prediction_low, pooled.prediction_high) == (None, None)


def test_alike_sites_are_pooled_no_narrower_than_by_a_common_effect():
    pooled = pooled_effect([0.1, 0.1001, 0.0999, 0.1], [0.1, 0.2, 0.1, 0.3], sites=list("abcd"))
    assert pooled.heterogeneity.tau2 == 0
    assert pooled.standard_error >= pooled.fixed_standard_error
    assert pooled.high - pooled.low > pooled.fixed_high - pooled.fixed_low
    assert [site.shrunken for site in pooled.sites] == pytest.approx([pooled.estimate] * 4)


@pytest.mark.parametrize("errors", [[0.1], [0.1, 0.0], [0.1, math.nan]])
def test_sites_without_an_error_are_refused(errors):
    with pytest.raises(ValueError, match="expected"):
        pooled_effect([0.0, 0.2], errors, sites=["a", "b"])


def test_leaving_one_of_three_out_leaves_two():
    left = leave_one_out([0.0, 0.2, 0.4], [0.1, 0.1, 0.1], sites=["a", "b", "c"])
    assert [(one.site, round(one.estimate, 12)) for one in left] == [("a", 0.3), ("b", 0.2), ("c", 0.1)]
