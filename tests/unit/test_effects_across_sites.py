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


def row(population: str, observed: float | None, expected: float = 100, **values: object) -> dict:
    """What happened in 100 person-years where `expected` was due, with the error of a Poisson count."""
    log_ratio = None if observed is None else math.log(observed / expected)
    limits = None if log_ratio is None else (log_ratio - Z / observed**0.5, log_ratio + Z / observed**0.5)
    return dict.fromkeys(METRIC_ESTIMATES) | {
        "metric_id": "admissions",
        "population": population,
        "design": "weighted_cohort",
        "is_default": True,
        "n_pilot": 100,
        "person_years_pilot": 100.0,
        "pilot_follow_up": None if observed is None else observed / 100,
        "relative_change_pct": None if log_ratio is None else pct(log_ratio),
        "relative_low_pct": limits and pct(limits[0]),
        "relative_high_pct": limits and pct(limits[1]),
        "caution": "Weights are odd.",
    } | values  # fmt: skip


WITHOUT_INTERVAL = {"relative_low_pct": None, "relative_high_pct": None}
A, B = row("site:a", 80), row("site:b", 120)
EVERYONE = row("all_sites", 200, 200, n_pilot=300)


def found(*rows: dict):
    estimates = pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")
    return across_sites(estimates, metrics=[ADMISSIONS], protocol_hash="hash", run_id="run")


def pooled(*rows: dict) -> dict:
    return found(EVERYONE, *rows).pooling.row(0, named=True)


def sites(*rows: dict) -> dict[str, dict]:
    return {site["site_id"]: site for site in found(EVERYONE, *rows).sites.iter_rows(named=True)}


def test_two_sites_by_hand():
    across = pooled(A, B)
    # 80 and 120 where 100 are due: -0.2 and 0.2, each with error 0.1 (a Poisson count of 100), mean 0.
    # tau2 = variance of -0.2 and 0.2 less 0.01 = 0.07; each with variance 0.08, the mean with 0.04; t of 1 df.
    assert across["random_change_pct"] == pytest.approx(0, abs=1e-9)
    assert (across["tau2"], across["q"]) == pytest.approx((0.07, 8))
    assert across["random_low_pct"] == pytest.approx(pct(-12.7062047 * 0.2))
    assert across["random_high_pct"] == pytest.approx(pct(12.7062047 * 0.2))
    assert across["fixed_high_pct"] == pytest.approx(pct(Z * 0.1 / math.sqrt(2)))
    assert (across["prediction_low_pct"], across["without_one_lowest_pct"]) == (None, None)
    assert (across["sites"], across["sites_used"], across["pilot_people_used"]) == (2, 2, 200)
    entered = [(site["entered_change_pct"], site["entered_log_error"]) for site in sites(A, B).values()]
    assert entered == [pytest.approx((pct(-0.2), 0.1)), pytest.approx((pct(0.2), 0.1))]


def test_a_larger_site_counts_more_where_sites_do_not_differ():
    # 135 happened where 125 were due: by what was due, the mean is the common ratio of 1.08.
    across = pooled(row("site:a", 105), row("site:b", 30, 25))
    assert across["tau2"] == 0
    assert across["random_change_pct"] == across["fixed_change_pct"] == pytest.approx(8)


def test_each_site_in_turn_is_left_out():
    rows = (A, row("site:b", 100), row("site:c", 120))
    assert [site["without_site_change_pct"] for site in sites(*rows).values()] == pytest.approx(
        [pct(0.1), 0, pct(-0.1)], abs=1e-9
    )
    across = pooled(*rows)
    assert (across["without_one_lowest_pct"], across["without_one_highest_pct"]) == pytest.approx((pct(-0.1), pct(0.1)))
    assert across["prediction_low_pct"] < across["random_low_pct"]


