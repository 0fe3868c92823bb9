"""What must hold of `survey_estimates` whatever the answers."""

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from evaluation.surveys import SurveyDesign, survey_estimates

ITEMS = pl.DataFrame(
    {"instrument_id": ["p"], "item_id": ["i"], "label": ["Item"], "benefits": ["staff"], "is_user_defined": [False]}
)
POPULATIONS = pl.DataFrame({"population": ["site:a", "site:b"], "site_id": ["a", "b"]})
ANSWER = st.tuples(
    st.integers(0, 15), st.sampled_from(("a", "b")), st.sampled_from(("1", "2")), st.sampled_from(("1", "2", "8", None))
)
ANSWERS = st.lists(ANSWER, min_size=1, max_size=30, unique_by=lambda answer: (answer[0], answer[2]))


def rows(answers: list[tuple]) -> pl.DataFrame:
    given = pl.DataFrame(
        answers,
        schema={"person": pl.Int64, "site_id": pl.String, "wave": pl.String, "answer": pl.String},
        orient="row",
    )
    return given.select(
        "site_id",
        "wave",
        "answer",
        respondent_id=pl.format("person-{}", "person"),
        period=pl.col("wave").replace_strict({"1": "baseline", "2": "follow_up"}, return_dtype=pl.String),
        is_valid=pl.col("answer").is_in(["1", "2"]).fill_null(value=False),
        is_positive=(pl.col("answer") == "1").fill_null(value=False),
        is_not_counted=(pl.col("answer") == "8").fill_null(value=False),
        extract=pl.lit("survey"),
        instrument_id=pl.lit("p"),
        item_id=pl.lit("i"),
        design_weight=pl.lit(1.0),
        role=pl.lit(None, pl.String),
        respondent_group=pl.lit(None, pl.String),
        age_band=pl.lit(None, pl.String),
    )


def estimated(answers: pl.DataFrame, *, stratified: bool) -> pl.DataFrame:
    return survey_estimates(
        answers,
        items=ITEMS,
        designs=[SurveyDesign(instrument_id="p", is_stratified=stratified)],
        site_populations=POPULATIONS,
        protocol_hash="hash",
        run_id="run",
    )


@settings(max_examples=50, deadline=None)
@given(answers=ANSWERS, seed=st.integers(0, 99), stratified=st.booleans())
def test_the_order_of_rows_changes_nothing(answers, seed, stratified):
    table = rows(answers)
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(
        estimated(table, stratified=stratified), estimated(shuffled, stratified=stratified), check_exact=True
    )


@settings(max_examples=50, deadline=None)
@given(answers=ANSWERS)
def test_each_questionnaire_is_an_answer_or_not_counted_or_missing(answers):
    for row in estimated(rows(answers), stratified=True).iter_rows(named=True):
        for wave in ("baseline", "follow_up"):
            parts = [row[f"{count}_{wave}"] for count in ("answers", "not_counted", "missing")]
            assert sum(parts) == row[f"rows_{wave}"]
            assert row[f"positive_{wave}"] <= row[f"answers_{wave}"]


@settings(max_examples=50, deadline=None)
@given(answers=ANSWERS, stratified=st.booleans())
def test_no_number_is_infinite_and_limits_enclose_the_change(answers, stratified):
    for row in estimated(rows(answers), stratified=stratified).iter_rows(named=True):
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        if row["change_low"] is not None:
            assert row["change_low"] <= row["change"] <= row["change_high"]
            assert 0 <= row["p_value"] <= 1
