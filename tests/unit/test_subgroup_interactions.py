"""Whether an effect differs between the values of a subgroup: by hand."""

import math

import polars as pl
import pytest

from evaluation.estimation import METRIC_ESTIMATES, SUBGROUP_INTERACTIONS, subgroup_interactions
from evaluation.estimation.pooling import pooled_effect
from pipelines.contracts import contract_by_table

Z = 1.9599639845400545
POLARS_TYPES = {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}


def row(population: str, log_ratio: float | None = None, error: float = 0.1, metric_id: str = "admissions") -> dict:
    known = {}
    if log_ratio is not None:
        values = (log_ratio, log_ratio - Z * error, log_ratio + Z * error)
        names = ("relative_change_pct", "relative_low_pct", "relative_high_pct")
        known = {name: 100 * math.expm1(value) for name, value in zip(names, values, strict=True)}
    head = {"metric_id": metric_id, "label": "Admissions", "population": population, "design": "weighted_cohort"}
    return dict.fromkeys(METRIC_ESTIMATES) | head | known


def interactions(*rows: dict) -> list[dict]:
    estimates = pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")
    return subgroup_interactions(estimates, protocol_hash="hash", run_id="run").rows(named=True)


def test_two_values_by_hand():
    (found,) = interactions(row("subgroup:age=under_75", 0.3), row("subgroup:age=75_and_over", 0.0))
    assert (found["subgroup"], found["chi_square"], found["degrees_of_freedom"]) == ("age", pytest.approx(4.5), 1)
    assert found["p_value"] == pytest.approx(math.erfc(math.sqrt(4.5 / 2)))
    # under 75 over 75 and over: exp(0.3), with an error of 0.1 x sqrt(2)
    limits = [100 * math.expm1(0.3 + sign * Z * math.sqrt(0.02)) for sign in (0, -1, 1)]
    assert [found[f"difference{part}_pct"] for part in ("", "_low", "_high")] == pytest.approx(limits)
    assert (found["lowest_value"], found["highest_value"]) == ("75_and_over", "under_75")


def test_several_values_are_tested_together_and_agree_with_cochrans_q():
    effects, errors = [0.0, 0.1, 0.3, -0.1], [0.1, 0.2, 0.1, 0.05]
    rows = [row(f"subgroup:deprivation={n}", *pair) for n, pair in enumerate(zip(effects, errors, strict=True))]
    (found,) = interactions(*rows)
    between = pooled_effect(effects, errors, sites=list("abcd")).heterogeneity
    assert (found["chi_square"], found["p_value"]) == pytest.approx((between.q, between.q_p_value))
    assert (found["degrees_of_freedom"], found["difference_pct"]) == (3, None)


def test_the_same_effect_everywhere_is_no_difference():
    (found,) = interactions(row("subgroup:age=a", 0.2), row("subgroup:age=b", 0.2, 0.3))
    assert (found["chi_square"], found["p_value"], found["difference_pct"]) == pytest.approx((0, 1, 0), abs=1e-9)


def test_values_without_an_interval_are_left_out_and_it_is_said():
    (found,) = interactions(
        *(row(f"subgroup:frailty={value}", effect) for value, effect in (("low", 0), ("high", None)))
    )
    assert (found["subgroup_values"], found["subgroup_values_used"], found["p_value"]) == (2, 1, None)
    assert "fewer than two values" in found["caution"]
    assert "too few people for an interval are left out" in found["caution"]


def test_each_metric_and_subgroup_has_a_row_and_other_populations_none():
    rows = [row(f"subgroup:{name}={n}", 0.1) for name in ("age", "frailty") for n in "ab"]
    others = [row("subgroup:age=a", 0.1, metric_id="died"), row("all_sites", 0.1), row("model:team", 0.1)]
    found = interactions(*rows, *others)
    assert [(one["metric_id"], one["subgroup"]) for one in found] == [
        ("admissions", "age"),
        ("admissions", "frailty"),
        ("died", "age"),
    ]
    assert all(one["caution"].startswith("Exploratory") for one in found)


def test_columns_are_those_of_the_contract_in_order_and_type():
    columns = contract_by_table("subgroup_interactions").columns
    assert list(SUBGROUP_INTERACTIONS) == [column.name for column in columns]
    assert {column.name: POLARS_TYPES[column.sql_type] for column in columns} == SUBGROUP_INTERACTIONS
    assert interactions() == []
