"""`matched_did` less a drift that went on, by hand."""

import math

import polars as pl
import pytest

from evaluation.estimation import METRIC_ESTIMATES, with_carried_forward
from evaluation.estimation.carried_forward import CARRIED_FORWARD, LIMITS, carried_forward, less_drift, years_of_drift
from evaluation.estimation.event_study import LEAD_TESTS
from evaluation.estimation.lead_changes import CHANGE_A_YEAR

NOTHING = (None, None, None)


def percent(log_ratio: float, error: float) -> tuple[float, float, float]:
    """A log rate ratio with its normal 95% interval, in percent."""
    return tuple(100 * math.expm1(log_ratio + by * 1.959964 * error) for by in (0, -1, 1))


def test_a_year_and_a_half_lies_between_baseline_and_six_months_of_follow_up():
    assert years_of_drift(6) == 1.5
    assert years_of_drift(12) == 1.75


def test_the_drift_is_taken_away_and_both_errors_are_in_the_interval():
    log_ratio, error = less_drift((0.10, 0.03), (0.05, 0.04), years=1.5)
    assert log_ratio == pytest.approx(0.025)
    assert error == pytest.approx(math.sqrt(0.03**2 + 0.06**2))


def test_rows_in_percent_are_taken_as_logs():
    row = dict(zip(LIMITS, percent(0.10, 0.03), strict=True)) | dict(
        zip(CHANGE_A_YEAR, percent(0.05, 0.04), strict=True)
    )
    found = carried_forward(row, years=1.5)
    assert found == pytest.approx(percent(0.025, math.hypot(0.03, 0.06)), rel=1e-5)


@pytest.mark.parametrize("missing", [*LIMITS[1:], *CHANGE_A_YEAR[1:]])
def test_without_an_interval_of_both_nothing_is_carried_forward(missing):
    row = dict(zip((*LIMITS, *CHANGE_A_YEAR), (2.0, -1.0, 5.0, 1.0, -2.0, 4.0), strict=True))
    assert carried_forward(row, years=1.5) is not None
    assert carried_forward(row | {missing: None}, years=1.5) is None


def estimate(design: str, values: tuple = NOTHING, *, population: str = "all_sites", is_default: bool = False) -> dict:
    head = {"metric_id": "outpatient_attendances", "population": population, "design": design, "is_default": is_default}
    return dict.fromkeys(METRIC_ESTIMATES) | head | dict(zip(LIMITS, values, strict=True))


def drifts(design: str = "matched_did", population: str = "all_sites", values: tuple = (5.0, 1.0, 9.0)) -> pl.DataFrame:
    head = {"metric_id": "outpatient_attendances", "population": population, "design": design}
    rows = [head | dict(zip(CHANGE_A_YEAR, values, strict=True))]
    return pl.DataFrame(rows, schema=LEAD_TESTS, orient="row")


def found(lead_tests: pl.DataFrame, *rows: dict, months: int = 6) -> list[tuple]:
    estimates = pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")
    with_drift = with_carried_forward(estimates, lead_tests, follow_up_months=months)
    assert with_drift.schema == estimates.schema
    return with_drift.select(CARRIED_FORWARD).rows()


DID, DEFAULT = (
    estimate("matched_did", (10.0, 4.0, 16.0)),
    estimate("weighted_cohort", (2.0, -1.0, 5.0), is_default=True),
)


def test_the_default_row_has_it_of_its_own_population_and_no_other_row_has():
    first, second = found(drifts(), DID, DEFAULT)
    assert first == NOTHING
    assert second[0] == pytest.approx(100 * (1.10 / 1.05**1.5 - 1))
    assert second[1] < second[0] < second[2]
    assert found(drifts(population="site:a"), DID, DEFAULT) == [NOTHING, NOTHING]
    assert found(drifts(design="weighted_cohort"), DID, DEFAULT) == [NOTHING, NOTHING]
    assert found(drifts(values=NOTHING), DID, DEFAULT) == [NOTHING, NOTHING]
    assert found(drifts(), DEFAULT) == [NOTHING]


def test_it_is_carried_as_far_as_the_follow_up_reaches():
    (_, second) = found(drifts(), DID, DEFAULT, months=12)
    assert second[0] == pytest.approx(100 * (1.10 / 1.05**1.75 - 1))


def test_a_default_that_is_matched_did_itself_has_none_and_no_rows_are_no_rows():
    assert found(drifts(), DID | {"is_default": True}) == [NOTHING]
    assert found(drifts()) == []
