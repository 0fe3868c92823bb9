"""What is said of the default estimate of each protocol outcome: words and probabilities, by hand."""

import math

import polars as pl
import pytest

from evaluation.estimation import EFFECT_STATEMENTS, METRIC_ESTIMATES, SITE_POOLING, Metric, effect_statements
from pipelines.contracts import contract_by_table

Z = 1.9599639845400545
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}
ADMISSIONS = Metric(
    metric_id="admissions",
    label="Admissions",
    domain="utilisation",
    unit="admissions per person-year",
    priority="primary",
    smallest_worthwhile_change_pct=-5.0,
)
INVOLVED = Metric(
    metric_id="involved",
    label="Felt involved",
    domain="experience",
    unit="share of valid answers",
    priority="secondary",
    is_binary=True,
    is_item=True,
)
ATTENDANCES = Metric(metric_id="attendances", label="Attendances", domain="utilisation", unit="per person-year")


def row(log_ratio: float | None = -0.1, error: float | None = 0.1, **values: object) -> dict:
    known = {} if log_ratio is None else {"relative_change_pct": 100 * math.expm1(log_ratio), "change": log_ratio}
    if log_ratio is not None and error is not None:
        limits = [100 * math.expm1(log_ratio + sign * Z * error) for sign in (-1, 1)]
        known |= dict(zip(("relative_low_pct", "relative_high_pct"), limits, strict=True))
    return dict.fromkeys(METRIC_ESTIMATES) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "population": "all_sites",
        "design": "weighted_cohort",
        "is_default": True,
        "caution": "Weights are odd.",
    } | known | values  # fmt: skip


def across(**values: object) -> dict:
    return dict.fromkeys(SITE_POOLING) | {
        "metric_id": "admissions",
        "sites_used": 5,
        "random_change_pct": -8.0,
        "random_low_pct": -20.0,
        "random_high_pct": -1.0,
        "prediction_low_pct": -30.0,
        "prediction_high_pct": 21.0,
        "caution": "Weights are odd. Sites share a pool.",
    } | values  # fmt: skip


def stated(
    *rows: dict, pooling: tuple[dict, ...] = (), sites_as: str = "fixed", likely_pct: float = 20.0
) -> pl.DataFrame:
    estimates = pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")
    metrics = [ADMISSIONS, INVOLVED, ATTENDANCES]
    return effect_statements(
        estimates,
        metrics=metrics,
        pooling=pl.DataFrame(pooling, schema=SITE_POOLING, orient="row"),
        sites_as=sites_as,
        largest_likely_change_pct=likely_pct,
        protocol_hash="hash",
        run_id="run",
    )


def statement(**values: object) -> dict:
    return stated(row(**values)).row(0, named=True)


def normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def test_an_interval_that_covers_no_change_says_what_it_rules_out():
    # -0.1 +- 0.196: 25.6% fewer to 10.1% more, rounded outwards
    assert statement()["statement"] == (
        "No evidence of a change; falls larger than 26% and rises larger than 11% are ruled out. "
        "A fall of at least 5%, the smallest that is worth while, can be neither shown nor ruled out."
    )


def test_probabilities_by_hand():
    found = statement()
    # prior 0 and log(1.2) / 1.96 = 0.0930; precisions 100 and 115.6: mean -10 / 215.6, spread 1 / sqrt(215.6)
    precision = 100 + (Z / math.log(1.2)) ** 2
    mean, spread = -10 / precision, 1 / math.sqrt(precision)
    assert found["probability_fell"] == pytest.approx(normal(-mean / spread))
    assert found["probability_rose"] == pytest.approx(1 - normal(-mean / spread))
    assert found["probability_worthwhile"] == pytest.approx(normal((math.log(0.95) - mean) / spread))
    assert found["prior"] == "Before the data: a change between -17% and +20% held to be 95% likely."
    assert "hidden confounding is not in them" in found["caution"]
    assert found["caution"].startswith("Weights are odd.")


