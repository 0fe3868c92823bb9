"""The verdict on an outcome by hand: conclusions, what survives, what could have been detected."""

import polars as pl
import pytest

from evaluation.estimation import robustness
from evaluation.estimation.conclusions import Conclusion, concluded
from evaluation.estimation.estimates import METRIC_ESTIMATES
from evaluation.estimation.robustness_words import detectable_at_look, detectable_words
from evaluation.estimation.sensitivity_estimates import SENSITIVITY_ESTIMATES

PUBLISHED = pl.DataFrame(
    [
        ("admissions", "all_sites", "gbp_change", True, -37.0),
        ("admissions", "case_management", "pct_change", True, 9.0),
        ("admissions", "all_sites", "pct_change", False, 50.0),
        ("admissions", "all_sites", "pct_change", True, 2.0),
    ],
    schema=["metric_id", "population", "unit", "comparable", "change"],
    orient="row",
)


def estimate(analysis: str, variant: str, change: float | None, low: float | None, high: float | None, **more) -> dict:
    return {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "population": "all_sites",
        "design": "weighted_cohort",
        "analysis": analysis,
        "variant": variant,
        "relative_change_pct": change,
        "relative_low_pct": low,
        "relative_high_pct": high,
        "explanation": f"{analysis} {variant}.",
        "caution": "Careful.",
        "protocol_hash": "hash",
        "run_id": "run",
        **more,
    }


PLANNED = estimate("as_planned", "", 3.0, -4.0, 10.0)
WIDENED = estimate("widened_interval", "planned_use", 3.0, -6.0, 12.0, shift_pct=2.1)
MASKING = estimate("needed_bias", "smallest_worthwhile_change", 3.0, -4.0, 10.0, against_pct=-5.0, value=8.4)


def designs(
    did: tuple[float, float, float] | None = (4.0, -2.0, 11.0), *, detectable: float | None = 9.6, **more: float
):
    common = {"metric_id": "admissions", "population": "all_sites"}
    names = ("relative_change_pct", "relative_low_pct", "relative_high_pct")
    planned = {name: PLANNED[name] for name in names} | more
    rows = [common | planned | {"design": "weighted_cohort", "minimum_detectable_change_pct": detectable}]
    if did:
        rows.append(common | {"design": "matched_did"} | dict(zip(names, did, strict=True)))
    return pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")


def verdict_on(*rows: dict, estimates: pl.DataFrame | None = None, worthwhile: float | None = -5.0) -> dict:
    found = robustness(
        pl.DataFrame(rows, schema=SENSITIVITY_ESTIMATES, orient="row"),
        designs() if estimates is None else estimates,
        worthwhile_pct={} if worthwhile is None else {"admissions": worthwhile},
        published=PUBLISHED,
    )
    return found.row(0, named=True)


def test_the_verdict_says_what_was_seen_what_could_have_been_and_what_it_survives():
    site = estimate("site_left_out", "ashbrook", 1.0, -4.9, 9.0), estimate("site_left_out", "birchmere", 5.0, -4, 14)
    deaths = estimate("doubtful_deaths_left_out", "both_arms", 2.8, -4.2, 10.1, explanation="Deaths make no odds.")
    row = verdict_on(PLANNED, *site, deaths, WIDENED, MASKING)
    assert row["verdict"] == (
        "No evidence of a change; falls larger than 4% and rises larger than 10% are ruled out. A fall of at least 5%, "
        "the smallest that is worth while, is ruled out. Four of five such studies would find a fall of 9.6% or a rise "
        "of 11%. A change of +2% or -5% could not have been detected. Had something as telling as planned use gone "
        "unrecorded, the interval would be -6% to +12%. The conclusion does not survive that. needed_bias "
        "smallest_worthwhile_change. The two designs agree: each estimate lies in the other's interval. If one of the "
        "two is right, the change lies between -4% and +11%, their lowest and highest 95% limit. Leaving out "
        "one site at a time, the change is +1% to +5%. Deaths make no odds. The conclusion does not depend on single "
        "sites, people whose date of death is doubtful. None of this can show that nothing is hidden."
    )
    assert (row["conclusion"], row["designs_agree"], row["survives_hidden_group"]) == ("no_evidence", True, False)
    assert (row["survives_sites_left_out"], row["survives_doubtful_deaths_left_out"]) == (True, True)
    assert row["survives_other_spell_rule"] is None
    assert (row["widened_low_pct"], row["widened_high_pct"], row["strongest_group"]) == (-6, 12, "planned_use")
    assert (row["largest_shift_pct"], row["masking_bias_pct"]) == (2.1, 8.4)
    assert row["caution"] == "Careful."


