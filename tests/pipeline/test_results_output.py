"""`icp results` on a small published file: what a manager reads, and what is withheld."""

import csv
import io
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from evaluation.estimation import EFFECT_STATEMENTS, METRIC_ESTIMATES, SITE_POOLING
from evaluation.surveys import SURVEY_ESTIMATES
from pipelines.contracts import contract_by_table
from pipelines.errors import StudyError
from pipelines.results import results
from pipelines.results_across import across_sites_rows

FELL = {"relative_change_pct": -20.0, "relative_low_pct": -24.0, "relative_high_pct": -16.0}
UNCLEAR = {"relative_change_pct": 2.0, "relative_low_pct": -3.0, "relative_high_pct": 7.25}
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


def estimate(metric_id: str, design: str = "unmatched_did", population: str = "all_sites", **values: object) -> dict:
    row = dict.fromkeys(METRIC_ESTIMATES) | {
        "metric_id": metric_id,
        "label": metric_id.replace("_", " ").capitalize(),
        "domain": "utilisation",
        "unit": "admissions per person-year",
        "priority": "primary",
        "kind": "outcome",
        "population": population,
        "design": design,
        "estimator": "saturated_poisson",
        "is_default": design == "unmatched_did",
        "pilot_baseline": 1.5,
        "pilot_follow_up": 1.25,
        "change": -0.25,
        "n_pilot": 2000,
        "n_comparator": 40000 if design == "unmatched_did" else None,
        "n_clusters": 42000,
        "caution": f"Design {design}. An early result.",
    }
    return row | values


def item(population: str = "all_sites", **values: object) -> dict:
    row = dict.fromkeys(SURVEY_ESTIMATES) | {
        "extract": "patient_survey",
        "instrument_id": "patients",
        "measure_id": "involved",
        "measure_kind": "item",
        "label": "Felt involved",
        "group_name": "all",
        "population": population,
        "design": "uncontrolled",
        "unit": "percent",
        "rows_baseline": 500,
        "rows_follow_up": 480,
        "answers_baseline": 400,
        "answers_follow_up": 390,
        "positive_baseline": 240,
        "positive_follow_up": 214,
        "not_counted_baseline": 4,
        "missing_baseline": 96,
        "response_rate_baseline_pct": 82.0,
        "baseline_level": 60.0,
        "follow_up_level": 55.0,
        "change": -5.0,
        "change_low": -8.1,
        "change_high": -1.9,
        "caution": "Those who answered.",
    }
    return row | values


def beside(result_id: str, **values: object) -> dict:
    columns = [column.name for column in contract_by_table("comparison_with_published").columns]
    row = dict.fromkeys(columns) | {
        "result_id": result_id,
        "programme": "National pilots",
        "scope": "all 16 sites",
        "published_design": "matched_did",
        "published_metric": "emergency_admissions",
        "unit": "pct_change",
        "horizon_months": 6,
        "change": 2.0,
        "metric_id": "emergency_admissions",
        "population": "all_sites",
        "our_design": "unmatched_did",
        "our_change": -20.0,
        "our_change_low": -24.0,
        "our_change_high": -16.0,
        "our_n_pilot": 2000,
        "our_caution": "Another design than the published one.",
    }
    return row | values


def pooled(**values: object) -> dict:
    row = dict.fromkeys(SITE_POOLING) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "design": "weighted_cohort",
        "sites": 16,
        "sites_used": 12,
        "pilot_people": 2000,
        "pilot_people_used": 1900,
        "random_change_pct": 3.0,
        "random_low_pct": -2.5,
        "random_high_pct": 8.8,
        "prediction_low_pct": -9.0,
        "prediction_high_pct": 17.0,
        "tau2": 0.0025,
        "i2_pct": 41.3,
        "caution": "Sites share a pool.",
    }
    return row | values


def stated(**values: object) -> dict:
    row = dict.fromkeys(EFFECT_STATEMENTS) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "population": "all_sites",
        "design": "unmatched_did",
        "relative_change_pct": -4.321,
        "statement": "No evidence of a change; falls larger than 3% and rises larger than 1% are ruled out.",
        "probability_fell": 0.764,
        "probability_worthwhile": 0.004,
        "probability_rose": 0.236,
        "prior": "Before the data: a change between -17% and +20% held to be 95% likely.",
        "caution": "Hidden confounding is not in them.",
    }
    return row | values


@pytest.fixture
def publish(tmp_path: Path):
    """Writes a published file of the given rows and returns its path."""

    def write(
        *,
        estimates: tuple = (),
        survey: tuple = (),
        comparison: tuple = (),
        pooling: tuple = (),
        statements: tuple = (),
    ) -> Path:
        types = {c.name: POLARS_TYPES[c.sql_type] for c in contract_by_table("comparison_with_published").columns}
        run = {"run_id": "run-1", "started_at": "2011-07-01", "study": "pilots", "data_until": "2011-06-30"}
        tables = {
            "metric_estimates": pl.DataFrame(estimates, schema=METRIC_ESTIMATES, orient="row"),
            "survey_estimates": pl.DataFrame(survey, schema=SURVEY_ESTIMATES, orient="row"),
            "comparison_with_published": pl.DataFrame(comparison, schema=types, orient="row"),
            "site_pooling": pl.DataFrame(pooling, schema=SITE_POOLING, orient="row"),
            "effect_statements": pl.DataFrame(statements, schema=EFFECT_STATEMENTS, orient="row"),
            "runs": pl.DataFrame([run | {"is_synthetic": True}]),
        }
        path = tmp_path / "evaluation.duckdb"
        with duckdb.connect(path) as connection:
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"create table {name} as from frame")
        return path

    return write