def test_the_spread_of_the_prior_is_stated_beside_probabilities_that_follow_it():
    # -0.1 with error 0.1; a prior of 50%: sd log(1.5) / 1.96 = 0.2069: mean -0.1 x 100 / (100 + 23.37) = -0.08106,
    # spread 1 / sqrt(123.37) = 0.09003: 0.9003 of them, 81.6%; of 20%: sd 0.0930, 75.2%
    wide = stated(row(), likely_pct=50.0).row(0, named=True)
    assert wide["prior"] == "Before the data: a change between -33% and +50% held to be 95% likely."
    assert wide["probability_fell"] == pytest.approx(0.816, abs=0.0005)
    assert statement()["probability_fell"] < wide["probability_fell"]


def test_nothing_seen_is_even_odds():
    assert statement(log_ratio=0.0)["probability_fell"] == pytest.approx(0.5)


@pytest.mark.parametrize("design", ["uncontrolled", "unmatched_did"])
def test_a_change_without_people_like_the_pilots_has_no_probabilities_and_no_verdict_on_what_is_worth_while(design):
    found = statement(design=design, log_ratio=-0.5)
    assert [found[f"probability_{what}"] for what in ("fell", "worthwhile", "rose")] == [None] * 3
    assert found["prior"] is None
    assert "not the effect of the pilot." in found["statement"]
    assert "worth while" not in found["statement"]
    assert "which this design does not show" in found["caution"]


def test_without_an_interval_there_are_no_probabilities():
    found = statement(error=None)
    assert found["probability_fell"] is None
    assert "No probabilities: there is no interval." in found["caution"]
    assert found["statement"].startswith("A fall of about 9.5%, without an interval")


def test_without_an_estimate_nothing_is_stated():
    assert statement(log_ratio=None)["statement"] == "No effect can be stated."
    assert statement(log_ratio=None, design="uncontrolled")["statement"] == "No effect can be stated."


def test_an_item_changes_in_points_and_has_no_probabilities():
    item = {"metric_id": "involved", "priority": "secondary", "design": "uncontrolled", "log_ratio": None}
    found = statement(**item, change=-0.05, change_low=-0.08, change_high=-0.02)
    assert found["statement"] == (
        "A fall of about 5 points (95% interval 2 points to 8 points). "
        "This is a change over time, not the effect of the pilot."
    )
    assert [found[f"change{part}_points"] for part in ("", "_low", "_high")] == pytest.approx([-5, -8, -2])
    assert found["probability_fell"] is None


def test_a_default_estimate_is_held_against_change_from_before_the_crisis():
    found = stated(row(), row(design="matched_did", is_default=False, log_ratio=-0.05)).row(0, named=True)
    # -0.1 and -0.05, both +- 0.196
    assert found["designs_agree"] is True
    assert found["bracket_low_pct"] == pytest.approx(100 * math.expm1(-0.1 - Z * 0.1))
    assert found["bracket_high_pct"] == pytest.approx(100 * math.expm1(-0.05 + Z * 0.1))
    assert found["bracket"].endswith("between -26% and +16%, their lowest and highest 95% limit.")


def test_without_a_second_design_the_bracket_is_not_known():
    found = statement()
    assert (found["designs_agree"], found["bracket_low_pct"], found["bracket_high_pct"]) == (None, None, None)
    assert found["bracket"].startswith("Whether two designs agree is not known")


def test_sites_as_random_states_the_mean_across_sites_with_its_prediction_interval():
    found = stated(row(), pooling=(across(),), sites_as="random").row(0, named=True)
    assert found["statement"] == (
        "A fall of about 8% (95% interval 1% to 20%). A fall of at least 5%, the smallest that is worth while, can be "
        "neither shown nor ruled out. This is the mean over sites such as these, random effects. Another site like "
        "these may expect between -30% and +21% (95% prediction interval)."
    )
    assert [found[f"relative_{part}_pct"] for part in ("change", "low", "high")] == [-8.0, -20.0, -1.0]
    assert found["sites_as"] == "random"
    assert found["caution"].startswith("Weights are odd. Sites share a pool. The probabilities")
    error = (math.log(0.99) - math.log(0.8)) / (2 * Z)
    precision = 1 / error**2 + (Z / math.log(1.2)) ** 2
    mean, spread = math.log(0.92) / error**2 / precision, 1 / math.sqrt(precision)
    assert found["probability_fell"] == pytest.approx(normal(-mean / spread))


