"""Two designs held against each other by hand: whether they agree, and the limits that hold if one is right."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.estimation import METRIC_ESTIMATES, with_brackets
from evaluation.estimation.brackets import COLUMNS, bracket
from evaluation.estimation.carried_forward import CARRIED_FORWARD

NAMES = ("relative_change_pct", "relative_low_pct", "relative_high_pct")


def row(design: str, values: tuple | None, **others: object) -> dict:
    known = dict(zip(NAMES, values, strict=True)) if values else {}
    head = {"metric_id": "admissions", "population": "all_sites", "design": design}
    return dict.fromkeys(METRIC_ESTIMATES) | head | {"is_default": design == "weighted_cohort"} | known | others


def found(*rows: dict) -> list[tuple]:
    return with_brackets(pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")).select(COLUMNS).rows()


def test_designs_agree_where_each_estimate_lies_in_the_others_interval():
    one = bracket(row("weighted_cohort", (2, -1, 5)), row("matched_did", (4, 0, 8)))
    assert (one.is_agreed, one.low_pct, one.high_pct) == (True, -1, 8)
    assert one.words == (
        "The two designs agree: each estimate lies in the other's interval. If one of the two is right, the change "
        "lies between -1% and +8%, their lowest and highest 95% limit."
    )


def test_designs_that_do_not_agree_are_said_to_and_have_wider_limits():
    one = bracket(row("weighted_cohort", (2, -1, 5)), row("matched_did", (7, 4, 10)))
    assert (one.is_agreed, one.low_pct, one.high_pct) == (False, -1, 10)
    assert "do not agree: weighted_cohort lies below matched_did" in one.words
    assert "between -1% and +10%" in one.words
    above = bracket(row("weighted_cohort", (-2, -5, 1)), row("matched_did", (-30, -35, -25)))
    assert "weighted_cohort lies above matched_did" in above.words


def test_an_estimate_outside_the_narrower_of_two_overlapping_intervals_is_no_agreement():
    one = bracket(row("weighted_cohort", (5, 4, 6)), row("matched_did", (0, -10, 10)))
    assert (one.is_agreed, one.low_pct, one.high_pct) == (False, -10, 10)


def test_what_a_drift_makes_of_the_second_design_is_a_third_within_the_bracket():
    drift = dict(zip(CARRIED_FORWARD, (-3, -9, 3), strict=True))
    one = bracket(row("weighted_cohort", (2, -1, 5), **drift), row("matched_did", (7, 4, 10)))
    assert (one.is_agreed, one.low_pct, one.high_pct) == (False, -9, 10)
    assert one.words.endswith(
        "Had the drift between the groups of months -24 to -7 gone on, the second would be -3% (-9% to +3%). If "
        "one of the three is right, the change lies between -9% and +10%, their lowest and highest 95% limit."
    )
    agreed = bracket(row("weighted_cohort", (2, -1, 5), **drift), row("matched_did", (4, 0, 8)))
    assert (agreed.is_agreed, agreed.low_pct, agreed.high_pct) == (True, -9, 8)


@pytest.mark.parametrize("second", [None, (4.0, None, None), (None, None, None)])
def test_without_an_interval_of_both_there_is_no_bracket(second):
    beside = row("matched_did", second)
    assert found(row("weighted_cohort", (2, -1, 5)), beside) == [(None, None, None)] * 2
    assert found(row("weighted_cohort", (2, -1, 5))) == [(None, None, None)]


def test_the_default_row_alone_has_the_bracket_of_its_own_metric_and_population():
    rows = [
        row("uncontrolled", (-50, -55, -45)),
        row("matched_did", (4, 0, 8)),
        row("weighted_cohort", (2, -1, 5)),
        row("weighted_cohort", (2, -1, 5), population="site:a"),
        row("matched_did", (40, 30, 50), population="site:b"),
    ]
    nothing = (None, None, None)
    assert found(*rows) == [nothing, nothing, (True, -1.0, 8.0), nothing, nothing]


def test_a_default_that_is_matched_did_itself_is_not_held_against_itself():
    assert found(row("matched_did", (4, 0, 8), is_default=True)) == [(None, None, None)]
    other = row("weighted_cohort", (2, -1, 5), is_default=False)
    assert found(row("matched_did", (4, 0, 8), is_default=True), other) == [(None, None, None)] * 2


numbers = st.floats(-0.9, 0.9).map(lambda value: 100 * math.expm1(value))
intervals = st.tuples(numbers, numbers, numbers).map(sorted).map(lambda v: (v[1], v[0], v[2]))


@given(intervals, intervals)
def test_the_order_of_the_designs_changes_no_limit_and_both_intervals_lie_within(first, second):
    one = bracket(row("a", first), row("b", second))
    other = bracket(row("b", second), row("a", first))
    assert (one.is_agreed, one.low_pct, one.high_pct) == (other.is_agreed, other.low_pct, other.high_pct)
    assert one.low_pct <= min(*first, *second)
    assert one.high_pct >= max(*first, *second)
