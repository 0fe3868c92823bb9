"""What the activity of a period costs: one price for each kind, none where a price or an extract is missing."""

from datetime import date
from typing import Any

import pytest

from tests.sql.around_an_index_date import MONTHS, covered
from tests.sql.around_an_index_date import period_counts as counts
from tests.sql.small_study import appointment, attendance, episode

ELECTIVE = {"admimeth": "11"}


def prices(**unit_costs: float) -> list[dict[str, Any]]:
    return [
        {
            "price_set": "made up",
            "price_year": "2010/11",
            "activity": name.replace("hrg_", "hrg:"),
            "unit_cost_gbp": cost,
        }
        for name, cost in unit_costs.items()
    ]


ALL_PRICES = prices(
    emergency_spell=2000, elective_spell=3000, elective_day_case=700, outpatient_attendance=110, ae_attendance=90
)


@pytest.mark.parametrize(
    ("activity", "cost"),
    [
        ({"admissions": [episode("2010-08-01", "2010-08-05")]}, 2000),
        ({"admissions": [episode("2010-08-01", "2010-08-05", **ELECTIVE)]}, 3000),
        ({"admissions": [episode("2010-08-01", "2010-08-01", classpat="2", **ELECTIVE)]}, 700),
        ({"admissions": [episode("2010-08-01", "2010-08-05", admimeth="31")]}, 0),  # maternity: not priced
        ({"admissions": [episode("2010-08-01", "2010-08-01", classpat="3", **ELECTIVE)]}, 0),  # regular: not priced
        ({"outpatients": [appointment("2010-08-01")]}, 110),
        ({"outpatients": [appointment("2010-08-01", attended="3")]}, 0),  # not attended
        ({"emergency_care": [attendance("2010-08-01")]}, 90),
        ({"emergency_care": [attendance("2010-08-01", aeattendcat="2")]}, 0),  # a planned follow-up is not counted
        ({}, 0),
    ],
)
def test_each_kind_of_activity_has_one_price(activity: dict[str, Any], cost: float) -> None:
    assert counts("cost_gbp", prices=ALL_PRICES, **activity) == (0, cost)


def test_a_transfer_is_priced_once_by_its_first_stay() -> None:
    rows = [
        episode("2010-08-01", "2010-08-05", disdest="51", hrg="A01"),
        episode("2010-08-05", "2010-08-10", procode3="RBB", admimeth="81", admisorc="51", hrg="B02"),
    ]
    assert counts("cost_gbp", prices=ALL_PRICES, admissions=rows) == (0, 2000)
    assert counts("cost_gbp", prices=[*ALL_PRICES, *prices(hrg_A01=1234.5, hrg_B02=9)], admissions=rows) == (0, 1234.5)


def test_a_stay_is_charged_in_full_where_it_starts() -> None:
    assert counts("cost_gbp", prices=ALL_PRICES, admissions=[episode("2010-06-30", "2010-07-20")]) == (2000, 0)


def test_the_costs_of_a_period_add_up() -> None:
    study: dict[str, Any] = {
        "admissions": [episode("2010-08-01", "2010-08-05"), episode("2010-09-01", "2010-09-05")],
        "outpatients": [appointment("2010-08-01"), appointment("2010-12-31")],
        "emergency_care": [attendance("2010-08-01")],
    }
    assert counts("cost_gbp", prices=ALL_PRICES, **study) == (0, 2 * 2000 + 2 * 110 + 90)


def test_cost_is_null_without_prices_and_where_something_that_happened_has_none() -> None:
    rows = [appointment("2010-08-01")]
    assert counts("cost_gbp", outpatients=rows) == (None, None)
    assert counts("cost_gbp", outpatients=rows, prices=prices(emergency_spell=2000)) == (0, None)


def test_an_activity_priced_twice_has_no_price() -> None:
    twice = [*ALL_PRICES, *prices(outpatient_attendance=120)]
    assert counts("cost_gbp", outpatients=[appointment("2010-08-01")], prices=twice) == (0, None)


def test_cost_is_null_where_an_extract_that_is_brought_or_priced_does_not_cover_the_period() -> None:
    admissions_only = prices(emergency_spell=2000)
    rows = [episode("2010-08-01", "2010-08-05")]
    no_outpatients, half_outpatients = (
        covered(outpatients=[]),
        covered(outpatients=[month for month in MONTHS if month <= date(2010, 6, 1)]),
    )
    assert counts("cost_gbp", prices=ALL_PRICES, admissions=rows, coverage=no_outpatients) == (None, None)
    assert counts("cost_gbp", prices=admissions_only, admissions=rows, coverage=no_outpatients) == (0, 2000)
    assert counts("cost_gbp", prices=ALL_PRICES, admissions=rows, coverage=half_outpatients) == (0, None)
    assert counts("cost_gbp", prices=admissions_only, admissions=rows, coverage=half_outpatients) == (0, None)
