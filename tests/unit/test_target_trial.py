"""The target trial says what a trial would ask for and what the data do instead, of this study and no other."""

from dataclasses import replace
from datetime import date

import polars as pl

from evaluation.planning import TARGET_TRIAL, PlannedOutcome, Trial, target_trial
from evaluation.planning.target_trial import wait_words

FALL = PlannedOutcome(
    metric_id="emergency_admissions",
    label="Emergency admissions",
    priority="primary",
    is_count=True,
    smallest_worthwhile_change_pct=-5.0,
)
TRIAL = Trial(
    study="small",
    follow_up_months=12,
    horizons=(6, 12),
    data_until=date(2011, 6, 30),
    outcomes=(FALL, replace(FALL, label="Deaths", priority="secondary", smallest_worthwhile_change_pct=None)),
    covariates=("age_at_index", "sex"),
    exact=("sex", "index_month"),
    ratio=5,
    caliper=0.2,
    sites_as="fixed",
    analysis_dates=(date(2011, 7, 1),),
    pools=("outside",),
    exact_kept=("sex", "index_month"),
    has_weights=True,
    waits={"referral": pl.Series(range(1, 21)), "eligibility": pl.Series([None, 3, 4])},
)


def said(trial: Trial, element: str) -> tuple[str, str]:
    return target_trial(trial).filter(element=element).select("specification", "emulation").row(0)


def test_each_element_stands_once_and_in_order():
    table = target_trial(TRIAL)
    assert table.schema == pl.Schema(TARGET_TRIAL)
    assert table["element_number"].to_list() == list(range(1, 10))
    assert table["element"].to_list() == [
        "eligibility", "time_zero", "strategies", "assignment", "follow_up", "outcomes", "estimand", "assumptions",
        "analysis",
    ]  # fmt: skip
    assert table.null_count().sum_horizontal().item() == 0
    assert not table["emulation"].str.contains("significan").any()


def test_what_the_protocol_settles_is_what_it_says():
    assert said(TRIAL, "follow_up")[0] == "From day 0 for 12 months (beside it 6)."
    assert "(2011-06-30)" in said(TRIAL, "follow_up")[1]
    assert said(TRIAL, "outcomes")[0] == (
        "Emergency admissions (primary, smallest worthwhile change -5%); Deaths (secondary)."
    )
    assert "recorded before day 0: age_at_index, sex; pairs" in said(TRIAL, "assignment")[1]
    assert said(TRIAL, "analysis")[0] == "As randomised, of these pilots; analysis dates: 2011-07-01."
    assert (
        "pairs (up to 5 to one, caliper 0.2 standard deviations of the log odds pooled over both groups, the nearest "
        "in log odds of enrolment, nobody in two)"
    ) in said(TRIAL, "analysis")[1]
    other = replace(TRIAL, method="mahalanobis", with_replacement=True, caliper_definition="everyone")
    assert (
        "caliper 0.2 standard deviations of everybody's log odds, the nearest by Mahalanobis distance in the first "
        "covariates, somebody may be in several)"
    ) in said(other, "analysis")[1]
    assert "the least sum of differences" in said(replace(TRIAL, method="optimal"), "analysis")[1]
    assert "mean over sites" in said(replace(TRIAL, sites_as="random", analysis_dates=()), "analysis")[0]
    assert "not stated" in said(replace(TRIAL, analysis_dates=()), "analysis")[0]


def test_whom_the_design_compares_is_what_it_says():
    assert "Comparison people: people outside the pilot's areas and practices;" in said(TRIAL, "eligibility")[1]
    assert "Comparison people: nobody, so far;" in said(replace(TRIAL, pools=()), "eligibility")[1]
    assert "default: weights." in said(TRIAL, "analysis")[1]
    assert "default: pairs, since no weights were found." in said(replace(TRIAL, has_weights=False), "analysis")[1]


def test_time_zero_is_the_enrolment_and_the_wait_before_it_is_told_where_enough_people_have_a_date():
    words = said(TRIAL, "time_zero")[1]
    assert "the first enrolment, not the referral" in words
    assert "From referral to enrolment half waited 10 days or less, nine in ten 18 or less." in words
    assert "From eligibility" not in words  # known of two people only


def test_waits_by_hand():
    assert wait_words("referral", pl.Series([5] * 9)) == ""
    assert wait_words("referral", pl.Series([*range(1, 11), None])).endswith(
        "half waited 5 days or less, nine in ten 9 or less."
    )


def test_pairs_of_different_months_are_owned_up_to():
    assert "The dates of a pair lie in one month." in said(TRIAL, "time_zero")[1]
    assert "may lie months apart" in said(replace(TRIAL, exact_kept=("sex",)), "time_zero")[1]
    assert "of a pair" not in said(replace(TRIAL, exact_kept=()), "time_zero")[1]


def test_what_comes_from_the_population_file_is_said_not_to_be_as_of_day_0():
    words = said(replace(TRIAL, covariates=("sex", "is_care_home_resident", "imd_quintile")), "assignment")[1]
    assert "Care home and deprivation are as in the latest population file that is not later than day 0" in words
    alone = said(replace(TRIAL, covariates=("sex", "imd_quintile")), "assignment")[1]
    assert "Deprivation is as in the latest population file" in alone
    assert "population file" not in said(replace(TRIAL, covariates=("sex",), exact=("sex",)), "assignment")[1]
