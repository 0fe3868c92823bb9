"""The tables across sites, by hand: who is pooled, who is left out and why, and what is said of it."""

import math

import polars as pl
import pytest

from evaluation.estimation import METRIC_ESTIMATES, SITE_EFFECTS, SITE_POOLING, Metric, across_sites
from pipelines.contracts import contract_by_table

ADMISSIONS = Metric(
    metric_id="admissions",
    label="Admissions",
    domain="utilisation",
    unit="admissions per person-year",
    priority="primary",
)
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}
Z = 1.9599639845400545


def pct(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)


def row(population: str, log_ratio: float | None, error: float | None = 0.1, **values: object) -> dict:
    limits = None if log_ratio is None or error is None else (log_ratio - Z * error, log_ratio + Z * error)
    return dict.fromkeys(METRIC_ESTIMATES) | {
        "metric_id": "admissions",
        "population": population,
        "design": "weighted_cohort",
        "is_default": True,
        "n_pilot": 100,
        "relative_change_pct": None if log_ratio is None else pct(log_ratio),
        "relative_low_pct": limits and pct(limits[0]),
        "relative_high_pct": limits and pct(limits[1]),
        "caution": "Weights are odd.",
    } | values  # fmt: skip


EVERYONE = row("all_sites", 0.05, n_pilot=300)


def found(*rows: dict):
    estimates = pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")
    return across_sites(estimates, metrics=[ADMISSIONS], protocol_hash="hash", run_id="run")


def pooled(*rows: dict) -> dict:
    return found(EVERYONE, *rows).pooling.row(0, named=True)


def sites(*rows: dict) -> dict[str, dict]:
    return {site["site_id"]: site for site in found(EVERYONE, *rows).sites.iter_rows(named=True)}


def test_two_sites_by_hand():
    across = pooled(row("site:a", 0.0), row("site:b", 0.2))
    # mean 0.1; tau2 = variance of 0 and 0.2 less 0.01 = 0.01; each with variance 0.02, the mean with 0.01; t of 1 df
    assert across["random_change_pct"] == pytest.approx(pct(0.1))
    assert (across["tau2"], across["q"]) == pytest.approx((0.01, 2))
    assert across["random_low_pct"] == pytest.approx(pct(0.1 - 12.7062047 * 0.1))
    assert across["random_high_pct"] == pytest.approx(pct(0.1 + 12.7062047 * 0.1))
    assert across["fixed_change_pct"] == pytest.approx(pct(0.1))
    assert across["fixed_high_pct"] == pytest.approx(pct(0.1 + Z * 0.1 / math.sqrt(2)))
    assert (across["prediction_low_pct"], across["without_one_lowest_pct"]) == (None, None)
    assert (across["sites"], across["sites_used"], across["pilot_people_used"]) == (2, 2, 200)


def test_a_larger_site_counts_more_where_sites_do_not_differ():
    # no variance between sites: weights 100 and 25, mean (100 x 0.1 + 25 x 0.15) / 125 = 0.11
    across = pooled(row("site:a", 0.1, 0.1), row("site:b", 0.15, 0.2))
    assert across["tau2"] == 0
    assert across["random_change_pct"] == across["fixed_change_pct"] == pytest.approx(pct(0.11))


def test_each_site_in_turn_is_left_out():
    rows = (row("site:a", 0.0), row("site:b", 0.2), row("site:c", 0.4))
    assert [site["without_site_change_pct"] for site in sites(*rows).values()] == pytest.approx(
        [pct(0.3), pct(0.2), pct(0.1)]
    )
    across = pooled(*rows)
    assert (across["without_one_lowest_pct"], across["without_one_highest_pct"]) == pytest.approx((pct(0.1), pct(0.3)))
    assert across["prediction_low_pct"] < across["random_low_pct"]


