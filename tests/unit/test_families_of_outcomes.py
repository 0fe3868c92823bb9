"""Which p-values are adjusted together, and what they become: by hand."""

import polars as pl
import pytest

from evaluation.estimation import with_adjusted_p_values

P, S, E = "primary", "secondary", "exploratory"


def adjusted(*rows: tuple) -> list[tuple]:
    """Rows of population, priority, is_default, p-value, as (family, p_adjusted)."""
    names = ("population", "priority", "is_default", "p_value")
    found = with_adjusted_p_values(pl.DataFrame(rows, schema=names, orient="row"))
    assert found.columns == [*names, "p_adjusted", "family"]
    return found.select("family", pl.col("p_adjusted").round(12)).rows()


def test_primary_outcomes_are_adjusted_by_holm_and_secondary_ones_by_benjamini_hochberg():
    rows = [("all_sites", priority, True, p) for priority in (P, S) for p in (0.01, 0.04, 0.03)]
    assert adjusted(*rows) == [(P, 0.03), (P, 0.06), (P, 0.06), (S, 0.03), (S, 0.04), (S, 0.04)]


def test_each_population_is_a_family_of_its_own():
    rows = [("all_sites", P, True, 0.01), ("site:a", P, True, 0.02), ("all_sites", P, True, 0.3)]
    assert adjusted(*rows) == [(P, 0.02), (P, 0.02), (P, 0.3)]


def test_other_designs_and_exploratory_metrics_are_neither_adjusted_nor_counted():
    rows = [("all_sites", P, True, 0.02), ("all_sites", P, False, 0.001), ("all_sites", E, True, 0.001)]
    assert adjusted(*rows) == [(P, 0.02), (None, None), (None, None)]


def test_an_outcome_without_a_p_value_does_not_count():
    assert adjusted(("all_sites", S, True, None), ("all_sites", S, True, 0.02)) == [(None, None), (S, 0.02)]


@pytest.mark.parametrize("priority", [P, S])
def test_an_adjusted_p_value_is_never_smaller(priority):
    p_values = [0.2, 0.01, 0.5, 0.049, 0.05]
    found = adjusted(*(("all_sites", priority, True, p) for p in p_values))
    assert all(p <= new <= 1 for p, (_, new) in zip(p_values, found, strict=True))
