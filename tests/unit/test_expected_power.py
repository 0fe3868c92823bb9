"""Expected power: rates and dispersion from before the index date, by hand and by simulation."""

import math

import numpy as np
import polars as pl
import pytest

from evaluation.planning import (
    Comparison,
    EventRate,
    PlannedComparison,
    PlannedOutcome,
    event_rate,
    expected_power,
    minimum_detectable_change_pct,
    months_needed,
    people_needed,
    power,
    sites_needed,
)
from evaluation.planning.expected import FEW_EVENTS, NO_FALL, NO_FOLLOW_UP, NO_SIZE, NOBODY, NOT_COUNTED, NOT_KNOWN

RATE = EventRate(per_year=0.5, dispersion=2.0)


def of(people: float, **more: object) -> Comparison:
    """As many comparison people as pilot people, for a year."""
    return Comparison(**{"pilot_people": people, "comparison_people": people, "years": 1.0, **more})


def test_rate_and_dispersion_of_a_few_people_are_those_by_hand():
    assert event_rate([0, 0, 0, 4], [1, 1, 1, 1]) == EventRate(per_year=1.0, dispersion=2.0)
    # Rate 4 / 5; expected 0.8, 0.8, 0.8, 1.6; squares of what is over 0.64 x 2 + 0.04 + 1.96 = 3.28, less than 4.
    assert event_rate([0, 0, 1, 3], [1, 1, 1, 2]) == EventRate(per_year=0.8, dispersion=0.0)


def test_people_without_person_time_change_nothing():
    assert event_rate([0, 0, 0, 4, 0], [1, 1, 1, 1, 0]) == event_rate([0, 0, 0, 4], [1, 1, 1, 1])


@pytest.mark.parametrize(("counts", "years"), [([0, 0], [1, 1]), ([0, 0], [0, 0])])
def test_no_rate_without_events_or_person_time(counts, years):
    with pytest.raises(ValueError, match="needs person-time and events"):
        event_rate(counts, years)


def test_the_dispersion_of_negative_binomial_counts_is_found_again():
    rng = np.random.default_rng(4)
    years = rng.choice([0.5, 1.5], 200_000)
    found = event_rate(rng.poisson(0.5 * years * rng.gamma(0.5, 2.0, years.size)), years)
    assert found.per_year == pytest.approx(0.5, rel=0.02)
    assert found.dispersion == pytest.approx(2.0, rel=0.05)


def test_the_power_by_hand():
    # 1 / (0.5 x 0.5 x 0.8) + 2 = 7 and 1 / 0.25 + 2 = 6: sqrt(7 / 1,000 + 6 / 3,000) = 0.0949; log 0.8 = -0.2231.
    # 0.2231 / 0.0949 - 1.960 = 0.392, of which the normal distribution has 65.25% below.
    comparison = Comparison(pilot_people=1000, comparison_people=3000, years=0.5)
    assert power(RATE, comparison, change_pct=-20) == pytest.approx(0.6525, abs=0.0005)


def test_the_power_of_a_change_since_before_by_hand():
    # 1 / 0.2 + 1 / 0.75 = 6.333 and 4 + 1.333 = 5.333: sqrt(0.006333 + 0.001778) = 0.09006; 2.4777 - 1.960 = 0.5177.
    comparison = Comparison(pilot_people=1000, comparison_people=3000, years=0.5, years_before=1.5)
    assert power(RATE, comparison, change_pct=-20) == pytest.approx(0.6977, abs=0.0005)


def test_the_power_of_the_mean_across_sites_by_hand():
    # people: (4.5 + 4) / 2,000 = 0.00425; sites: log(1.1)^2 / 4 = 0.002271; error 0.08075; 0.2231 / 0.08075 = 2.763.
    # Student's with 3: 3.182, so the part below -0.419 of them: 35.2%.
    four = of(2000, sites=4, site_spread_pct=10.0)
    assert power(RATE, four, change_pct=-20) == pytest.approx(0.3518, abs=0.0005)
    assert power(RATE, of(2000), change_pct=-20) == pytest.approx(0.9284, abs=0.0005)
    fall = minimum_detectable_change_pct(RATE, four)
    assert power(RATE, four, change_pct=-fall) == pytest.approx(0.8, abs=0.02)


