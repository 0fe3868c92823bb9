"""What `icp design` prints: no small count, none that two others give back, the worst balance first, power in words."""

import polars as pl
import pytest

from evaluation.matching import COVARIATE_BALANCE, DESIGNS, IMPLIED_BIAS, UNMATCHED_CASES
from evaluation.planning import EXPECTED_POWER
from pipelines.design_report import design_report
from pipelines.masking import shown
from pipelines.protocol import Disclosure
from pipelines.study import load_study
from pipelines.warehouse import Warehouse
from tests.tiny_study import write_tiny_study

ATTRITION = pl.DataFrame(
    {
        "arm": ["pilot", "pilot", "comparison", "comparison", "pilot"],
        "population": ["all_sites", "all_sites", "all_sites", "all_sites", "site:A"],
        "design": ["all", "all", "matched_cohort", "all", "all"],
        "step_number": [1, 2, 9, 1, 1],
        "step": ["enrolled in a pilot", "did not opt out", "matched", "in the population", "enrolled in a pilot"],
        "people": [203, 199, 701, 4001, 77],
        "people_lost": [0, 4, 3300, 0, 0],
    }
)
TRIAL = pl.DataFrame(
    {
        "element_number": [2, 1],
        "element": ["time_zero", "eligibility"],
        "specification": ["The day of assignment.", "Alive."],
        "emulation": ["The enrolment.", "Alive on the index date."],
    }
)
DESIGN = {
    "population": "all_sites",
    "pool": "outside",
    "pilot_people": 199,
    "comparison_people": 3800,
    "sampled_people": 3800,
    "has_weights": True,
    "weighted_covariates": "sex",
    "has_interactions": False,
    "effective_comparison_people": 812.4,
    "pilot_people_matched": 193,
    "exact": "sex",
    "caliper": 0.1,
    "matched_covariates": "sex",
    "adjusted_covariates": "sex",
    "weighting_caution": "",
    "matching_caution": "Still different after matching: sex.",
}
POWER = {
    "population": "all_sites",
    "metric_id": "emergency_admissions",
    "label": "Emergency admissions",
    "priority": "primary",
    "design": "weighted_cohort",
    "pilot_people": 199.0,
    "comparison_people": 812.4,
    "follow_up_years": 0.5,
    "rate": 0.612,
    "dispersion": 1.5,
    "minimum_detectable_change_pct": 36.4,
    "smallest_worthwhile_change_pct": -5.0,
    "power": 0.071,
    "is_evaluable": False,
    "reason": "",
}

BIAS = {
    "population": "all_sites",
    "metric_id": "emergency_admissions",
    "label": "Emergency admissions",
    "tolerated_bias": 0.0128,
    "caution": "",
    "reason": "",
}


