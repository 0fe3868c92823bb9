"""Rates, changes and intervals against arithmetic done by hand; 1461 days are four person-years."""

import math

import polars as pl
import pytest
from scipy.stats import t as student_t

from evaluation.estimation.arms import paired_periods, rate_arm
from evaluation.estimation.effects import rate_effect

FOUR_YEARS = 1461


def arm(
    *, before: list[int | None], after: list[int | None], days_before: int = FOUR_YEARS, days_after: int = FOUR_YEARS
):
    people = [f"person-{number}" for number in range(len(before))]
    frames = [
        pl.DataFrame(
            {
                "person_id": people,
                "is_pilot": True,
                "site_id": "a",
                "period": period,
                "person_days": days,
                "emergency_admissions": counts,
            },
            schema_overrides={"emergency_admissions": pl.Int64},
        )
        for period, days, counts in (("baseline", days_before, before), ("follow_up", days_after, after))
    ]
    return rate_arm(paired_periods(pl.concat(frames), metric_ids=["emergency_admissions"]), "emergency_admissions")


def test_rates_are_counts_over_person_years():
    pilot = arm(before=[8, 4], after=[2, 4])
    assert (pilot.baseline, pilot.follow_up) == (1.5, 0.75)
    assert (pilot.people, pilot.clusters, pilot.person_years) == (2, 2, 16.0)


def test_change_and_ratio_of_one_arm_have_the_errors_worked_out_by_hand():
    effect = rate_effect(arm(before=[8, 4] * 5, after=[2, 4] * 5), None)
    # influences on the rates: 2/40, -2/40 before and -1/40, 1/40 after; on the change -3/40, 3/40;
    # variance 10/9 x 10 x (3/40)^2 = 0.0625, error 0.25; on the log ratio -1/15, 1/15: variance 4/81, error 2/9;
    # ten people leave 9 degrees of freedom: t 2.262157, and 0.883404 for 80% power
    assert effect.change == pytest.approx(-0.75)
    assert effect.change_low == pytest.approx(-0.75 - 2.262157 * 0.25, abs=1e-6)
    assert effect.change_high == pytest.approx(-0.75 + 2.262157 * 0.25, abs=1e-6)
    assert effect.relative_change_pct == pytest.approx(-50.0)
    assert effect.relative_low_pct == pytest.approx(100 * (0.5 * math.exp(-2.262157 * 2 / 9) - 1), abs=1e-4)
    assert effect.relative_high_pct == pytest.approx(100 * (0.5 * math.exp(2.262157 * 2 / 9) - 1), abs=1e-4)
    assert effect.p_value == pytest.approx(2 * student_t.sf(math.log(2) / (2 / 9), 9), abs=1e-9)
    assert effect.minimum_detectable_change_pct == pytest.approx(
        100 * (1 - math.exp(-(2.262157 + 0.883404) * 2 / 9)), abs=1e-4
    )


def test_a_comparator_is_subtracted_on_the_absolute_scale_and_divided_on_the_relative_one():
    effect = rate_effect(arm(before=[8, 4] * 5, after=[2, 4] * 5), arm(before=[4, 4] * 5, after=[2, 4] * 5))
    # comparator: 1.0 to 0.75, change -0.25, ratio 0.75; influences after -1/40, 1/40: 10/9 x 10 x (9/1600 + 1/1600) =
    # 0.0625 + 0.0069444, degrees of freedom 9 x 0.0694444^2 / (0.0625^2 + 0.0069444^2) = 10.97561; log ratio:
    # 10/9 x 10 x (1/225 + 1/900) = 0.0493827 + 0.0123457, 9 x 0.0617284^2 / (0.0493827^2 + 0.0123457^2) = 13.23529
    margins = [student_t.ppf(0.975, freedom) for freedom in (10.97561, 13.23529)]
    assert effect.change == pytest.approx(-0.5)
    assert effect.change_high == pytest.approx(-0.5 + margins[0] * 0.0694444**0.5, abs=1e-5)
    assert effect.relative_change_pct == pytest.approx(100 * (0.5 / 0.75 - 1))
    assert effect.relative_low_pct == pytest.approx(
        100 * (0.5 / 0.75 * math.exp(-margins[1] * 0.0617284**0.5) - 1), abs=1e-4
    )