def test_what_is_needed_across_sites_is_what_has_eighty_per_cent_power():
    across = {"sites": 12, "site_spread_pct": 10.0}
    people = people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1, **across)
    assert power(RATE, of(people, **across), change_pct=-20) == pytest.approx(0.8, abs=0.005)
    assert people > people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1)
    months = months_needed(RATE, of(2000, **across), change_pct=-20)
    longer, shorter = (of(2000, years=of_year / 12, **across) for of_year in (months, months - 1))
    assert power(RATE, longer, change_pct=-20) >= 0.795 > power(RATE, shorter, change_pct=-20)


def test_no_number_of_people_makes_up_for_few_sites_that_differ():
    # three sites: 2 degrees of freedom, 4.303 + 1.061 errors of 0.0953 / sqrt(3) are 0.295, more than 0.2231
    needed = people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1, sites=3, site_spread_pct=10.0)
    assert needed is None


def test_what_is_needed_by_the_change_since_before_is_what_has_eighty_per_cent_power():
    before = {"years_before": 1.5}
    people = people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1, **before)
    enough, one_fewer = (power(RATE, of(number, **before), change_pct=-20) for number in (people, people - 1))
    assert enough >= 0.8 > one_fewer
    assert people < people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1)


def test_the_smallest_fall_found_is_the_one_with_eighty_per_cent_power():
    comparison = Comparison(pilot_people=1000, comparison_people=3000, years=0.5)
    fall = minimum_detectable_change_pct(RATE, comparison)
    assert power(RATE, comparison, change_pct=-fall) >= 0.8 > power(RATE, comparison, change_pct=-(fall - 0.1))
    assert 23 < fall < 25


def test_where_no_fall_would_be_found_there_is_none():
    assert minimum_detectable_change_pct(RATE, Comparison(pilot_people=3, comparison_people=9, years=0.5)) is None


def test_people_needed_by_hand():
    # 2.5 + 2 + 2 + 2 = 8.5; (1.95996 + 0.84162)^2 = 7.8489; log(0.8)^2 = 0.049793: 1339.9.
    assert people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=1) == 1340
    # Five each: 4.5 + 4 / 5 = 5.3: 835.4.
    assert people_needed(RATE, change_pct=-20, months=12, comparison_per_pilot=5) == 836


def test_months_needed_by_hand():
    assert months_needed(RATE, of(2000), change_pct=-20) == 7
    # 630 people each: 0.00634 are the dispersion alone, so that no follow-up is long enough.
    assert months_needed(RATE, of(630), change_pct=-20) is None


def test_sites_needed_by_hand():
    many = {"people_per_site": 1e9, "comparison_per_pilot": 1.0, "months": 12}
    # Nine sites, t with 8 degrees: (2.306 + 0.889)^2 x 0.009084 / 9 = 0.0103 <= 0.0111; eight: 0.0121 is too much.
    assert sites_needed(RATE, change_pct=-10, site_spread_pct=10, **many) == 9
    assert sites_needed(RATE, change_pct=-0.1, site_spread_pct=10, **many) is None
    assert sites_needed(RATE, change_pct=-10, site_spread_pct=0, **many) == 2


def test_no_change_is_found_by_nobody():
    with pytest.raises(ValueError, match="no change"):
        people_needed(RATE, change_pct=0, months=12, comparison_per_pilot=1)


