"""The row of overlap weights by hand: whom it speaks for, and that it moves nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.estimation.sensitivity_words import use_in_overlap
from evaluation.estimation.variants import (
    OVERLAP_WEIGHTS,
    Variant,
)
from tests.sensitivity_by_hand import CASES, HIDDEN, PLANNED, people, rows


def in_overlap(**changes) -> dict:
    """Ten cases that were likely to join (3 to 1), ten that were not, and a pool of which all were unlikely to."""
    weights = np.where(np.arange(60) < CASES, 0.5, 0.25)
    weights[:10], weights[10:20] = 0.25, 0.75
    someone = replace(people(60, 1.0), weights=weights, estimand="ato")
    variant = Variant(analysis=OVERLAP_WEIGHTS, people=someone, caution="They had fewer admissions.")
    return rows(PLANNED, HIDDEN, replace(variant, **changes))


def test_overlap_weights_answer_another_question_and_say_whom_they_speak_for():
    found = in_overlap()
    row = found["overlap_weights", ""]
    # cases (10 x 0.25 + 2 x 0.75) / 40 years over (24 + 48) x 0.25 / 40 years: 4 over 18
    assert row["relative_change_pct"] == pytest.approx(100 * (4 / 18 - 1))
    assert row["relative_low_pct"] < row["relative_change_pct"] < row["relative_high_pct"]
    # ten cases of weight 1 and ten of 3: 40 x 40 / 100 people in effect, of 20
    assert (row["estimand"], row["effective_pilot_people"]) == ("ato", pytest.approx(16))
    assert row["shift_pct"] is None
    assert row["explanation"] == (
        "Among the people whose chances of being enrolled were nearest to even, the change is -78%: the answer to "
        "another question."
    )
    assert row["caution"].startswith(
        "Exploratory: another question than the plan's, and no part of the verdict. It is about people whose recorded "
        "history gave them something like even chances of being a pilot or a comparison person, who count most; those "
        "whose joining was likeliest, as a rule people in a crisis, count least. In effect it speaks for 80% of the "
        "pilot people. Compared after the index date"
    )
    assert "They had fewer admissions. Weights are odd." in row["caution"]
    assert found["as_planned", ""]["estimand"] == found["needed_bias", "no_change"]["estimand"] == "att"
    assert found["as_planned", ""]["effective_pilot_people"] == 20
    assert found["needed_bias", "no_change"]["effective_pilot_people"] is None


def test_overlap_weights_do_not_widen_the_interval_nor_move_a_bound():
    with_overlap = in_overlap()
    del with_overlap["overlap_weights", ""]
    assert with_overlap == rows(PLANNED, HIDDEN)


def test_where_there_are_no_overlap_weights_the_row_says_why_and_whom_it_would_be_about():
    row = in_overlap(people=None, reason="Overlap weights rest on too few people.")["overlap_weights", ""]
    assert (row["estimand"], row["relative_change_pct"], row["effective_pilot_people"]) == ("ato", None, None)
    assert row["explanation"] == "No effect can be stated."
    assert "Overlap weights rest on too few people." in row["caution"]
    assert "In effect" not in row["caution"]


def test_how_use_in_the_overlap_population_differs_is_said_in_percent():
    assert use_in_overlap(0.39, 0.54) == (
        "Weighted so, pilot people had 28% fewer emergency admissions in the three months before than all of them had."
    )
    assert "10% more emergency admissions" in use_in_overlap(0.22, 0.2)
    assert use_in_overlap(0.0, 0.0) == ""
