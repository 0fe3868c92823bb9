"""Areas by month as arrays, and centred on go-live: what is left out, and why there may be nothing."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.area_panels import NO_COMPARISON, NO_PILOT, NOT_COVERED, area_panel, centred_on_go_live
from evaluation.regression import NotEstimableError
from tests.area_worlds import NEVER, panel

GO_LIVE = {"pilot": date(2010, 2, 20), "comparison": None}


def area(code: str, role: str, counts: list[int | None], *, days: list[int] | None = None, **fields: Any) -> list[dict]:
    return [
        {
            "unit_level": "area",
            "unit_code": code,
            "unit_role": role,
            "go_live_date": GO_LIVE.get(role),
            "month_start_date": date(2010, number, 1),
            "person_days": days[number - 1] if days else 3652,
            "enrolled_person_days": 0,
            "admissions": count,
            **fields,
        }
        for number, count in enumerate(counts, start=1)
    ]


def frame(*areas: list[dict]) -> pl.DataFrame:
    schema = {"admissions": pl.Int64, "go_live_date": pl.Date}
    return pl.DataFrame([row for rows in areas for row in rows], schema_overrides=schema)


def test_go_live_in_february_makes_february_the_first_month_after_it() -> None:
    found = area_panel(frame(area("b", "comparison", [4, 5, 6]), area("c", "pilot", [1, 2, 3])), "admissions")
    assert found.codes == ("c", "b")
    assert found.first_month.tolist() == [2010 * 12 + 1, NEVER]
    assert found.is_after.tolist() == [[False, True, True], [False] * 3]
    assert found.counts.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert found.person_years[0, 0] == pytest.approx(3652 / 365.25)


def test_a_month_that_is_unknown_for_one_area_is_left_out_for_all() -> None:
    found = area_panel(frame(area("b", "comparison", [4, 5, None]), area("c", "pilot", [1, 2, 3])), "admissions")
    assert found.counts.tolist() == [[1, 2], [4, 5]]


@pytest.mark.parametrize("role", ["other_programme", "enrolled_residents", "pilot_undated", "unknown"])
def test_areas_with_another_role_are_in_neither_arm(role: str) -> None:
    rows = frame(area("a", role, [9, 9, 9]), area("b", "comparison", [4, 5, 6]), area("c", "pilot", [1, 2, 3]))
    assert area_panel(rows, "admissions").codes == ("c", "b")


def test_an_area_in_which_nobody_lives_in_some_month_is_left_out() -> None:
    empty = area("a", "comparison", [0, 1, 1], days=[0, 30, 30])
    rows = frame(empty, area("b", "comparison", [4, 5, 6]), area("c", "pilot", [1, 2, 3]))
    assert area_panel(rows, "admissions").codes == ("c", "b")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((area("b", "comparison", [4, 5, 6]),), NO_PILOT),
        ((area("c", "pilot", [1, 2, 3]),), NO_COMPARISON),
        (
            (area("b", "comparison", [4, 5]), area("c", "pilot", [1, 2], go_live_date=date(2010, 1, 9))),
            NO_PILOT,
        ),  # live from the first month: nothing before
        (
            (area("b", "comparison", [4, 5]), area("c", "pilot", [1, 2], go_live_date=date(2010, 3, 1))),
            NO_PILOT,
        ),  # live after the last
        ((area("b", "comparison", [None] * 2), area("c", "pilot", [1, 2])), NOT_COVERED),
    ],
)
def test_without_pilot_areas_other_areas_or_months_there_is_a_reason(rows: Any, reason: str) -> None:
    with pytest.raises(NotEstimableError, match=reason[:30]):
        area_panel(frame(*rows), "admissions")


def test_a_comparison_area_stands_in_for_each_pilot_area_at_its_own_months() -> None:
    counts = [[1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60], [0, 0, 2, 4, 8, 16]]
    centred = centred_on_go_live(panel(counts, [2, 3, None]))
    assert centred.event_months.tolist() == [-2, -1, 0, 1, 2]
    assert centred.pilot_counts.tolist() == [1 + 20, 2 + 30, 3 + 40, 4 + 50, 5 + 60]
    assert centred.comparison_counts.tolist() == [[0, 1, 3, 6, 12]]  # means of months (0, 1), (1, 2), (2, 3), ...
    assert centred.pilot_years.tolist() == [2.0] * 5
    assert centred.comparison_years.tolist() == [[1.0] * 5]


def test_months_from_go_live_in_which_a_pilot_area_is_unknown_are_left_out() -> None:
    counts = [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]
    centred = centred_on_go_live(panel(counts, [4, 5, None], months=[2, 3, 5, 6]))
    assert centred.event_months.tolist() == [-2, 1]  # months 2 and 3, 5 and 6; the others need month 4
    assert np.array_equal(centred.comparison_counts, [[1.5, 3.5]])
