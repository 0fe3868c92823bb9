"""`icp results`: numbers that rest on 1 to 7 people or events are withheld in every format."""

import csv
import io
import json

import pytest

from pipelines.results import results
from pipelines.results_statements import statement_cells
from tests.pipeline.results.published_rows import FELL, beside, estimate, item, page, pooled, stated


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


@pytest.mark.parametrize("output_format", ["table", "csv", "json"])
def test_a_bracket_is_withheld_where_the_second_designs_estimate_is(publish, output_format):
    bracket = {"designs_agree": True, "bracket_low_pct": -31.25, "bracket_high_pct": 12.75}
    words = {"design": "weighted_cohort", "statement": "Shown.", "bracket": "Between -31.25% and 12.75%."}
    both = {"is_default": True, "n_comparator": 900, **FELL, **bracket}
    second = estimate("admissions", "matched_did", n_pilot=5, n_comparator=900, **FELL)

    def printed(*rows: dict) -> str:
        return page(publish(estimates=rows, statements=(stated(**words, **bracket),)), output_format=output_format)

    first = estimate("admissions", "weighted_cohort", **both)
    assert "31.25" not in (text := printed(first, second))
    assert "12.75" not in text
    assert "20" in text


def test_the_bracket_stands_beside_the_statement(publish):
    words = {"design": "weighted_cohort", "statement": "Shown.", "bracket": "The two designs agree."}
    estimates = (estimate("admissions", "weighted_cohort", is_default=True, n_comparator=900, **FELL),)
    assert "Shown. The two designs agree." in page(publish(estimates=estimates, statements=(stated(**words),)))
    assert statement_cells(stated(**words | {"design": "uncontrolled"}))[1] == "Shown."


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


def test_few_people_of_sites_left_out_cannot_be_counted_back(publish):
    path = publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(pilot_people_used=1995),))
    row = json.loads(results(path, output_format="json"))["across_sites"][0]
    assert (row["pilot_people_used"], row["pilot_people"], row["sites_used"]) == (None, 2000, 12)
