"""The protocol says what is wrong, which setting, what was expected and what to do."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.comparison import comparison_settings
from pipelines.errors import StudyError
from pipelines.horizons import horizons_of
from pipelines.protocol import Periods, load_protocol, protocol_hash

GOOD = """
study: a_pilot
extracts:
  admissions: {contract: hes_apc}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {baseline_months: 6, follow_up_months: 6, data_until: 2011-06-30}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""


def protocol(folder: Path, text: str) -> Path:
    path = folder / "protocol.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as refused:
        load_protocol(protocol(folder, text))
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_every_optional_section_has_its_default(tmp_path):
    loaded = load_protocol(protocol(tmp_path, GOOD))
    assert loaded.periods.look_back_months == 24
    assert loaded.spells.continuous_rule == "nhs_digital_2014"
    assert (loaded.disclosure.suppress_up_to, loaded.disclosure.round_to) == (7, 5)
    assert loaded.alerts.to_env == "ICP_ALERT_URLS"
    assert loaded.surveys == {}


def test_an_unknown_setting_is_refused_with_the_nearest_known_one(tmp_path):
    assert refusal(tmp_path, GOOD + "comparison: {calliper: 0.2}\n") == (
        "protocol.yaml: comparison.calliper is not a known setting\n"
        "  known settings of comparison: exact, covariates, method, with_replacement, ratio, caliper, "
        "caliper_definition, seed\n"
        "  did you mean: caliper"
    )


def test_an_unknown_setting_of_an_outcome_is_refused_with_its_place(tmp_path):
    message = refusal(tmp_path, GOOD.replace("expected: decrease", "expect: decrease"))
    assert "outcomes.0.expected is missing" in message
    assert "outcomes.0.expect is not a known setting" in message
    assert "did you mean: expected" in message


def test_a_setting_that_stands_twice_is_refused(tmp_path):
    assert "study stands twice" in refusal(tmp_path, GOOD + "study: another\n")


def test_a_missing_required_extract_is_named(tmp_path):
    message = refusal(tmp_path, GOOD.replace("  population: {contract: population}\n", ""))
    assert "extracts.population is missing" in message


def test_an_extract_under_another_contract_is_refused(tmp_path):
    message = refusal(tmp_path, GOOD.replace("admissions: {contract: hes_apc}", "admissions: {contract: hes_op}"))
    assert "extracts.admissions.contract: expected hes_apc" in message


def test_a_survey_without_an_instrument_is_refused(tmp_path):
    message = refusal(tmp_path, GOOD.replace("periods:", "  patient_survey: {contract: survey}\nperiods:"))
    assert "extracts.patient_survey.instrument is missing" in message


def test_a_baseline_longer_than_the_look_back_is_refused(tmp_path):
    message = refusal(tmp_path, GOOD.replace("baseline_months: 6", "look_back_months: 3, baseline_months: 6"))
    assert "look_back_months must be at least baseline_months" in message


def test_horizons_hold_the_primary_one_and_stand_once(tmp_path):
    joined = pl.Series([date(2010, 7, 1)])

    def horizons(text: str) -> tuple[int, ...]:
        return horizons_of(load_protocol(protocol(tmp_path, text)).periods, joined)

    none_beside = GOOD.replace("follow_up_months: 6", "follow_up_months: 6, horizons_months: []")
    assert horizons(none_beside) == (6,)
    longer = GOOD.replace("follow_up_months: 6", "follow_up_months: 6, horizons_months: [12, 3]")
    assert horizons(longer) == (3, 6, 12)
    twice = GOOD.replace("follow_up_months: 6", "follow_up_months: 6, horizons_months: [3, 3]")
    assert "horizons_months: a horizon stands twice" in refusal(tmp_path, twice)


def test_sites_are_fixed_unless_the_protocol_says_random(tmp_path):
    assert load_protocol(protocol(tmp_path, GOOD)).sites_as == "fixed"
    assert load_protocol(protocol(tmp_path, GOOD + "sites_as: random\n")).sites_as == "random"
    assert "sites_as: input should be 'fixed' or 'random'" in refusal(tmp_path, GOOD + "sites_as: mixed\n")
    assert "did you mean: sites_as" in refusal(tmp_path, GOOD + "site_as: random\n")


def test_the_same_outcome_twice_is_refused(tmp_path):
    line = "  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}\n"
    assert "emergency_admissions stands more than once" in refusal(tmp_path, GOOD + line)


def test_a_negative_control_is_no_outcome_and_stands_once(tmp_path):
    message = refusal(tmp_path, GOOD + "negative_controls: [emergency_admissions]\n")
    assert "negative_controls: emergency_admissions is an outcome" in message
    assert "a metric stands twice" in refusal(tmp_path, GOOD + "negative_controls: [died, died]\n")


def test_an_area_is_excluded_as_a_donor_once_and_with_a_reason(tmp_path):
    closed = "{area: Anytown, reason: its hospital closed}"
    section = "area_designs: {excluded_donors: [%s]}\n"
    (donor,) = load_protocol(protocol(tmp_path, GOOD + section % closed)).area_designs.excluded_donors
    assert (donor.area, donor.reason) == ("Anytown", "its hospital closed")
    assert "Anytown stands more than once" in refusal(tmp_path, GOOD + section % f"{closed}, {closed}")
    assert "reason" in refusal(tmp_path, GOOD + section % "{area: Anytown}")


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path):
    assert "not valid YAML at line" in refusal(tmp_path, GOOD + "periods: [")


