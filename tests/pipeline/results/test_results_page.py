"""`icp results` on a small published file: what a manager reads."""

import csv
import io
import json

import duckdb
import pytest

from evaluation.estimation import METRIC_ESTIMATES
from pipelines.errors import StudyError
from pipelines.results import results
from tests.pipeline.results.published_rows import FELL, UNCLEAR, beside, estimate, item, page, stated


def test_an_effect_is_a_sentence_with_its_interval(publish):
    text = page(publish(estimates=(estimate("admissions", "uncontrolled", is_default=True, **FELL),)))
    assert "fell by 20% (95% interval -24% to -16%)" in text


def test_a_difference_from_the_comparison_is_not_called_a_fall(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL),)))
    assert "lower by 20% (95% interval -24% to -16%)" in text
    assert "fell" not in text


def test_an_unclear_effect_claims_nothing_beyond_its_interval(publish):
    text = page(publish(estimates=(estimate("admissions", "uncontrolled", is_default=True, **UNCLEAR),)))
    assert "no clear change: +2.0% (95% interval -3.0% to +7.2%)" in text
    assert "ruled out" not in text


def test_the_default_design_comes_first_and_uncontrolled_beside_it(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL), estimate("admissions", "uncontrolled", **UNCLEAR))))
    assert text.index("unmatched_did") < text.index("uncontrolled")
    assert "lower by 20%" in text
    assert "no clear change: +2.0%" in text


def test_the_level_before_of_a_design_without_a_baseline_is_that_of_the_pilot_people_alone(publish):
    weighted = {"is_default": True, "n_comparator": 9000, "pilot_baseline": None, "comparator_follow_up": 1.35}
    rows = (estimate("admissions", "weighted_cohort", **FELL, **weighted), estimate("admissions", "uncontrolled"))
    text = page(publish(estimates=rows))
    assert "weighted to the same history" in text
    assert "1.50" in text
    assert "1.25 / 1.35" in text


def test_for_whom_pairs_speak_stands_once_below_their_column(publish):
    matched = {
        "n_comparator": 8000,
        "n_pilot": 1600,
        "estimand_population": "pilot people, all sites; 1600 of 1997 matched",
    }
    names = ("admissions", "attendances")
    rows = [
        row for name in names for row in (estimate(name, **FELL), estimate(name, "matched_did", **UNCLEAR, **matched))
    ]
    text = page(publish(estimates=tuple(rows)))
    assert text.count("matched_did: pilot people, all sites; 1600 of 1997 matched.") == 1


def test_for_whom_pairs_speak_stands_without_counts_where_one_row_would_give_a_few_people_away(publish):
    words = {"n_comparator": 8000, "estimand_population": "pilot people, all sites; 1600 of 1997 matched"}
    rows = [
        estimate(name, "matched_did", n_pilot=n, is_default=True, **UNCLEAR, **words)
        for name, n in (("admissions", 1600), ("attendances", 1597))
    ]
    text = page(publish(estimates=tuple(rows)))
    assert "matched_did: pilot people, all sites." in text
    assert "1997" not in text


def test_each_caution_is_cited_by_number_and_stands_once(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL), estimate("attendances", **FELL))))
    assert text.count("An early result.") == 1
    assert "[1, 2]" in text
    assert "[1] Design unmatched_did." in text


def test_primary_outcomes_come_before_exploratory_ones(publish):
    text = page(
        publish(estimates=(estimate("ae_visits", priority="exploratory", **FELL), estimate("admissions", **FELL)))
    )
    assert text.index("Admissions") < text.index("Ae visits")


def test_survey_items_change_in_points(publish):
    text = page(publish(survey=(item(),)))
    assert "60.0% 55.0% 400 / 390 82.0% / - fell by 5.0 points (95% interval -8.1 to -1.9)" in text


def test_survey_items_are_not_repeated_among_measures_of_use(publish):
    text = page(publish(estimates=(estimate("involved", "uncontrolled"),), survey=(item(),)))
    assert text.count("nvolved") == 1


def test_published_results_stand_beside_ours_with_both_designs(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL),), comparison=(beside("all"),)))
    assert "+2% (matched_did, 6 months)" in text
    assert "-20% (-24 to -16) (unmatched_did)" in text


