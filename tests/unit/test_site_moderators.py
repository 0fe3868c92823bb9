"""The table of what sites are like, by hand: strata described, and a regression from ten sites a coefficient on."""

import math

import polars as pl
import pytest

from evaluation.estimation import SITE_EFFECTS, SITE_MODERATORS, site_moderators
from pipelines.contracts import contract_by_table
from pipelines.study_tables import SITES

POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}
Z = 1.9599639845400545
NUMBERS = ("difference_pct", "difference_low_pct", "difference_high_pct", "p_value", "tau2", "tau2_without")


def pct(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)


def effect(site: str, log_ratio: float | None, **values: object) -> dict:
    known = {}
    if log_ratio is not None:
        limits = (pct(log_ratio), pct(log_ratio - Z * 0.1), pct(log_ratio + Z * 0.1))
        known = dict(zip(("relative_change_pct", "relative_low_pct", "relative_high_pct"), limits, strict=True))
        known |= {"entered_change_pct": limits[0], "entered_log_error": 0.1}
    return dict.fromkeys(SITE_EFFECTS) | {
        "metric_id": "admissions",
        "label": "Admissions",
        "priority": "primary",
        "site_id": site,
        "design": "weighted_cohort",
        "is_used": log_ratio is not None,
    } | known | values  # fmt: skip


def found(effects: list[dict], sites: list[dict]) -> pl.DataFrame:
    return site_moderators(
        pl.DataFrame(effects, schema=SITE_EFFECTS, orient="row"),
        sites=pl.DataFrame([dict.fromkeys(SITES) | site for site in sites], schema=SITES, orient="row"),
        protocol_hash="hash",
        run_id="run",
    )


def about(table: pl.DataFrame, moderator: str, kind: str) -> dict[str, dict]:
    rows = table.filter(pl.col("moderator") == moderator, pl.col("row_kind") == kind).rows(named=True)
    return {row["value"]: row for row in rows}


TEN = [effect(f"s{number}", 0.2 if number >= 5 else 0.0) for number in range(10)]
KINDS = [{"site_id": f"s{number}", "case_management": number >= 5, "depth": float(number)} for number in range(10)]


def test_ten_sites_of_two_kinds_have_a_difference():
    row = about(found(TEN, KINDS), "case_management", "coefficient")["true against false"]
    assert row["difference_pct"] == pytest.approx(pct(0.2))
    error = 0.1 * math.sqrt(2 / 5)
    assert row["difference_low_pct"] == pytest.approx(pct(0.2 - 2.306004 * error), abs=1e-4)
    assert row["tau2"] == pytest.approx(0, abs=1e-12)
    assert row["tau2_without"] == pytest.approx(10 * 0.01 / 9 - 0.01)  # spread of five 0 and five 0.2, less 0.1 squared
    assert (row["sites"], row["sites_used"]) == (10, 10)
    assert row["caution"].startswith("Compared after the index date")
    assert "Exploratory: sites were not assigned" in row["caution"]


def test_a_difference_that_rests_on_few_sites_says_so():
    lone = [site | {"case_management": site["site_id"] == "s9"} for site in KINDS]
    row = about(found(TEN, lone), "case_management", "coefficient")["true against false"]
    assert row["difference_pct"] is not None
    assert "Fewer than 5 sites are alike on one side" in row["caution"]
    five = about(found(TEN, KINDS), "case_management", "coefficient")["true against false"]
    assert "alike on one side" not in five["caution"]
    assert "alike on one side" not in about(found(TEN, KINDS), "depth", "coefficient")["per unit"]["caution"]


def test_strata_are_described_without_an_estimate():
    strata = about(found(TEN, KINDS), "case_management", "stratum")
    assert list(strata) == ["false", "true"]
    assert [strata["true"][name] for name in ("sites", "sites_used")] == [5, 5]
    assert (strata["true"]["lowest_change_pct"], strata["true"]["highest_change_pct"]) == pytest.approx((pct(0.2),) * 2)
    assert [strata["true"][name] for name in NUMBERS] == [None] * 6
    assert "Described only" in strata["true"]["caution"]


def test_below_ten_sites_a_coefficient_nothing_is_estimated_and_the_row_says_why():
    nine = [*TEN[:9], effect("s9", None)]
    row = about(found(nine, KINDS), "case_management", "coefficient")["true against false"]
    assert [row[name] for name in NUMBERS] == [None] * 6
    assert (row["sites"], row["sites_used"]) == (10, 9)
    assert "No regression: fewer than 10 sites a coefficient." in row["caution"]
    three = [site | {"leutz_level": ["linkage", "co-ordination", "full"][i % 3]} for i, site in enumerate(KINDS)]
    rows = about(found(TEN, three), "leutz_level", "coefficient")
    # s0, s3, s6 and s9 link: the most frequent is what the others are held against
    assert list(rows) == ["co-ordination against linkage", "full against linkage"]
    assert all(row["difference_pct"] is None for row in rows.values())


def test_an_amount_has_one_slope():
    slope = [effect(f"s{number}", 0.01 * number) for number in range(10)]
    row = about(found(slope, KINDS), "depth", "coefficient")["per unit"]
    assert row["difference_pct"] == pytest.approx(pct(0.01))
    assert list(about(found(slope, KINDS), "depth", "stratum")) == [str(number) for number in range(10)]


def test_a_site_with_two_models_counts_in_both():
    sites = [{"site_id": f"s{n}", "models": "team; budget" if n >= 5 else "team"} for n in range(10)]
    table = found(TEN, sites)
    assert about(table, "model:budget", "coefficient")["true against false"]["difference_pct"] == pytest.approx(
        pct(0.2)
    )
    alike = about(table, "model:team", "coefficient")["any"]
    assert alike["difference_pct"] is None
    assert "are all alike in this" in alike["caution"]


def test_sites_of_which_it_is_not_known_are_left_out():
    some = [site | ({"case_management": None} if site["site_id"] == "s0" else {}) for site in KINDS]
    row = about(found(TEN, some), "case_management", "coefficient")["true against false"]
    assert (row["sites"], row["difference_pct"]) == (9, None)
    assert found(TEN, [{"site_id": "s0"}]).is_empty()


def test_a_stratum_without_an_estimate_says_so():
    none = about(found([*TEN[:9], effect("s9", None)], KINDS), "depth", "stratum")["9"]
    assert (none["sites"], none["sites_used"], none["lowest_change_pct"]) == (1, 0, None)
    assert "No site with this has an estimate with an interval." in none["caution"]


def test_exploratory_metrics_are_not_looked_at():
    assert found([row | {"priority": "exploratory"} for row in TEN], KINDS).is_empty()


def test_columns_are_those_of_the_contract_in_order_and_type():
    columns = contract_by_table("site_moderators").columns
    assert {column.name: POLARS_TYPES[column.sql_type] for column in columns} == SITE_MODERATORS
    assert list(SITE_MODERATORS) == [column.name for column in columns]