def test_the_people_needed_find_the_change_in_eighty_of_a_hundred_simulated_studies():
    rng, trials, years, ratio = np.random.default_rng(11), 2000, 0.5, 3
    people = people_needed(RATE, change_pct=-20, months=6, comparison_per_pilot=ratio)

    def logs_and_variances(size: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
        counts = rng.poisson(rate * years * rng.gamma(0.5, 2.0, (trials, size)))
        means = counts.mean(axis=1)
        return np.log(means), counts.var(axis=1, ddof=1) / size / means**2

    pilot, pilot_variance = logs_and_variances(people, 0.4)
    other, other_variance = logs_and_variances(people * ratio, 0.5)
    found = np.abs(pilot - other) > 1.959964 * np.sqrt(pilot_variance + other_variance)
    assert found.mean() == pytest.approx(0.80, abs=0.03)


EARLIER = pl.DataFrame(
    {
        "person_id": [f"p{number}" for number in range(40)],
        "person_days": [548] * 40,
        "admissions": [1, 0, 0, 3] * 10,
        "rare": [1] * 9 + [0] * 31,
        "unknown": pl.Series([None] * 40, dtype=pl.Int64),
    }
)


def outcome(metric: str, **changes: object) -> PlannedOutcome:
    given = {"is_count": True, "smallest_worthwhile_change_pct": -5.0} | changes
    return PlannedOutcome(metric_id=metric, label=metric, priority="primary", **given)


def planned(**changes: object) -> PlannedComparison:
    given = {
        "population": "all_sites",
        "pilot_ids": EARLIER["person_id"],
        "design": "weighted_cohort",
        "pilot_people": 4000.0,
        "comparison_people": 9000.0,
        "follow_up_years": 0.5,
    }
    return PlannedComparison(**(given | changes))


def row(metric: str, comparison: PlannedComparison | None = None, **changes: object) -> dict:
    return expected_power([comparison or planned()], outcomes=[outcome(metric, **changes)], earlier=EARLIER).row(
        0, named=True
    )


def test_the_row_of_an_outcome_has_the_rate_of_the_pilot_people_and_the_power_that_follows():
    found = row("admissions")
    years = 548 / 365.25
    assert found["rate"] == pytest.approx(1 / years)
    assert found["dispersion"] == pytest.approx((10 * 0 + 20 * 1 + 10 * 4 - 40) / 40)
    rate = EventRate(per_year=1 / years, dispersion=0.5)
    comparison = Comparison(pilot_people=4000, comparison_people=9000, years=0.5)
    assert found["power"] == pytest.approx(power(rate, comparison, change_pct=-5))
    assert found["minimum_detectable_change_pct"] == minimum_detectable_change_pct(rate, comparison)
    assert (found["is_evaluable"], found["reason"]) == (False, "")
    assert row("admissions", smallest_worthwhile_change_pct=-50.0)["is_evaluable"] is True


def test_a_change_since_before_uses_the_years_before():
    found = row("admissions", planned(design="matched_did"))
    years = 548 / 365.25
    comparison = Comparison(pilot_people=4000, comparison_people=9000, years=0.5, years_before=years)
    expected = power(EventRate(per_year=1 / years, dispersion=0.5), comparison, change_pct=-5)
    assert found["power"] == pytest.approx(expected)


def test_the_order_of_rows_changes_nothing():
    earlier = EARLIER.with_columns(person_days=pl.int_range(100, 140))
    shuffled = earlier.sample(fraction=1.0, shuffle=True, seed=2)
    one, other = (expected_power([planned()], outcomes=[outcome("admissions")], earlier=e) for e in (earlier, shuffled))
    assert one.equals(other)


def test_only_the_populations_own_people_count():
    some = planned(pilot_ids=EARLIER.filter(pl.col("admissions") > 0)["person_id"])
    assert row("admissions", some)["rate"] == pytest.approx(2 / (548 / 365.25))


@pytest.mark.parametrize(
    ("metric", "comparison", "changes", "reason"),
    [
        ("admissions", planned(), {"is_count": False}, NOT_COUNTED),
        ("admissions", planned(design=None), {}, NOBODY),
        ("admissions", planned(follow_up_years=0.0), {}, NO_FOLLOW_UP),
        ("unknown", planned(), {}, NOT_KNOWN),
        ("rare", planned(), {}, FEW_EVENTS),
        ("admissions", planned(pilot_people=1.0), {}, NO_FALL),
        ("admissions", planned(), {"smallest_worthwhile_change_pct": None}, NO_SIZE),
    ],
)
def test_where_something_is_not_known_it_is_null_and_the_reason_stands_there(metric, comparison, changes, reason):
    found = row(metric, comparison, **changes)
    assert found["reason"] == reason
    if reason != NO_FALL:
        assert found["power"] is None
        assert found["is_evaluable"] is None
    assert not math.isnan(found["rate"] or 0.0)
