"""Area designs find what was planted, as diluted as it is, cover it, and find nothing where there is nothing."""

import math
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from evaluation.estimation.area_effects import (
    DONORS_SHORT,
    IMPUTATION,
    NEVER_TREATED,
    NOT_YET_TREATED,
    AreaEffect,
    its_effect,
    staggered_effect,
    synthetic_effect,
)
from evaluation.estimation.area_estimates import area_estimates
from evaluation.estimation.area_panels import AreaPanel
from evaluation.estimation.metrics import Metric
from evaluation.simulation import PilotSite, SimulationSettings
from tests.area_worlds import SimulatedAreas, drawn_panel

DRAWS = 60
LOG_RATIO = math.log(0.9)
ADMISSIONS = Metric(metric_id="emergency_admissions", label="Admissions", domain="utilisation", unit="per person-year")
DESIGNS: dict[str, Callable[[AreaPanel], AreaEffect]] = {
    "its": its_effect,
    NEVER_TREATED: lambda panel: staggered_effect(panel, NEVER_TREATED),
    NOT_YET_TREATED: lambda panel: staggered_effect(panel, NOT_YET_TREATED),
    IMPUTATION: lambda panel: staggered_effect(panel, IMPUTATION),
}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("log_ratio", [0.0, LOG_RATIO])
def test_an_effect_on_areas_is_found_without_bias_and_covered(design: str, log_ratio: float) -> None:
    rng = np.random.default_rng(6_000_001)
    found = [DESIGNS[design](drawn_panel(rng, pilots=10, others=14, log_ratio=log_ratio)).ratio for _ in range(DRAWS)]
    estimates = np.array([one.estimate for one in found])
    covered = np.mean([one.low <= log_ratio <= one.high for one in found])
    assert abs(estimates.mean() - log_ratio) < 4 * estimates.std() / math.sqrt(DRAWS)
    assert covered > 0.95 - 4 * math.sqrt(0.95 * 0.05 / DRAWS)
    errors = np.mean([one.standard_error for one in found])
    assert 0.7 < errors / estimates.std() < 1.5


def test_placebos_reject_no_more_often_than_they_say() -> None:
    rng = np.random.default_rng(6_000_002)
    p_values = [synthetic_effect(drawn_panel(rng, pilots=6, others=19)).ratio.p_value for _ in range(DRAWS)]
    assert np.mean(np.array(p_values) <= 0.1) < 0.1 + 4 * math.sqrt(0.1 * 0.9 / DRAWS)
    halved = synthetic_effect(drawn_panel(rng, pilots=6, others=19, log_ratio=math.log(0.5)))
    assert halved.ratio.p_value == 1 / 20
    assert halved.ratio.estimate == pytest.approx(math.log(0.5), abs=0.2)


def simulated(effect: float, seed: int) -> SimulatedAreas:
    sites = tuple(
        PilotSite(site_id=f"s{n}", area=f"area_{n}", go_live_date=date(2009, 6, 1) + timedelta(days=40 * n))
        for n in range(6)
    )
    settings = SimulationSettings(
        sites=sites,
        data_until=date(2011, 6, 30),
        people=900,
        others_per_pilot_person=14,
        effects={"emergency_admissions": effect},
    )
    return SimulatedAreas(settings, seed=seed)


def estimates_of(areas: SimulatedAreas) -> pl.DataFrame:
    found = area_estimates(
        areas.area_months(), metrics=[ADMISSIONS], some_sites_without_area=False, protocol_hash="h", run_id="r"
    )
    return found.estimates


def test_an_effect_on_enrolled_people_is_found_as_diluted_as_it_is_among_all_residents() -> None:
    areas = simulated(0.1, seed=6_000_003)
    truth = areas.true_ratio()
    assert 0.6 < truth < 0.95  # of nine admissions in ten of enrolled people, much less of all residents'
    for row in estimates_of(areas).iter_rows(named=True):
        if row["design"] != "synthetic_control":
            assert row["relative_low_pct"] < 100 * (truth - 1) < row["relative_high_pct"], row["estimator"]
            assert "is diluted" in row["caution"]
    did = estimates_of(areas).filter(estimator=NEVER_TREATED).row(0, named=True)
    assert did["relative_high_pct"] < 0


def test_where_the_pilot_does_nothing_every_design_covers_no_change() -> None:
    areas = simulated(1.0, seed=6_000_004)
    assert areas.true_ratio() == 1.0
    for row in estimates_of(areas).iter_rows(named=True):
        if row["design"] == "synthetic_control":
            assert DONORS_SHORT in row["caution"]  # six pilot areas have nine others
        else:
            assert row["relative_low_pct"] < 0 < row["relative_high_pct"], row["estimator"]
