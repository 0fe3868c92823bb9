"""Rows, counts and cautions of `survey_estimates`, and the items as rows of `metric_estimates`."""

import polars as pl
import pytest

from evaluation.estimation import METRIC_ESTIMATES, Metric, survey_item_estimates
from evaluation.surveys import SurveyDesign, survey_estimates
from pipelines.contracts import contract_by_table

ITEM = "involved_in_decisions"
ITEMS = pl.DataFrame(
    {
        "instrument_id": ["patients", "patients"],
        "item_id": [ITEM, "has_care_plan"],
        "label": ["Felt involved", "Has a care plan"],
        "benefits": ["service_users", None],
        "is_user_defined": [True, False],
    }
)
POPULATIONS = pl.DataFrame({"population": ["site:north", "site:south"], "site_id": ["north", "south"]})
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}
PERIODS = {"1": "baseline", "2": "follow_up", "9": None}


def answers(*rows: tuple, extract: str = "patient_survey", item: str = ITEM) -> pl.DataFrame:
    """Rows of respondent, site, wave, answer: `1` positive, `2` not, `8` not counted, `7` unknown, None blank."""
    written = [
        {
            "extract": extract,
            "instrument_id": "patients",
            "respondent_id": respondent,
            "wave": wave,
            "item_id": item,
            "period": PERIODS[wave],
            "site_id": site,
            "role": None,
            "respondent_group": None,
            "age_band": "75+" if respondent.startswith("old") else "65-74",
            "design_weight": 3.0 if respondent.startswith("heavy") else 1.0,
            "answer": answer,
            "is_valid": answer in ("1", "2"),
            "is_positive": answer == "1",
            "is_not_counted": answer == "8",
        }
        for respondent, site, wave, answer in rows
    ]
    return pl.DataFrame(
        written, schema_overrides={"role": pl.String, "respondent_group": pl.String, "answer": pl.String}
    )


TWO_WAVES = (
    ("a", "north", "1", "1"),
    ("b", "north", "1", "2"),
    ("c", "south", "1", "8"),
    ("d", "south", "1", None),
    ("a", "north", "2", "1"),
    ("b", "north", "2", "1"),
    ("e", "south", "2", "2"),
    ("old-f", "south", "2", "1"),
    ("g", "south", "2", "7"),
)


def estimated(rows: pl.DataFrame, *, designs: tuple[SurveyDesign, ...] = ()) -> pl.DataFrame:
    return survey_estimates(
        rows, items=ITEMS, designs=designs, site_populations=POPULATIONS, protocol_hash="hash", run_id="run"
    )


def everyone(estimates: pl.DataFrame) -> dict:
    return estimates.filter(pl.col("group_name") == "all", pl.col("population") == "all_sites").row(0, named=True)


def test_columns_are_those_of_the_contract_in_order_and_type():
    columns = contract_by_table("survey_estimates").columns
    estimates = estimated(answers(*TWO_WAVES))
    assert estimates.columns == [column.name for column in columns]
    assert estimates.dtypes == [POLARS_TYPES[column.sql_type] for column in columns]


def test_every_row_of_a_wave_is_an_answer_not_counted_or_missing():
    row = everyone(estimated(answers(*TWO_WAVES)))
    counts = ("rows", "answers", "positive", "not_counted", "missing")
    assert [row[f"{count}_baseline"] for count in counts] == [4, 2, 1, 1, 1]
    assert [row[f"{count}_follow_up"] for count in counts] == [5, 4, 3, 0, 1]


def test_levels_are_percentages_of_valid_answers_and_the_change_is_in_points():
    row = everyone(estimated(answers(*TWO_WAVES)))
    assert (row["baseline_level"], row["follow_up_level"], row["change"]) == (50.0, 75.0, 25.0)
    assert row["change_low"] < 25.0 < row["change_high"]
    assert (row["unit"], row["design"], row["n_clusters"]) == ("percent", "uncontrolled", 4)


def test_the_response_rate_counts_whoever_answered_any_item():
    both = pl.concat([answers(*TWO_WAVES), answers(("d", "south", "1", "1"), item="has_care_plan")])
    row = everyone(estimated(answers(*TWO_WAVES)))
    assert row["response_rate_baseline_pct"] == 75.0
    assert everyone(estimated(both))["response_rate_baseline_pct"] is None


def test_without_blank_rows_the_response_rate_is_unknown_and_the_caution_says_why():
    row = everyone(estimated(answers(*TWO_WAVES)))
    assert row["response_rate_follow_up_pct"] is None
    assert "does not show who was asked" in row["caution"]