def page(path: Path, *, population: str = "all_sites", output_format: str = "table") -> str:
    return " ".join(results(path, output_format=output_format, population=population).split())


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "320")


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


@pytest.mark.parametrize("output_format", ["table", "csv", "json"])
def test_one_to_seven_people_are_masked_and_their_numbers_withheld_in_every_format(publish, output_format):
    small = {"n_pilot": 5, "n_clusters": 40005, "person_years_pilot": 4.875, "pilot_baseline": 1.625}
    path = publish(
        estimates=(estimate("admissions", population="site:a", **small, **FELL),),
        comparison=(beside("all", population="site:a", our_n_pilot=5),),
    )
    text = page(path, population="site:a", output_format=output_format)
    assert "1 to 7" in text
    assert "Withheld: rests on 1 to 7 people or events." in text
    for number in ("40005", "4.875", "1.62", "-20", "20%"):
        assert number not in text


@pytest.mark.parametrize("output_format", ["table", "json"])
def test_a_survey_wave_of_one_to_seven_answers_is_withheld(publish, output_format):
    text = page(publish(survey=(item(answers_follow_up=6, missing_follow_up=474),)), output_format=output_format)
    assert "1 to 7" in text
    for number in ("-8.1", "60.0", "55.0", "474", "214"):
        assert number not in text


def test_an_item_is_withheld_among_the_estimates_too(publish):
    path = publish(
        estimates=(estimate("involved", "uncontrolled", n_pilot=406, change=-0.05),),
        survey=(item(answers_follow_up=6),),
    )
    rows = list(csv.DictReader(io.StringIO(results(path, output_format="csv", population="all_sites"))))
    assert (rows[0]["change"], rows[0]["caution"]) == ("", "Withheld: rests on 1 to 7 people or events.")


def test_eight_people_are_shown(publish):
    path = publish(estimates=(estimate("admissions", n_pilot=8, **FELL),))
    assert "lower by 20%" in page(path)


def test_csv_has_the_columns_of_the_table_and_full_precision(publish):
    path = publish(estimates=(estimate("admissions", **(FELL | {"relative_change_pct": -20.123456})),))
    rows = list(csv.DictReader(io.StringIO(results(path, output_format="csv", population="all_sites"))))
    assert list(rows[0]) == list(METRIC_ESTIMATES)
    assert (rows[0]["relative_change_pct"], rows[0]["is_default"], rows[0]["p_value"]) == ("-20.123456", "true", "")


def test_primary_outcomes_stand_in_these_pilots_and_across_sites(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(),)))
    assert "Primary outcomes across sites" in text
    assert "12 of 16 [3]" in text
    assert "[3] Sites share a pool." in text


def test_what_is_said_across_sites():
    ((_, cells),) = across_sites_rows([pooled()], [estimate("admissions", **FELL)])
    assert cells == [
        "Admissions",
        "lower by 20% (95% interval -24% to -16%)",
        "no clear difference: +3.0% (95% interval -2.5% to +8.8%)",
        "between -9.0% and +17%",
        "by about 5.1% (standard deviation; I2 41%)",  # exp(0.05) - 1
        "12 of 16",
    ]
    ((_, two),) = across_sites_rows([pooled(prediction_low_pct=None)], [estimate("admissions", **FELL)])
    assert two[3] == "too few sites"


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


@pytest.mark.parametrize("output_format", ["table", "json"])
def test_a_statement_is_withheld_where_its_estimate_is(publish, output_format):
    other = {"metric_id": "attendances", "relative_change_pct": 1.0, "probability_fell": 0.5, "statement": "Shown."}
    path = publish(
        estimates=(estimate("admissions", n_pilot=5, **FELL),),
        statements=(stated(), stated(**other)),
    )
    text = page(path, output_format=output_format)
    for withheld in ("ruled out", "-4.321", "76%", "0.764"):
        assert withheld not in text
    assert "Withheld: rests on 1 to 7 people or events." in text
    assert "Shown." in text


def test_where_nothing_is_pooled_the_page_says_so(publish):
    nothing = dict.fromkeys(("random_change_pct", "random_low_pct", "random_high_pct", "tau2", "i2_pct"))
    text = page(publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(**nothing, sites_used=0),)))
    assert "nothing pooled" in text
    assert "0 of 16" in text


@pytest.mark.parametrize("values", [{"priority": "secondary"}, {"metric_id": "attendances"}])
def test_across_sites_are_shown_primary_outcomes_with_an_estimate(publish, values):
    assert "across sites" not in page(publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(**values),)))


def test_across_sites_is_not_shown_for_a_part_of_the_sites(publish):
    path = publish(estimates=(estimate("admissions", population="site:a", **FELL),), pooling=(pooled(),))
    assert "across sites" not in page(path, population="site:a")
    assert json.loads(results(path, output_format="json", population="site:a"))["across_sites"] == []


def test_few_people_of_sites_left_out_cannot_be_counted_back(publish):
    path = publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(pilot_people_used=1995),))
    row = json.loads(results(path, output_format="json"))["across_sites"][0]
    assert (row["pilot_people_used"], row["pilot_people"], row["sites_used"]) == (None, 2000, 12)


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