def biases(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([BIAS | row for row in rows], schema=IMPLIED_BIAS)


FOUND = biases(
    {"stage": "before", "implied_bias_log_rate_ratio": 0.6931, "standard_error": 0.05, "caution": "Before it."},
    {"stage": "after_weighting", "implied_bias_log_rate_ratio": 0.0, "standard_error": 0.0488},
    {
        "stage": "after_matching",
        "implied_bias_log_rate_ratio": -0.1054,
        "standard_error": 0.05,
        "caution": "Not alike.",
    },
)


def balance(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    known = [
        {"population": "all_sites", "covariate": name, "stage": stage, "standardised_mean_difference": size}
        for name, stage, size in rows
    ]
    return pl.DataFrame(known, schema=COVARIATE_BALANCE)


BALANCE = balance(
    ("sex", "before", 0.1),
    ("age", "before", -0.7),
    ("unknown", "before", None),
    ("age", "after_matching", 0.05),
    ("sex", "after_matching", -0.22),
    ("age", "after_weighting", 0.0),
    ("sex", "after_weighting", 0.0),
)


UNMATCHED = pl.DataFrame(
    [("sex=2", 0.5, 0.25, -0.5), ("age_at_index", 70.0, 84.5, 1.25), ("constant", 1.0, 1.0, None)],
    schema=UNMATCHED_CASES,
    orient="row",
)


@pytest.fixture
def report(tmp_path):
    def write(
        design: dict | None = None,
        power: dict | None = None,
        compared: pl.DataFrame = BALANCE,
        bias=FOUND,
        unmatched: pl.DataFrame = UNMATCHED,
    ) -> str:
        study = load_study(write_tiny_study(tmp_path / "study"))
        with Warehouse(study.output / "warehouse.duckdb") as warehouse:
            warehouse.write("attrition", ATTRITION)
            warehouse.write("target_trial", TRIAL)
            warehouse.write("comparison_designs", pl.DataFrame([DESIGN | (design or {})], schema=DESIGNS))
            warehouse.write("covariate_balance", compared)
            warehouse.write("unmatched_cases", unmatched)
            warehouse.write("implied_bias", bias)
            warehouse.write("expected_power", pl.DataFrame([POWER | (power or {})], schema=EXPECTED_POWER))
            return design_report(study, warehouse)

    return write


def lines_of(text: str, word: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if word in line]


def test_the_target_trial_stands_first_element_by_element_in_order(report):
    lines = report().splitlines()
    first = lines.index("eligibility")
    assert lines[first : first + 6] == [
        "eligibility",
        "  asked Alive.",
        "  done  Alive on the index date.",
        "time zero",
        "  asked The day of assignment.",
        "  done  The enrolment.",
    ]
    assert first < lines.index("Cohort")


def test_counts_are_rounded_so_that_their_difference_gives_no_small_one_back(report):
    text = report()
    assert lines_of(text, "enrolled in a pilot") == ["pilot enrolled in a pilot 205 0"]
    assert lines_of(text, "did not opt out") == ["pilot did not opt out 200 1 to 7"]
    assert "comparison pairs matched 700 3,300" in lines_of(text, "matched")
    assert lines_of(text, "outside") == ["all_sites 195 of 200 810 outside"]


def test_for_whom_pairs_speak_is_said_and_the_others_are_described_the_most_different_first(report):
    text = report({"pilot_people_matched": 170})
    start = text.index("Pilot people without a match")
    lines = [" ".join(line.split()) for line in text[start:].splitlines()[1:5]]
    assert lines == [
        "Pairs estimate the ATT among the 170 of 200 matched.",
        "covariate matched unmatched difference",
        "age_at_index 70.00 84.50 1.25",
        "sex=2 0.50 0.25 -0.50",
    ]


def test_overlap_in_propensity_is_said_of_all_sites_and_of_the_worst_site(report):
    def row(population: str, stage: str, share: float, people: int) -> dict:
        one = {"population": population, "covariate": "propensity_logit", "stage": stage, "pilot_people": people}
        return one | {"share_in_common_support": share, "standardised_mean_difference": 3.0}

    rows = [
        row("all_sites", "before", 0.9, 200),
        row("all_sites", "after_weighting", 0.985, 200),
        row("site:a", "before", 0.5, 40),
        row("site:b", "before", 0.9, 40),
    ]
    text = report(compared=pl.concat([BALANCE, pl.DataFrame(rows, schema=COVARIATE_BALANCE)]))
    start = text.index("Overlap:")
    assert [" ".join(line.split()) for line in text[start:].splitlines()[1:4]] == [
        "population before matched weighted",
        "all_sites 180 of 200 - 195 of 200",
        "site:a 20 of 40 - -",
    ]
    assert "3.00" not in text


def test_a_few_people_without_a_match_are_not_described(report):
    text = report({"pilot_people_matched": 193})
    assert "ATT among the 195 of 200 matched. Too few people are matched, or not matched, to describe them." in text
    assert "84.50" not in text
    assert "ATT among the 0 of 200 matched. Too few" in report({"pilot_people_matched": 0})


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (1, "1 to 7"), (7, "1 to 7"), (8, "10"), (12, "10"), (13, "15")])
def test_a_count_of_one_to_seven_is_hidden_and_others_are_rounded(count, text):
    assert shown(count, Disclosure()) == text


