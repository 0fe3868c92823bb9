"""Entropy balancing and overlap weights, by hand, and what is said where no weights exist."""

import polars as pl
import pytest

from evaluation.matching import (
    MatchingError,
    NoOverlapError,
    Terms,
    design_matrix,
    entropy_balance,
)


def design_of(cases: list[float], controls: list[float], flags: list[float] | None = None):
    values = [*cases, *controls]
    frame = pl.DataFrame(
        {
            "person_id": [f"p{number:03d}" for number in range(len(values))],
            "x": values,
            "flag": flags or [0.0] * len(values),
        }
    )
    cohort = frame.with_columns(is_treated=pl.Series([True] * len(cases) + [False] * len(controls), dtype=pl.Boolean))
    return design_matrix(cohort, terms=Terms(linear=("x", "flag"))), cohort


def weights_of(found) -> list[float]:
    return found.weights["weight"].to_list()


def test_weights_are_those_of_the_worked_example():
    design, cohort = design_of([0.5, 1.0], [0, 1])
    found = entropy_balance(design, cohort=cohort)
    assert weights_of(found) == pytest.approx([1, 1, 0.5, 1.5])
    assert found.largest_imbalance < 1e-8
    assert found.effective_controls == pytest.approx(1 / (0.25**2 + 0.75**2))
    assert found.largest_share == pytest.approx(0.75)


def test_base_weights_are_kept_where_they_balance_already():
    design, cohort = design_of([0.5, 1.0], [0, 1, 1])
    base = [1.0, 1.0, 0.5, 0.75, 0.75]
    found = entropy_balance(design, cohort=cohort.with_columns(base=pl.Series(base)), base_weight="base")
    assert weights_of(found) == pytest.approx(base)


def test_a_mean_outside_the_range_of_the_controls_is_named():
    design, cohort = design_of([3, 4], [0, 1, 2])
    with pytest.raises(NoOverlapError, match="means of x;") as error:
        entropy_balance(design, cohort=cohort)
    assert error.value.covariates == ("x",)


def test_means_that_are_each_in_range_but_not_together_are_named():
    # Controls have either high x or the flag, cases have both.
    design, cohort = design_of([3, 3, 0], [0, 1, 3, 3], flags=[1, 1, 0, 1, 1, 0, 0])
    with pytest.raises(NoOverlapError, match="x") as error:
        entropy_balance(design, cohort=cohort)
    assert set(error.value.covariates) <= {"x", "flag"}


def test_controls_with_a_flag_that_no_case_has_weigh_nothing():
    design, cohort = design_of([0.5, 1], [0, 1, 1, 0], flags=[0, 0, 0, 0, 1, 1])
    found = entropy_balance(design, cohort=cohort)
    assert weights_of(found) == pytest.approx([1, 1, 0.5, 1.5, 0, 0])
    assert found.edges == ("flag",)


def test_no_cases_are_an_error():
    design, cohort = design_of([], [0, 1])
    with pytest.raises(MatchingError, match="cases and controls"):
        entropy_balance(design, cohort=cohort)


def test_other_people_than_those_of_the_design_are_an_error():
    design, cohort = design_of([0.5, 1.0], [0, 1])
    with pytest.raises(MatchingError, match="the people of the design matrix"):
        entropy_balance(design, cohort=cohort.head(3))
    with pytest.raises(MatchingError, match="must be known"):
        entropy_balance(design, cohort=cohort.with_columns(is_treated=None))