def test_a_conclusion_about_no_change_alone_survives_a_widening_that_still_covers_it():
    row = verdict_on(PLANNED, WIDENED, worthwhile=None)
    assert row["survives_hidden_group"] is True
    assert "The conclusion survives that." in row["verdict"]
    assert "worth while" not in row["verdict"]


def test_one_site_that_changes_the_conclusion_is_enough():
    sites = estimate("site_left_out", "a", 3.0, -4.0, 10.0), estimate("site_left_out", "b", 9.0, 1.0, 17.0)
    row = verdict_on(PLANNED, *sites)
    assert row["survives_sites_left_out"] is False
    assert "The conclusion depends on single sites." in row["verdict"]


def test_with_a_site_left_out_that_leaves_no_interval_survival_is_not_known_unless_another_says_otherwise():
    same, none = estimate("site_left_out", "a", 3.0, -4.0, 10.0), estimate("site_left_out", "b", None, None, None)
    assert verdict_on(PLANNED, same, none)["survives_sites_left_out"] is None
    assert verdict_on(PLANNED, same)["survives_sites_left_out"] is True
    other = estimate("site_left_out", "c", 9.0, 1.0, 17.0)
    assert verdict_on(PLANNED, same, none, other)["survives_sites_left_out"] is False


def test_every_published_change_of_the_metric_and_population_is_an_example_once():
    more = pl.concat([PUBLISHED, PUBLISHED.tail(1), PUBLISHED.tail(1).with_columns(change=pl.lit(-20.0))])
    found = robustness(
        pl.DataFrame([PLANNED], schema=SENSITIVITY_ESTIMATES, orient="row"),
        designs(),
        worthwhile_pct={"admissions": 2.0},
        published=more,
    )
    words = found["verdict"].item()
    assert "A change of +2% could not have been detected. A change of -20% could have been detected." in words


def test_designs_that_disagree_are_said_to():
    row = verdict_on(PLANNED, WIDENED, estimates=designs((20.0, 12.0, 30.0)))
    assert row["designs_agree"] is False
    assert "weighted_cohort lies below matched_did" in row["verdict"]
    assert verdict_on(PLANNED, estimates=designs(None))["designs_agree"] is None


def test_the_verdict_names_what_a_drift_that_went_on_would_make_of_the_second_design():
    drift = {"carried_forward_pct": -1.0, "carried_forward_low_pct": -12.0, "carried_forward_high_pct": 11.4}
    row = verdict_on(PLANNED, estimates=designs(**drift))
    assert "the second would be -1% (-12% to +11%). If one of the three is right" in row["verdict"]
    assert row["designs_agree"] is True


def test_without_a_group_that_could_be_hidden_there_is_no_benchmark():
    assert "there is no benchmark for what is not recorded" in verdict_on(PLANNED)["verdict"]


def test_what_the_look_does_not_count_is_no_conclusion_but_may_survive():
    fall = (-10.0, -18.2, -1.0)
    site = estimate("site_left_out", "ashbrook", -11.0, -19.0, -2.0)
    row = verdict_on(estimate("as_planned", "", *fall, nominal_level=0.003, interim=True), site)
    assert row["conclusion"] == "not_at_this_look"
    assert row["survives_sites_left_out"] is True
    assert "This is what is seen, not a finding: at this look only a p-value up to 0.003" in row["verdict"]
    assert (row["nominal_level"], row["interim"]) == (0.003, True)
    assert verdict_on(estimate("as_planned", "", *fall), site)["conclusion"] == "fall"
    assert verdict_on(estimate("as_planned", "", *fall, nominal_level=0.04), site)["conclusion"] == "fall"


def test_less_is_detectable_where_a_smaller_p_value_is_asked_for():
    # 20% is log 1.25 = 0.2231; (2.968 + 0.842) / (1.960 + 0.842) = 1.360 times that is 26.2%
    assert detectable_at_look(20.0, 0.003) == pytest.approx(26.2, abs=0.05)
    assert detectable_at_look(20.0, None) == 20.0
    assert detectable_at_look(20.0, 0.0) is None
    assert detectable_words(20.0, examples=[-22.0], nominal_level=0.003) == (
        "Four of five such studies would find a fall of 26% or a rise of 35%. A change of -22% could not have been "
        "detected."
    )
    assert detectable_words(20.0, examples=[-22.0], nominal_level=0.0) == ""


