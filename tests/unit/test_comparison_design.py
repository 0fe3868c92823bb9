"""The design stage: pool, order of covariates, exact strata, weights and pairs; no outcome anywhere."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation.matching import Settings, affordable_terms, pool, regression_terms
from evaluation.matching.covariates import COVARIATES as COVARIATE_NAMES
from evaluation.matching.covariates import covariates_of_pairs, terms_of
from evaluation.matching.planned_care import months_alike
from evaluation.matching.pool import sampled_pool
from evaluation.matching.words import planned_care_caution
from tests.compared_cohort import COVARIATES, SETTINGS, SIX_MONTHS, cohort, designed, row_of


def test_weighted_people_have_the_cases_means_of_covariates_squares_and_interactions():
    found = designed(cohort())
    after = found.balance.filter(pl.col("stage") == "after_weighting", pl.col("population") == "all_sites")
    names = set(after["covariate"])
    assert {"log1p(emergency_admissions_12_months)^2", "log1p(emergency_admissions_12_months) x age_at_index"} <= names
    assert after["standardised_mean_difference"].abs().max() < 1e-6
    before = found.balance.filter(pl.col("stage") == "before", pl.col("population") == "all_sites")
    assert before["standardised_mean_difference"].abs().max() > 0.4
    assert before["comparison_people"].to_list() == [2000] * before.height


def test_what_is_shown_where_known_changes_neither_weights_nor_pairs_and_stands_in_the_balance():
    people = cohort()
    days = pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.int_range(pl.len()) % 700)
    people = people.with_columns(days_since_emergency_discharge=days, never_known=pl.lit(None, dtype=pl.Int64))
    names = ("days_since_emergency_discharge", "never_known")
    plain, shown = designed(people), designed(people, replace(SETTINGS, shown_where_known=names))
    assert shown.weights.equals(plain.weights)
    assert shown.pairs.equals(plain.pairs)
    more = shown.balance.join(plain.balance, on=["population", "covariate", "stage"], how="anti")
    assert set(more["covariate"]) == {"days_since_emergency_discharge"}
    assert set(more["population"]) == {"all_sites", "site:north", "site:south"}
    assert set(more["stage"]) == {"before", "after_matching", "after_weighting"}
    known = people.drop_nulls("days_since_emergency_discharge")
    before = more.row(by_predicate=(pl.col("population") == "all_sites") & (pl.col("stage") == "before"), named=True)
    for arm, is_treated in (("pilot", True), ("comparison", False)):
        theirs = known.filter(is_treated=is_treated)["days_since_emergency_discharge"]
        assert (before[f"{arm}_people"], before[f"{arm}_mean"]) == (theirs.len(), pytest.approx(theirs.mean()))


def test_each_population_has_weights_that_sum_to_its_own_cases():
    sums = designed(cohort()).weights.group_by("population").agg(pl.col("weight").sum()).sort("population")
    assert sums["population"].to_list() == ["all_sites", "site:north", "site:south"]
    assert sums["weight"].to_list() == pytest.approx([120, 60, 60])


def test_pairs_are_equal_in_the_exact_columns_and_within_the_caliper():
    people = cohort()
    found = designed(people)
    columns = people.select("person_id", "sex", "is_in_hospital")
    pairs = found.pairs.join(columns, left_on="case_id", right_on="person_id").join(
        columns, left_on="control_id", right_on="person_id", suffix="_control"
    )
    assert (pairs["sex"] == pairs["sex_control"]).all()
    assert (pairs["is_in_hospital"] == pairs["is_in_hospital_control"]).all()
    assert pairs["distance"].max() <= row_of(found)["caliper"]
    assert pairs["match_number"].max() == 2
    assert row_of(found)["exact"] == "sex, is_in_hospital"
    assert pairs["control_id"].n_unique() == pairs.height


def test_planned_care_of_long_before_is_weighted_and_adjusted_for_but_not_matched_and_the_caution_says_so():
    people = cohort()
    more = pl.col("outpatient_attendances_12_months") + 4 * pl.col("is_treated").cast(pl.Int64)
    row = row_of(designed(people.with_columns(outpatient_attendances_12_months=more)))
    assert "outpatient_attendances_12_months" in row["weighted_covariates"]
    assert row["matched_covariates"] == "emergency_admissions_12_months, age_at_index, sex"
    assert row["adjusted_covariates"] == ", ".join(COVARIATES)
    assert (
        "Pairs are not made alike in planned care: matched_did takes away what differed 24 to 7 months before, of "
        "months 6 to 1 it does not; matched_cohort adjusts for outpatient_attendances_12_months."
    ) in row["matching_caution"]
    assert "Still different after matching" not in row["matching_caution"]
    without = row_of(
        designed(people.drop("outpatient_attendances_12_months"), replace(SETTINGS, covariates=COVARIATES[:3]))
    )
    assert "matched_did" not in without["matching_caution"]


def test_where_the_regression_has_no_room_for_planned_care_of_long_before_the_caution_says_so():
    found = designed(cohort(cases=60))
    adjusts = "matched_cohort adjusts for outpatient_attendances_12_months."
    assert adjusts in row_of(found)["matching_caution"]
    of_site = row_of(found, "site:north")  # 30 cases: six columns, of which the fourth covariate would be the seventh
    assert of_site["adjusted_covariates"] == ", ".join(COVARIATES)
    assert "matched_cohort does not adjust for it." in of_site["matching_caution"]


@pytest.mark.parametrize(
    ("known", "matched", "expected"),
    [
        (COVARIATE_NAMES, covariates_of_pairs(COVARIATE_NAMES), 3),
        ((*COVARIATE_NAMES, *SIX_MONTHS), (*COVARIATE_NAMES, *SIX_MONTHS), 6),
        (("elective_admissions_12_months", "elective_admissions_1_month"), ("elective_admissions_1_month",), 1),
        (COVARIATE_NAMES, ("outpatient_attendances_3_months",), 0),
    ],
)
def test_pairs_are_alike_in_planned_care_as_far_back_as_in_every_kind_of_it(known, matched, expected):
    assert months_alike(known, matched) == expected


def test_the_words_on_planned_care_name_the_months_that_neither_pairs_nor_their_change_take_care_of():
    said = planned_care_caution(alike_in=["a_3_months", "b_3_months"], adjusted=["a_12_months"], months_alike=3)
    assert said == (
        "Of planned care, pairs are alike in a_3_months, b_3_months alone: matched_did takes away what differed 24 to "
        "7 months before, of months 6 to 4 it does not; matched_cohort adjusts for a_12_months."
    )
    all_six = planned_care_caution(alike_in=["a_6_months"], adjusted=[], months_alike=6)
    assert "7 months before; matched_cohort does not adjust for it." in all_six
    assert "of month 6 it does not" in planned_care_caution(alike_in=["a"], adjusted=[], months_alike=5)


def test_the_regression_in_pairs_keeps_the_first_covariates_in_their_order_whatever_their_form():
    numbers = [f"{use}_12_months" for use in ("ae_attendances", "outpatient_attendances", "elective_admissions")]
    order = ("emergency_admissions_12_months", "age_at_index", "emergency_discharge_class", "sex", *numbers)
    classes = pl.Series(["0-7", "8-30", "31-90", "more", "none"] * 424)
    more = {name: pl.int_range(pl.len()) % 7 for name in numbers}
    people = cohort().with_columns(emergency_discharge_class=classes, **more)
    assert set(regression_terms(people, order, cases=45).covariates) == set(order[:4])  # 9 columns: 2 + 2 + 4 + 1
    assert set(regression_terms(people, order, cases=55).covariates) == set(order[:5])
    late = ["ae_attendances_3_months", "ae_attendances_24_months", "charlson_score", "long_term_conditions"]
    people = people.with_columns(**{name: pl.int_range(pl.len()) % 5 for name in late})
    twenty = regression_terms(people, (*order, *late), cases=5000)
    assert set(twenty.covariates) == {*order, *late[:2]}  # 9 + 3 x 2 + 2 x 2 columns; one more would be the 21st


def test_row_order_changes_nothing():
    people = cohort()
    once, again = designed(people), designed(people.sample(fraction=1, shuffle=True, seed=8))
    assert once.pairs.equals(again.pairs)
    assert once.designs.equals(again.designs)
    assert once.weights["person_id"].equals(again.weights["person_id"])
    np.testing.assert_allclose(once.weights["weight"], again.weights["weight"], rtol=1e-9)


def test_exact_matching_that_leaves_over_a_tenth_without_an_equal_is_given_up_in_a_fixed_order():
    month = pl.when(pl.col("is_treated") == (pl.col("sex") == "1")).then(1).otherwise(2)
    people = cohort().with_columns(index_month=month)
    found = designed(people, Settings(exact=("sex", "index_month"), covariates=COVARIATES))
    assert row_of(found)["exact"] == "sex"
    assert "not matched exactly on index_month" in row_of(found)["matching_caution"]


def test_with_fewer_than_twenty_cases_nobody_is_weighted_or_matched_and_it_says_why():
    found = designed(cohort(cases=19))
    assert (found.weights.height, found.pairs.height) == (0, 0)
    assert found.designs["has_weights"].to_list() == [False] * 3
    assert all("Too few pilot people" in caution for caution in found.designs["weighting_caution"])


def test_with_nobody_to_compare_with_tables_are_empty_and_it_says_so():
    found = designed(cohort(others=0))
    assert (found.weights.height, found.pairs.height, found.balance.height) == (0, 0, 0)
    assert row_of(found)["weighting_caution"] == "There is nobody to compare with."


def test_few_cases_keep_the_first_covariates_and_the_rest_is_named():
    found = designed(cohort(cases=20))
    assert row_of(found)["weighted_covariates"] == "emergency_admissions_12_months, age_at_index"
    assert "Too few people to make alike: sex, outpatient_attendances_12_months." in row_of(found)["weighting_caution"]


def test_where_no_weights_reach_the_cases_later_covariates_are_left_out():
    people = cohort().with_columns(
        pl.when("is_treated").then(50).otherwise("outpatient_attendances_12_months")
        .alias("outpatient_attendances_12_months")
    )  # fmt: skip
    found = designed(people)
    assert row_of(found)["weighted_covariates"] == "emergency_admissions_12_months, age_at_index, sex"
    assert "outpatient_attendances_12_months" in row_of(found)["weighting_caution"]


def test_a_covariate_known_of_nobody_is_left_out_for_everybody_with_a_caution():
    people = cohort().with_columns(outpatient_attendances_12_months=pl.lit(None, dtype=pl.Int64))
    caution = row_of(designed(people))["weighting_caution"]
    assert "Not known of anybody, so not made alike: outpatient_attendances_12_months." in caution


def test_a_covariate_unknown_of_some_is_balanced_with_an_indicator():
    people = cohort().with_columns(pl.when(pl.int_range(pl.len()) % 7 > 0).then("age_at_index").alias("age_at_index"))
    after = designed(people).balance.filter(pl.col("stage") == "after_weighting", pl.col("population") == "all_sites")
    row = after.filter(pl.col("covariate") == "age_at_index=unknown").row(0, named=True)
    assert row["comparison_mean"] == pytest.approx(row["pilot_mean"], abs=1e-6)
    assert row["pilot_mean"] > 0.1


def test_overlap_of_the_propensity_score_is_shown_of_every_population_and_stage_and_said_in_no_caution():
    found = designed(cohort())
    overlap = found.balance.filter(covariate="propensity_logit")
    assert set(overlap["population"]) == {"all_sites", "site:north", "site:south"}
    assert overlap.filter(population="all_sites")["stage"].to_list() == ["before", "after_matching", "after_weighting"]
    assert overlap["share_in_common_support"].is_between(0.9, 1).all()
    before = overlap.filter(population="all_sites", stage="before")
    assert before["standardised_mean_difference"].item() > 0.5
    assert not found.designs["weighting_caution"].str.contains("propensity").any()
    far = cohort().with_columns(
        pl.when(pl.col("is_treated") & (pl.col("site_id") == "north"))
        .then(pl.col("age_at_index") + 200)
        .otherwise("age_at_index")
    )
    apart = designed(far).balance.filter(covariate="age_at_index", stage="before")
    shares = dict(apart.select("population", "share_in_common_support").iter_rows())
    assert shares["site:north"] == 0
    assert shares["site:south"] > 0.8
    assert shares["all_sites"] == pytest.approx(shares["site:south"] / 2)


def test_people_from_the_pilots_own_areas_come_with_a_caution():
    people = cohort().with_columns(pl.col("pool").str.replace("outside", "local"))
    row = row_of(designed(people))
    assert row["pool"] == "local"
    assert "could have joined and did not" in row["weighting_caution"]
    assert "could have joined and did not" in row["matching_caution"]


def test_people_of_whom_no_practice_is_known_come_with_a_caution():
    row = row_of(designed(cohort().with_columns(pl.col("pool").str.replace("outside", "practice_unknown"))))
    assert row["pool"] == "practice_unknown"
    for stage in ("weighting", "matching"):
        assert "whether they use one of its practices is not known" in row[f"{stage}_caution"]


def test_columns_are_counted_in_the_order_of_the_covariates():
    people = cohort()
    assert affordable_terms(people, COVARIATES, most_columns=4) == terms_of(COVARIATES[:2], interactions=False)
    assert affordable_terms(people, COVARIATES, most_columns=3) == terms_of(COVARIATES[:1])
    assert affordable_terms(people, COVARIATES, most_columns=99) == terms_of(COVARIATES)
    assert affordable_terms(people, COVARIATES, most_columns=7).interactions == ()


def test_of_very_many_a_sample_is_drawn_whose_people_do_not_depend_on_row_order(monkeypatch):
    monkeypatch.setattr(pool, "FEWEST_SAMPLED", 10)
    monkeypatch.setattr(pool, "MOST_PER_CASE", 3)
    people = pool.with_draws(cohort(cases=4, others=50), seed=1)
    cases, others = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    drawn = sampled_pool(others, cases)
    assert drawn.height == 12
    assert set(drawn["person_id"]) == set(sampled_pool(others.reverse(), cases)["person_id"])


def test_only_people_of_the_cases_sexes_age_bands_and_months_are_in_the_sample():
    people = pool.with_draws(cohort(cases=4, others=50), seed=1)
    cases = people.filter("is_treated").with_columns(sex=pl.lit("2"))
    others = people.filter(~pl.col("is_treated"))
    assert sampled_pool(others, cases)["sex"].unique().to_list() == ["2"]
    assert sampled_pool(others.with_columns(index_month=pl.lit(2)), cases).is_empty()