def test_what_the_look_does_not_count_as_a_finding_is_stated_as_seen():
    # z = -0.217 / 0.1 = -2.17, p = 0.03: 95% -34% to -2%, at 0.003 three errors (2.968) each way: -40% to +8%
    at_look = statement(log_ratio=-0.217, nominal_level=0.003, interim=True)
    assert at_look["statement"] == (
        "A fall of about 20% (95% interval 2.1% to 34%). This is what is seen, not a finding: at this look only a "
        "p-value up to 0.003 would count as a finding. A fall of at least 5%, the smallest that is worth while, can be "
        "neither shown nor ruled out."
    )
    assert (at_look["nominal_level"], at_look["interim"]) == (0.003, True)
    without_looks = statement(log_ratio=-0.217)
    assert without_looks["statement"].startswith("A fall of about 20% (95% interval 2.1% to 34%). A fall of at least")
    assert (without_looks["nominal_level"], without_looks["interim"]) == (None, None)


def test_the_mean_across_sites_is_held_to_the_level_with_students_t():
    # -20% (-35 to -1.5) of five sites, at 0.04: t(4) 2.999 in place of 2.776 reaches +0.03%, a normal one would not
    mean = across(random_change_pct=-20.0, random_low_pct=-35.0, random_high_pct=-1.5)
    words = stated(row(nominal_level=0.04), pooling=(mean,), sites_as="random").row(0, named=True)["statement"]
    assert "at this look only a p-value up to 0.04 would count as a finding" in words


def test_sites_as_fixed_states_the_effect_in_these_pilots_whatever_was_pooled():
    found = stated(row(), pooling=(across(),)).row(0, named=True)
    assert found["sites_as"] == "fixed"
    assert found == statement()


def test_where_nothing_was_pooled_random_falls_back_to_these_pilots_and_says_so():
    nothing = across(random_change_pct=None, random_low_pct=None, random_high_pct=None)
    item = row(metric_id="involved", priority="secondary", design="uncontrolled", log_ratio=None, change=-0.05)
    for pooling in ((nothing,), ()):
        rows = stated(row(), item, pooling=pooling, sites_as="random").rows(named=True)
        assert [one["sites_as"] for one in rows] == ["fixed", "fixed"]
        assert all("which cannot be had here: this is the effect in these pilots" in one["caution"] for one in rows)
        assert rows[0]["statement"] == statement()["statement"]


def test_two_sites_give_a_mean_and_no_prediction():
    pooling = (across(prediction_low_pct=None, prediction_high_pct=None),)
    found = stated(row(), pooling=pooling, sites_as="random").row(0, named=True)
    assert found["statement"].endswith("With so few sites nothing can be said of another one.")


def test_sites_as_is_of_all_sites_alone():
    found = stated(row(population="site:a"), pooling=(across(),), sites_as="random").row(0, named=True)
    assert found["sites_as"] is None
    assert found["relative_change_pct"] == pytest.approx(100 * math.expm1(-0.1))


def test_the_bracket_is_of_these_pilots_where_the_headline_is_the_mean_across_sites():
    did = row(design="matched_did", is_default=False, log_ratio=-0.05)
    fixed = stated(row(), did)["bracket"][0]
    random = stated(row(), did, pooling=(across(),), sites_as="random")["bracket"][0]
    assert random == f"Of these pilots, all people together, not of the mean: {fixed}"


def test_only_default_rows_of_protocol_outcomes_are_stated_in_each_population():
    found = stated(
        row(),
        row(population="site:a"),
        row(design="matched_did", is_default=False),
        row(metric_id="attendances", priority="exploratory"),
        row(population="subgroup:age=under_75", priority="exploratory"),
    )
    assert found["population"].to_list() == ["all_sites", "site:a"]


def test_columns_are_those_of_the_contract_in_order_and_type():
    columns = contract_by_table("effect_statements").columns
    assert list(EFFECT_STATEMENTS) == [column.name for column in columns]
    assert {column.name: POLARS_TYPES[column.sql_type] for column in columns} == EFFECT_STATEMENTS
