"""From covariates to the columns of a model: forms, unknown values, what is dropped and by which rule."""

import numpy as np
import polars as pl
import pytest

from evaluation.matching import MatchingError, Terms, design_matrix
from evaluation.matching.design import independent_columns
from evaluation.matching.terms import covariate_columns


def cohort(**columns: list) -> pl.DataFrame:
    (people,) = {len(values) for values in columns.values()}
    return pl.DataFrame({"person_id": [f"p{number}" for number in range(people)], **columns})


def columns(frame: pl.DataFrame, **terms) -> dict[str, list[float]]:
    return {column.name: column.values.tolist() for column in covariate_columns(frame, terms=Terms(**terms))}


def test_a_count_becomes_log_one_plus_use_and_its_square():
    found = columns(cohort(admissions=[0, 1, 3]), counts=("admissions",))
    logs = [0.0, np.log(2), np.log(4)]
    assert found == {
        "log1p(admissions)": pytest.approx(logs),
        "log1p(admissions)^2": pytest.approx([log**2 for log in logs]),
    }


def test_a_category_has_an_indicator_per_value_and_one_for_unknown():
    found = columns(cohort(sex=["2", None, "1"]), categories=("sex",))
    assert found == {"sex=1": [0, 0, 1], "sex=2": [1, 0, 0], "sex=unknown": [0, 1, 0]}


def test_an_unknown_number_is_the_mean_of_the_known_ones_with_an_indicator_beside():
    found = columns(cohort(age=[70, None, 80]), linear=("age",))
    assert found == {"age": [70, 75, 80], "age=unknown": [0, 1, 0]}


def test_an_interaction_is_the_product_of_the_first_order_columns():
    found = columns(
        cohort(admissions=[0, 1], sex=["1", "2"]),
        counts=("admissions",),
        categories=("sex",),
        interactions=(("admissions", "sex"),),
    )
    assert found["log1p(admissions) x sex=2"] == pytest.approx([0, np.log(2)])
    assert found["log1p(admissions) x sex=1"] == pytest.approx([0, 0])


def test_a_restricted_cubic_spline_is_straight_beyond_its_outer_knots():
    ages = np.linspace(50, 100, 501)
    found = columns(cohort(age=ages.tolist()), splines=("age",))
    for name in ("age spline 1", "age spline 2"):
        curve = np.array(found[name])
        low, high = np.quantile(ages, [0.05, 0.95])
        assert np.all(curve[ages < low] == 0)
        assert np.abs(np.diff(curve[ages > high], n=2)).max() < 1e-12
        assert np.abs(np.diff(curve[(ages > low) & (ages < high)], n=2)).max() > 1e-5


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        ({"linear": ("hight",)}, "no column hight"),
        ({"counts": ("change",)}, "below 0"),
        ({"linear": ("broken",)}, "infinite or not a number"),
        ({"linear": ("change",), "interactions": (("change", "age"),)}, "add age"),
    ],
)
def test_what_cannot_be_a_column_is_an_error_that_names_it(terms, what):
    frame = cohort(change=[-1.0, 1.0], broken=[float("nan"), 0.0], age=[70, 80])
    with pytest.raises(MatchingError, match=what):
        columns(frame, **terms)


def test_the_design_is_sorted_by_person_and_standardised_and_gives_the_covariate_back():
    frame = pl.DataFrame({"person_id": ["b", "a", "c"], "age": [3.0, 1.0, 8.0]})
    found = design_matrix(frame, terms=Terms(linear=("age",)))
    assert found.person_id.to_list() == ["a", "b", "c"]
    assert found.values.mean() == pytest.approx(0)
    assert found.values.std() == pytest.approx(1)
    assert (found.values[:, 0] * found.scales + found.means).tolist() == pytest.approx([1, 3, 8])


def test_constant_columns_and_the_last_category_are_dropped_and_named():
    frame = cohort(sex=["1", "2", "1", "2"], pilot=[1, 1, 1, 1], age=[60, 71, 80, 94], months=[720, 852, 960, 1128])
    found = design_matrix(frame, terms=Terms(linear=("age", "months", "pilot"), categories=("sex",)))
    assert (found.names, found.constant, found.collinear) == (("age", "sex=1"), ("pilot",), ("months", "sex=2"))


def test_a_person_who_stands_twice_is_an_error():
    frame = pl.DataFrame({"person_id": ["a", "a"], "age": [1, 2]})
    with pytest.raises(MatchingError, match="unique"):
        design_matrix(frame, terms=Terms(linear=("age",)))


def test_independent_columns_are_as_many_as_the_rank():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(50, 5))
    values = np.column_stack([values, values @ rng.normal(size=(5, 3)), np.zeros(50)])
    kept = independent_columns(values.T @ values)
    assert kept.tolist() == [True] * 5 + [False] * 4
