"""`icp results`: primary outcomes across sites."""

import json

import pytest

from pipelines.results import results
from pipelines.results_across import across_sites_rows
from tests.pipeline.results.published_rows import FELL, estimate, page, pooled, stated


def test_primary_outcomes_stand_in_these_pilots_and_across_sites(publish):
    text = page(publish(estimates=(estimate("admissions", **FELL),), pooling=(pooled(),)))
    assert "Primary outcomes across sites" in text
    assert "12 of 16 [3]" in text
    assert "[3] Sites share a pool." in text


def test_what_is_said_across_sites():
    ((_, cells),) = across_sites_rows([pooled()], [estimate("admissions", **FELL)], [])
    assert cells == [
        "Admissions",
        "lower by 20% (95% interval -24% to -16%)",
        "no clear difference: +3.0% (95% interval -2.5% to +8.8%)",
        "between -9.0% and +17%",
        "by about 5.1% (standard deviation; I2 41%)",  # exp(0.05) - 1
        "12 of 16",
    ]
    ((_, two),) = across_sites_rows([pooled(prediction_low_pct=None)], [estimate("admissions", **FELL)], [])
    assert two[3] == "too few sites"


@pytest.mark.parametrize(("sites_as", "marked"), [("fixed", 1), ("random", 2), (None, None)])
def test_the_headline_is_marked_and_the_other_effect_stands_beside_it(sites_as, marked):
    rows = [pooled()], [estimate("admissions", **FELL)], [stated(sites_as=sites_as), stated(population="site:a")]
    ((_, cells),) = across_sites_rows(*rows)
    assert [place for place, cell in enumerate(cells) if cell.startswith("Headline: ")] == ([marked] if marked else [])
    assert cells[1].endswith("lower by 20% (95% interval -24% to -16%)")
    assert cells[2].endswith("no clear difference: +3.0% (95% interval -2.5% to +8.8%)")


def test_the_page_marks_the_headline(publish):
    rows = {"estimates": (estimate("admissions", **FELL),), "pooling": (pooled(),)}
    assert "Headline: no clear difference: +3.0%" in page(publish(**rows, statements=(stated(sites_as="random"),)))


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