def test_results_of_another_population_are_not_compared(publish):
    case_management = beside("cm", population="case_management", change=9.0)
    text = page(publish(estimates=(estimate("admissions", **FELL),), comparison=(case_management,)))
    assert "+9%" not in text


def test_made_up_people_are_declared(publish):
    assert "made up" in page(publish(estimates=(estimate("admissions", **FELL),)))


def test_no_estimates_are_explained(publish):
    assert "No estimates were published" in page(publish())


def test_the_word_that_is_never_used(publish):
    everything = publish(
        estimates=(estimate("admissions", **FELL), estimate("admissions", "uncontrolled", **UNCLEAR)),
        survey=(item(),),
        comparison=(beside("all"),),
    )
    assert "significan" not in "".join(page(everything, output_format=f) for f in ("table", "csv", "json"))


def test_csv_has_the_columns_of_the_table_and_full_precision(publish):
    path = publish(estimates=(estimate("admissions", **(FELL | {"relative_change_pct": -20.123456})),))
    rows = list(csv.DictReader(io.StringIO(results(path, output_format="csv", population="all_sites"))))
    assert list(rows[0]) == list(METRIC_ESTIMATES)
    assert (rows[0]["relative_change_pct"], rows[0]["is_default"], rows[0]["p_value"]) == ("-20.123456", "true", "")


def test_protocol_outcomes_stand_in_words_with_probabilities_and_their_prior(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL),), statements=(stated(),)))
    assert "Protocol outcomes in words: all_sites" in text
    assert "Admissions (primary)" in text
    assert "falls larger than 3% and rises larger than 1% are ruled out. [1, 2] 76% under 1% 24%" in text
    assert "[1] Before the data: a change between -17% and +20% held to be 95% likely." in text


def test_without_probabilities_there_is_no_prior_either(publish):
    none = dict.fromkeys(("probability_fell", "probability_worthwhile", "probability_rose", "prior"))
    text = page(publish(estimates=(estimate("admissions", **FELL),), statements=(stated(**none),)))
    assert "are ruled out. [1] - - -" in text
    assert "Before the data" not in text


def test_json_holds_run_estimates_survey_and_comparison(publish):
    path = publish(estimates=(estimate("admissions", **FELL),), survey=(item(),), comparison=(beside("all"),))
    found = json.loads(results(path, output_format="json", population="all_sites"))
    assert found["run"]["run_id"] == "run-1"
    assert [len(found[part]) for part in ("estimates", "survey", "comparison")] == [1, 1, 1]
    assert found["estimates"][0]["relative_change_pct"] == -20.0


def test_all_populations_can_be_asked_for_at_once(publish):
    path = publish(estimates=(estimate("admissions", **FELL), estimate("admissions", population="site:a", **FELL)))
    assert "Use of hospital and cost: site:a" in page(path, population="all")


def test_an_unknown_population_names_the_known_ones(publish):
    path = publish(estimates=(estimate("admissions", **FELL),))
    with pytest.raises(
        StudyError, match=r"no results for population al_sites\n.*all_sites, all\n  did you mean: all_sites"
    ):
        results(path, output_format="table", population="al_sites")


def test_before_the_first_run_there_is_a_hint(tmp_path):
    with pytest.raises(StudyError, match="nothing is published yet"):
        results(tmp_path / "evaluation.duckdb", output_format="table", population="all_sites")


def test_the_published_file_is_not_changed_by_reading(publish):
    path = publish(estimates=(estimate("admissions", **FELL),))
    before = path.read_bytes()
    results(path, output_format="table", population="all_sites")
    assert path.read_bytes() == before


def test_a_file_of_another_version_is_named_as_such(tmp_path):
    path = tmp_path / "evaluation.duckdb"
    with duckdb.connect(path) as earlier:
        earlier.execute("create table runs as select 'r' as run_id, now() as started_at")
    with pytest.raises(StudyError, match="another version") as refused:
        results(path, output_format="table")
    assert refused.value.hints == ("next: icp run STUDY, which computes it anew",)