def test_without_an_interval_nothing_is_concluded():
    row = verdict_on(estimate("as_planned", "", -20.0, None, None), estimates=designs(None, detectable=None))
    assert (row["conclusion"], row["survives_hidden_group"]) == ("not_known", None)
    assert row["verdict"] == "A fall of about 20%, without an interval: how sure this is can't be said."
    assert verdict_on(estimate("as_planned", "", None, None, None))["verdict"] == "No effect can be stated."


@pytest.mark.parametrize(
    ("low", "high", "worthwhile", "expected"),
    [
        (-3, 1, None, Conclusion(effect="no_evidence", worthwhile="")),
        (-8, -6, -5, Conclusion(effect="fall", worthwhile="shown")),
        (-8, -1, -5, Conclusion(effect="fall", worthwhile="open")),
        (-4, -1, -5, Conclusion(effect="fall", worthwhile="ruled_out")),
        (1, 4, 5, Conclusion(effect="rise", worthwhile="ruled_out")),
        (6, 9, 5, Conclusion(effect="rise", worthwhile="shown")),
        (None, None, -5, None),
    ],
)
def test_conclusions_follow_from_the_interval(low, high, worthwhile, expected):
    assert concluded(low, high, worthwhile_pct=worthwhile) == expected


def test_a_rise_is_as_detectable_as_a_fall_of_the_same_ratio():
    # a fall of 20% is a ratio of 0.8, a rise of 25% one of 1 / 0.8
    assert detectable_words(20.0, examples=[24.9, 25.1, -19.9, -20.1]) == (
        "Four of five such studies would find a fall of 20% or a rise of 25%. A change of +25% or -20% could not have "
        "been detected. A change of +25% or -20% could have been detected."
    )
    assert detectable_words(None, examples=[2.0]) == ""


def test_no_sensitivity_rows_give_no_verdicts_but_all_columns():
    empty = pl.DataFrame(schema=SENSITIVITY_ESTIMATES)
    found = robustness(empty, designs(), worthwhile_pct={}, published=PUBLISHED)
    assert found.height == 0
    assert "verdict" in found.columns


def test_a_change_at_a_placebo_date_is_said_and_warned_of():
    nothing = estimate("placebo_index_date", "12_months_earlier", -1.0, -6.0, 4.0, explanation="Nothing then.")
    row = verdict_on(PLANNED, WIDENED, nothing)
    assert row["no_change_at_placebo"] is True
    assert "Nothing then. None of this" in row["verdict"]
    assert row["caution"] == "Careful."
    fall = verdict_on(PLANNED, WIDENED, estimate("placebo_index_date", "12_months_earlier", -8.0, -12.0, -3.0))
    assert fall["no_change_at_placebo"] is False
    assert "Careful. At a placebo index date the method finds a fall that nobody caused" in fall["caution"]
    assert "which looks the same" not in fall["caution"]
    rise = verdict_on(PLANNED, WIDENED, estimate("placebo_index_date", "12_months_earlier", 8.0, 3.0, 12.0))
    assert "people joined because of their use in just those months, which looks the same" in rise["caution"]


def test_without_an_interval_at_a_placebo_date_nothing_is_said_of_it():
    none = estimate("placebo_index_date", "12_months_earlier", 8.0, None, None, explanation="No effect can be stated.")
    row = verdict_on(PLANNED, WIDENED, none)
    assert row["no_change_at_placebo"] is None
    assert "No effect can be stated" not in row["verdict"]
    assert verdict_on(PLANNED, WIDENED)["no_change_at_placebo"] is None


def test_a_conclusion_that_hangs_on_how_later_enrolled_people_are_followed_is_said_so():
    followed = estimate("later_enrolled_uncensored", "", -6.0, -11.0, -1.0)
    reweighted = estimate("later_enrolled_reweighted", "", 2.0, -4.5, 9.0)
    row = verdict_on(PLANNED, followed, reweighted)
    assert row["survives_later_enrolment"] is False
    assert "The conclusion depends on how comparison people who enrol later are followed." in row["verdict"]


def test_later_enrolled_people_of_the_local_pool_say_nothing_of_the_plans_conclusion():
    row = verdict_on(PLANNED, estimate("later_enrolled_uncensored", "local", -6.0, -11.0, -1.0))
    assert row["survives_later_enrolment"] is None


def test_what_is_true_in_the_overlap_population_is_no_part_of_the_verdict():
    elsewhere = estimate("overlap_weights", "", -20.0, -30.0, -10.0, estimand="ato")
    assert verdict_on(PLANNED, WIDENED, MASKING, elsewhere) == verdict_on(PLANNED, WIDENED, MASKING)