def test_a_larger_threshold_of_the_study_holds(report):
    assert shown(9, Disclosure(suppress_up_to=9, round_to=10)) == "1 to 9"
    assert shown(14, Disclosure(suppress_up_to=9, round_to=10)) == "10"


def test_the_balance_shows_the_worst_before_first_and_the_largest_of_each_stage(report):
    text = report()
    assert lines_of(text, "age ") == ["age -0.70 0.05 0.00"]
    assert text.index("age ") < text.index("sex   ")
    assert lines_of(text, "largest of all") == ["largest of all 0.70 0.22 0.00"]


def days(stage: str, pilot: tuple[int, float | None], comparison: tuple[int, float | None], size: float | None) -> dict:
    return {
        "population": "all_sites",
        "covariate": "days_since_emergency_discharge",
        "stage": stage,
        "pilot_people": pilot[0],
        "pilot_mean": pilot[1],
        "comparison_people": comparison[0],
        "comparison_mean": comparison[1],
        "standardised_mean_difference": size,
    }


def test_days_from_the_last_discharge_are_shown_of_both_arms_and_not_of_a_few_people(report):
    rows = [
        days("before", (112, 61.24), (1453, 240.0), -0.9),
        days("after_matching", (8, 60.0), (7, 66.0), -0.04),
        days("after_weighting", (3, 61.25), (0, None), None),
    ]
    text = report(compared=pl.concat([BALANCE, pl.DataFrame(rows, schema=COVARIATE_BALANCE)]))
    shown = text.split("Days from the last emergency discharge")[1].split("Implied bias")[0].splitlines()[1:]
    assert [" ".join(line.split()) for line in shown if line.strip("- ")] == [
        "pilot people mean comparison people mean difference",
        "before 110 61.2 1,455 240.0 -0.90",
        "matched 10 60.0 1 to 7 - -",
        "weighted 1 to 7 - 0 - -",
    ]
    assert lines_of(text, "largest of all") == ["largest of all 0.70 0.22 0.00"]
    assert "days_since" not in text


def test_days_that_are_known_of_nobody_are_told_so(report):
    assert "not known of anybody" in report()


def test_the_power_stands_in_words_and_numbers(report):
    assert lines_of(report(), "primary") == ["Emergency admissions primary 0.61 36.4% -5.0% 7% not yet"]
    assert "Follow-up within the data: 6.0 of 6 months on average." in report()
    nothing = dict.fromkeys(("rate", "minimum_detectable_change_pct", "power", "is_evaluable"))
    unknown = report(power={**nothing, "reason": "Too few."})
    assert lines_of(unknown, "primary") == ["Emergency admissions primary - - -5.0% - not known Too few."]


def test_the_implied_bias_stands_in_per_cent_with_its_interval_and_what_is_tolerated(report):
    said = "Emergency admissions +100.0% (+81.3 to +120.6) -10.0% (-18.4 to -0.7) +0.0% (-9.1 to +10.0) 1.3%"
    assert said in lines_of(report(), "Emergency admissions")
    assert "matching, Emergency admissions: Not alike." in report()
    assert "Before it." not in report()


def test_a_bias_that_is_not_known_says_why(report):
    unknown = report(bias=biases({"stage": "before", "tolerated_bias": None, "reason": "Not far enough."}))
    assert "Emergency admissions - - - - Not far enough." in lines_of(unknown, "Emergency admissions")


def test_cautions_are_shown_and_what_to_do_next(report):
    text = report()
    assert "matching: Still different after matching: sex." in text
    assert "weighting:" not in text
    assert "icp freeze STUDY --by NAME" in text


def test_without_comparison_people_it_says_so(report):
    nobody = {"has_weights": False, "effective_comparison_people": None, "pilot_people_matched": 0, "pool": ""}
    text = report(design=nobody, compared=balance())
    assert lines_of(text, "no weights") == ["all_sites 0 of 200 no weights -"]
    assert "nothing to compare" in text