def test_a_site_is_drawn_towards_the_mean_by_half_where_chance_and_sites_vary_alike():
    # -0.1 and 0.1 have a variance of 0.02, of which tau2 = 0.01 is as large as each site's own: they go halfway to 0.
    shrunken = [site["shrunken_change_pct"] for site in sites(row("site:a", 90), row("site:b", 110)).values()]
    assert shrunken == pytest.approx([pct(-0.05), pct(0.05)])


def test_sites_without_people_or_estimate_or_of_which_too_little_is_expected_are_left_out_and_the_reasons_are_said():
    rows = (
        A,
        B,
        row("site:c", None, n_pilot=0),
        row("site:d", None, n_pilot=0),
        row("site:e", None),
        row("site:f", 3, 3, **WITHOUT_INTERVAL),
    )
    across = pooled(*rows)
    assert across["left_out"] == (
        "Too few people for a comparison of its own: 2 sites. No estimate could be computed: 1 site. "
        "Too little is expected of so few people: 1 site."
    )
    assert (across["sites"], across["sites_used"]) == (6, 2)
    assert "Most sites are too small" in across["caution"]
    left = sites(*rows)["f"]
    assert (left["is_used"], left["relative_change_pct"], left["entered_change_pct"]) == (False, None, None)
    assert left["left_out_reason"].startswith("Too little is expected")


def test_a_site_where_little_happened_enters_if_enough_was_expected_so_that_luck_leaves_nobody_out():
    unlucky = row("site:c", 5, 10, **WITHOUT_INTERVAL)
    site = sites(A, B, unlucky)["c"]
    assert site["is_used"]
    assert site["relative_change_pct"] is None
    # 205 happened where 210 were due; the variance of a unit is 1 by the sites with an interval.
    common = 205 / 210
    assert site["entered_change_pct"] == pytest.approx(pct(math.log(common) + 5 / (10 * common) - 1))
    assert site["entered_log_error"] == pytest.approx(1 / math.sqrt(10 * common))


def test_where_no_site_has_an_interval_nothing_is_pooled():
    across = pooled(A | WITHOUT_INTERVAL, B | WITHOUT_INTERVAL)
    assert (across["random_change_pct"], across["sites_used"]) == (None, 0)


def test_another_design_of_a_site_is_not_mixed_in():
    other = row("site:c", 300, design="matched_did")
    assert pooled(A, B, other)["sites"] == 2


def test_fewer_than_two_sites_are_not_pooled_and_the_row_says_so():
    across = pooled(A, row("site:b", None, n_pilot=0))
    assert (across["random_change_pct"], across["tau2"], across["sites_used"]) == (None, None, 0)
    assert "fewer than two sites" in across["caution"]
    assert sites(A)["a"]["left_out_reason"].startswith("Nothing is pooled")


@pytest.mark.parametrize("design", ["uncontrolled", "unmatched_did"])
def test_changes_without_people_like_the_pilots_are_never_pooled(design):
    everyone = EVERYONE | {"design": design}
    across = found(everyone, A | {"design": design}, B | {"design": design})
    assert across.pooling["random_change_pct"].to_list() == [None]
    assert "no comparison people like the pilot's" in across.pooling["caution"][0]
    assert across.sites.is_empty()


def test_the_caution_names_the_design_the_shared_pool_and_few_sites():
    caution = pooled(A, B)["caution"]
    for words in ("weighted to have the same recorded history", "people from the same pool", "Fewer than 5 sites"):
        assert words in caution


def test_models_and_other_populations_are_no_sites():
    assert pooled(A, B, row("model:team", 500))["sites"] == 2


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
    estimates = pl.DataFrame([EVERYONE, A, B], schema=METRIC_ESTIMATES, orient="row")
    frozen = {"metrics": [ADMISSIONS], "protocol_hash": "hash", "run_id": "run", "design_state": "Design frozen."}
    caution = across_sites(estimates, **frozen).pooling["caution"][0]
    assert "Design frozen." in caution
    assert "not frozen" not in caution