def test_nine_people_with_events_are_too_few_for_an_interval_however_many_events_they_have():
    nine = rate_effect(arm(before=[80, *[40] * 8, 0, 0], after=[20, *[30] * 8, 0, 0]), None)
    ten = rate_effect(arm(before=[80, *[40] * 8, 1, 0], after=[20, *[30] * 8, 0, 0]), None)
    assert (nine.relative_low_pct, nine.change_low, nine.p_value) == (None, None, None)
    assert nine.relative_change_pct == pytest.approx(100 * (260 / 400 - 1))
    assert ten.relative_low_pct is not None


def test_people_with_an_unknown_count_in_one_period_are_left_out_of_both():
    pilot = arm(before=[8, 4, None, 100], after=[2, 4, 9, None])
    assert (pilot.baseline, pilot.follow_up, pilot.people, pilot.people_left_out) == (1.5, 0.75, 2, 2)


def test_someone_without_a_day_in_follow_up_still_counts_before():
    frame = pl.DataFrame(
        {
            "person_id": ["died", "lived", "died", "lived"],
            "is_pilot": True,
            "site_id": "a",
            "period": ["baseline", "baseline", "follow_up", "follow_up"],
            "person_days": [FOUR_YEARS, FOUR_YEARS, 0, FOUR_YEARS],
            "emergency_admissions": [4, 8, 0, 2],
        }
    )
    pilot = rate_arm(paired_periods(frame, metric_ids=["emergency_admissions"]), "emergency_admissions")
    assert (pilot.baseline, pilot.follow_up, pilot.clusters) == (1.5, 0.5, 2)


def test_no_events_at_all_give_no_effect_instead_of_a_zero():
    effect = rate_effect(arm(before=[0, 0], after=[0, 0]), None)
    assert set(vars(effect).values()) == {None}


def test_no_events_in_one_period_give_a_change_without_ratio_and_interval():
    effect = rate_effect(arm(before=[4, 0], after=[0, 0]), None)
    assert effect.change == -0.5
    assert {value for name, value in vars(effect).items() if name != "change"} == {None}


def test_no_person_time_in_one_period_gives_no_effect():
    assert set(vars(rate_effect(arm(before=[4, 2], after=[0, 0], days_after=0), None)).values()) == {None}


@pytest.mark.parametrize("counts", [{"before": [4], "after": [2]}, {"before": [4, 4, 4], "after": [2, 2, 2]}])
def test_one_person_or_people_all_alike_give_no_interval(counts):
    effect = rate_effect(arm(**counts), None)
    assert effect.relative_change_pct == pytest.approx(-50)
    assert (effect.change_low, effect.relative_low_pct, effect.p_value) == (None, None, None)


def test_a_comparator_that_does_not_vary_takes_the_interval_away():
    effect = rate_effect(arm(before=[8, 4], after=[2, 4]), arm(before=[4], after=[2]))
    assert (effect.change, effect.change_low) == (-0.25, None)


def test_a_person_who_stands_twice_in_a_period_is_refused():
    row = {
        "person_id": ["same", "same", "same"],
        "is_pilot": True,
        "site_id": "a",
        "period": ["baseline", "follow_up", "follow_up"],
        "person_days": 10,
        "emergency_admissions": 1,
    }
    with pytest.raises(pl.exceptions.ComputeError):
        paired_periods(pl.DataFrame(row), metric_ids=["emergency_admissions"])


def test_a_metric_that_is_no_column_is_named():
    with pytest.raises(ValueError, match="no column falls"):
        paired_periods(pl.DataFrame({"person_id": []}), metric_ids=["falls"])
