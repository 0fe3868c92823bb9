"""`icp results`: protocol outcomes up to each follow-up horizon."""

import json

import pytest

from pipelines.results import results
from pipelines.results_horizons import horizon_columns, horizon_rows
from tests.pipeline.results.published_rows import FELL, UNCLEAR, at_horizon, estimate, page

THREE = (at_horizon(12, **FELL), at_horizon(3, **UNCLEAR), at_horizon(6, relative_change_pct=-3.0))


def test_each_horizon_is_a_column_with_the_early_ones_labelled(publish):
    text = page(publish(horizons=THREE))
    assert "Protocol outcomes by length of follow-up: all_sites, after the index date (weighted_cohort)" in text
    assert "3 months (early) 6 months (primary, early) 12 months" in text
    assert "Longer horizons hold the events of shorter ones" in text


def test_effects_stand_in_words_with_interval_and_caution(publish):
    text = page(publish(horizons=THREE))
    assert (
        "Admissions (primary outcome) no clear difference: +2.0% (95% interval -3.0% to +7.2%) [1, 2] "
        "-3.0%, no interval [1, 2] lower by 20% (95% interval -24% to -16%) [1]" in text
    )
    assert "[2] An early result." in text


def test_a_horizon_that_nobody_reached_has_no_estimate_and_says_why(publish):
    nobody = at_horizon(24, caution="No estimate: the data end before anybody's 24 months are over.")
    text = page(publish(horizons=(*THREE, nobody)))
    assert "no estimate [3]" in text
    assert "[3] No estimate: the data end before anybody's 24 months are over." in text


def test_primary_outcomes_come_first():
    other = {"metric_id": "aaa", "label": "Attendances", "priority": "secondary"}
    rows = [at_horizon(months, **FELL, **values) for values in (other, {}) for months in (3, 6)]
    assert [label for label, _ in horizon_rows(rows, priorities=["primary", "secondary"])] == [
        "Admissions (primary outcome)",
        "Attendances",
    ]
    assert horizon_columns(rows) == ["3 months (early)", "6 months (primary, early)"]


def test_one_horizon_alone_is_not_shown_twice(publish):
    path = publish(horizons=(at_horizon(6, **FELL),))
    assert "length of follow-up" not in page(path)
    assert len(json.loads(results(path, output_format="json"))["horizons"]) == 1


def test_horizons_of_another_population_are_not_shown(publish):
    here = estimate("admissions", population="site:a", **FELL)
    assert "length of follow-up" not in page(publish(estimates=(here,), horizons=THREE), population="site:a")


@pytest.mark.parametrize("output_format", ["table", "json"])
@pytest.mark.parametrize("small", ["n_pilot", "n_comparator", "estimate"])
def test_what_rests_on_one_to_seven_people_is_withheld(publish, output_format, small):
    values = {} if small == "estimate" else {small: 5, "person_years_pilot": 4.875}
    rows = tuple(at_horizon(months, **FELL, **values) for months in (3, 6))
    count = 5 if small == "estimate" else 40000
    whole = estimate("admissions", "weighted_cohort", is_default=True, n_comparator=count)
    text = page(publish(estimates=(whole,), horizons=rows), output_format=output_format)
    assert "Withheld: rests on 1 to 7 people or events." in text
    for number in ("20%", "-20", "4.875"):
        assert number not in text