def test_groups_and_sites_have_rows_of_their_own_and_empty_ones_are_absent():
    estimates = estimated(answers(*TWO_WAVES))
    assert estimates.select("group_name", "population").rows() == [
        ("all", "all_sites"),
        ("all", "site:north"),
        ("all", "site:south"),
        ("age_band=65-74", "all_sites"),
        ("age_band=65-74", "site:north"),
        ("age_band=65-74", "site:south"),
        ("age_band=75+", "all_sites"),
        ("age_band=75+", "site:south"),
    ]


def test_a_wave_that_is_neither_before_nor_after_is_left_out():
    more = answers(*TWO_WAVES, ("x", "north", "9", "2"))
    assert everyone(estimated(more))["rows_baseline"] == 4


def test_a_survey_asked_once_has_a_level_and_says_that_there_is_no_change():
    row = everyone(estimated(answers(*(row for row in TWO_WAVES if row[2] == "2"))))
    assert (row["baseline_level"], row["follow_up_level"], row["change"]) == (None, 75.0, None)
    assert row["design"] == "follow_up_only"
    assert "one wave only" in row["caution"]


def test_an_item_that_the_survey_did_not_ask_is_absent():
    assert estimated(answers(*TWO_WAVES))["measure_id"].unique().to_list() == [ITEM]


def test_no_answers_give_an_empty_table_with_all_columns():
    empty = estimated(answers(*TWO_WAVES).clear())
    assert empty.height == 0
    assert empty.columns == estimated(answers(*TWO_WAVES)).columns


def test_weights_are_used_only_where_the_instrument_says_so():
    rows = answers(("heavy-a", "north", "1", "1"), ("b", "north", "1", "2"), ("c", "north", "2", "1"))
    weighted = SurveyDesign(instrument_id="patients", is_weighted=True)
    assert everyone(estimated(rows))["baseline_level"] == 50.0
    assert everyone(estimated(rows, designs=(weighted,)))["baseline_level"] == 75.0


def test_an_answer_without_a_weight_is_counted_but_not_in_the_level():
    rows = answers(("a", "north", "1", "1"), ("b", "north", "1", "2"), ("c", "north", "2", "1")).with_columns(
        design_weight=pl.when(pl.col("respondent_id") == "b").then(None).otherwise(2.0)
    )
    row = everyone(estimated(rows, designs=(SurveyDesign(instrument_id="patients", is_weighted=True),)))
    assert (row["answers_baseline"], row["baseline_level"]) == (2, 100.0)
    assert "without a weight" in row["caution"]


def test_sites_are_strata_only_where_the_instrument_says_so():
    # north goes from one in six to five in six, south the other way: within sites people differ less
    rows = answers(
        *((f"n{wave}{i}", "north", wave, "1" if (i > 0) == (wave == "2") else "2") for wave in "12" for i in range(6)),
        *((f"s{wave}{i}", "south", wave, "1" if (i > 0) == (wave == "1") else "2") for wave in "12" for i in range(6)),
    )
    stratified = everyone(estimated(rows, designs=(SurveyDesign(instrument_id="patients", is_stratified=True),)))
    assert stratified["standard_error"] < everyone(estimated(rows))["standard_error"]


def test_items_become_shares_in_the_table_of_metrics():
    metric = Metric(
        metric_id=ITEM, label="Involved", domain="experience", unit="share of valid answers", is_binary=True
    )
    estimates = estimated(answers(*TWO_WAVES))
    rows = survey_item_estimates(estimates, metrics=[metric])
    row = rows.row(0, named=True)
    assert rows.schema == pl.Schema(METRIC_ESTIMATES)
    assert rows["population"].to_list() == ["all_sites", "site:north", "site:south"]
    assert (row["pilot_baseline"], row["pilot_follow_up"], row["change"]) == (0.5, 0.75, 0.25)
    assert (row["design"], row["is_default"], row["relative_change_pct"], row["n_pilot"]) == (
        "uncontrolled",
        True,
        None,
        4,
    )
    assert row["minimum_detectable_change_pct"] == pytest.approx(2.801585 * everyone(estimates)["standard_error"])


def test_two_surveys_with_an_item_of_the_same_name_are_refused():
    both = pl.concat([answers(*TWO_WAVES), answers(*TWO_WAVES, extract="carer_survey")])
    with pytest.raises(ValueError, match=f"more than one survey: {ITEM}"):
        survey_item_estimates(estimated(both), metrics=[])