def test_the_hash_sees_settings_and_not_their_order_or_comments(tmp_path):
    first = protocol_hash(protocol(tmp_path, GOOD))
    reordered = "# a remark\n" + GOOD.replace("study: a_pilot\n", "") + "study: a_pilot\n"
    assert protocol_hash(protocol(tmp_path, reordered)) == first
    assert protocol_hash(protocol(tmp_path, GOOD.replace("baseline_months: 6", "baseline_months: 12"))) != first


def test_the_comparison_has_the_defaults_of_its_design(tmp_path):
    comparison = load_protocol(protocol(tmp_path, GOOD)).comparison
    wanted = ("pool", "sex", "age_band", "index_month", "is_in_hospital", "emergency_discharge_class")
    assert comparison.exact == wanted
    assert comparison.covariates[:2] == ("emergency_admissions_12_months", "age_at_index")
    assert (comparison.ratio, comparison.caliper) == (5, 0.2)


def test_pairs_are_the_nearest_without_replacement_unless_the_protocol_says_otherwise(tmp_path):
    default = load_protocol(protocol(tmp_path, GOOD)).comparison
    assert (default.method, default.with_replacement, default.caliper_definition) == ("nearest", False, "pooled")
    chosen = "comparison: {method: mahalanobis, with_replacement: true, caliper_definition: everyone}\n"
    settings = comparison_settings(load_protocol(protocol(tmp_path, GOOD + chosen)))
    assert (settings.method, settings.with_replacement, settings.caliper_definition) == (
        "mahalanobis",
        True,
        "everyone",
    )


def test_a_method_that_is_none_is_refused_and_optimal_pairs_with_replacement_are_too(tmp_path):
    message = refusal(tmp_path, GOOD + "comparison: {method: genetic}\n")
    assert "comparison.method" in message
    assert "'nearest', 'mahalanobis', 'optimal' or 'prognostic'" in message
    again = refusal(tmp_path, GOOD + "comparison: {method: optimal, with_replacement: true}\n")
    assert "optimal pairs use no comparison person twice; expected false" in again


def test_pairs_by_a_prognostic_score_are_refused_where_no_earlier_cohort_fits_into_the_look_back(tmp_path):
    asked = GOOD + "comparison: {method: prognostic}\n"
    assert load_protocol(protocol(tmp_path, asked)).comparison.method == "prognostic"
    short = asked.replace("baseline_months", "look_back_months: 17, baseline_months")
    message = refusal(tmp_path, short)
    assert "comparison.method: prognostic needs at least 18 periods.look_back_months, there are 17" in message
    assert "choose another method, such as nearest" in message
    load_protocol(protocol(tmp_path, short.replace("17", "18")))
    load_protocol(protocol(tmp_path, short.replace("prognostic", "nearest")))


def test_an_unknown_covariate_of_the_comparison_is_refused_with_the_nearest_known_one(tmp_path):
    message = refusal(tmp_path, GOOD + "comparison: {covariates: [charlson_scor]}\n")
    assert "comparison: covariates: charlson_scor is not known" in message
    assert "did you mean: charlson_score" in message


def test_an_unknown_exact_column_is_refused_and_a_name_stands_once(tmp_path):
    assert "did you mean: age_band" in refusal(tmp_path, GOOD + "comparison: {exact: [sex, ageband]}\n")
    assert "a name stands twice" in refusal(tmp_path, GOOD + "comparison: {exact: [sex, sex]}\n")


@pytest.mark.parametrize(
    ("until", "follow_up", "expected"),
    [
        ("2010-12-31", 6, (3, 6)),
        ("2010-12-30", 6, (3, 6)),
        ("2010-12-30", 9, (3, 9)),
        ("2011-06-30", 6, (3, 6, 12)),
        ("2012-06-30", 6, (3, 6, 12, 24)),
        ("2012-06-29", 18, (3, 6, 12, 18)),
        ("2010-07-31", 6, (6,)),
    ],
)
def test_without_a_list_the_usual_horizons_that_the_data_reach_are_taken(until, follow_up, expected):
    periods = Periods(baseline_months=6, follow_up_months=follow_up, data_until=date.fromisoformat(until))
    # one of 1 July 2010 and a later one, whom no longer horizon reaches
    assert horizons_of(periods, pl.Series([date(2010, 7, 1), date(2010, 12, 1)])) == expected


@pytest.mark.parametrize("spread", ["0", "-20", "2000", "wide"])
def test_a_prior_without_a_sensible_spread_is_refused_by_name(tmp_path, spread):
    text = GOOD + f"prior: {{largest_likely_change_pct: {spread}}}\n"
    assert "prior.largest_likely_change_pct" in refusal(tmp_path, text)
    kept = load_protocol(protocol(tmp_path, GOOD + "prior: {largest_likely_change_pct: 30}\n"))
    assert (kept.prior.largest_likely_change_pct, load_protocol(protocol(tmp_path, GOOD)).prior.model_dump()) == (
        30,
        {"largest_likely_change_pct": 20},
    )