def test_a_site_is_drawn_towards_the_mean_by_half_where_chance_and_sites_vary_alike():
    # tau2 = 0.01 is as large as each site's variance: 0 and 0.2 go halfway to 0.1
    shrunken = [site["shrunken_change_pct"] for site in sites(row("site:a", 0.0), row("site:b", 0.2)).values()]
    assert shrunken == pytest.approx([pct(0.05), pct(0.15)])


def test_sites_without_people_estimate_or_interval_are_left_out_and_the_reasons_are_said():
    rows = (
        row("site:a", 0.0),
        row("site:b", 0.2),
        row("site:c", None, n_pilot=0),
        row("site:d", None, n_pilot=0),
        row("site:e", None),
        row("site:f", 0.9, None),
    )
    across = pooled(*rows)
    assert across["random_change_pct"] == pytest.approx(pct(0.1))
    assert across["left_out"] == (
        "Too few people for a comparison of its own: 2 sites. No estimate could be computed: 1 site. "
        "Too few people of an arm had any event for an interval: 1 site."
    )
    assert (across["sites"], across["sites_used"]) == (6, 2)
    assert "Most sites are too small" in across["caution"]
    left = sites(*rows)["f"]
    assert (left["is_used"], left["relative_change_pct"], left["shrunken_change_pct"]) == (False, None, None)
    assert left["left_out_reason"].startswith("Too few people of an arm had any event")


def test_another_design_of_a_site_is_not_mixed_in():
    other = row("site:c", 3.0, design="matched_did")
    assert pooled(row("site:a", 0.0), row("site:b", 0.2), other)["sites"] == 2


def test_fewer_than_two_sites_are_not_pooled_and_the_row_says_so():
    across = pooled(row("site:a", 0.1), row("site:b", None, n_pilot=0))
    assert (across["random_change_pct"], across["tau2"], across["sites_used"]) == (None, None, 0)
    assert "fewer than two sites" in across["caution"]
    assert sites(row("site:a", 0.1))["a"]["left_out_reason"].startswith("Nothing is pooled")


@pytest.mark.parametrize("design", ["uncontrolled", "unmatched_did"])
def test_changes_without_people_like_the_pilots_are_never_pooled(design):
    everyone = EVERYONE | {"design": design}
    across = found(everyone, row("site:a", 0.0, design=design), row("site:b", 0.2, design=design))
    assert across.pooling["random_change_pct"].to_list() == [None]
    assert "no comparison people like the pilot's" in across.pooling["caution"][0]
    assert across.sites.is_empty()


def test_the_caution_names_the_design_the_shared_pool_and_few_sites():
    caution = pooled(row("site:a", 0.0), row("site:b", 0.2))["caution"]
    for words in ("weighted to have the same recorded history", "people from the same pool", "Fewer than 5 sites"):
        assert words in caution


def test_models_and_other_populations_are_no_sites():
    assert pooled(row("site:a", 0.0), row("site:b", 0.2), row("model:team", 5.0))["sites"] == 2


@pytest.mark.parametrize(("table", "schema"), [("site_pooling", SITE_POOLING), ("site_effects", SITE_EFFECTS)])
def test_columns_are_those_of_the_contract_in_order_and_type(table, schema):
    columns = contract_by_table(table).columns
    assert {column.name: POLARS_TYPES[column.sql_type] for column in columns} == schema
    assert list(schema) == [column.name for column in columns]


def test_without_any_estimate_the_tables_are_empty_and_have_their_columns():
    across = found()
    assert (across.pooling.height, across.sites.height) == (0, 0)
    assert across.pooling.schema == SITE_POOLING


def test_the_caution_across_sites_says_that_the_design_was_frozen():
    estimates = pl.DataFrame([EVERYONE, row("site:a", 0.0), row("site:b", 0.2)], schema=METRIC_ESTIMATES, orient="row")
    frozen = {"metrics": [ADMISSIONS], "protocol_hash": "hash", "run_id": "run", "design_state": "Design frozen."}
    caution = across_sites(estimates, **frozen).pooling["caution"][0]
    assert "Design frozen." in caution
    assert "not frozen" not in caution
