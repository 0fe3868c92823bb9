"""Interrupted time series on the Sicilian smoking ban and the British seat belt law.

Published: Bernal, Cummins and Gasparrini (2017), International Journal of Epidemiology 46(1): rate ratio 0.894
without season, 0.885 with two harmonics, quasi-Poisson. Errors beside statsmodels' HAC and Driscoll-Kraay.
"""

import numpy as np
import pytest
import statsmodels.api as sm

from evaluation.estimation.interrupted_time_series import interrupted_time_series
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test


def sicily() -> dict[str, np.ndarray]:
    rows = read("06_its_sicily/input.csv")
    names = {"counts": "aces", "population": "stdpop", "times": "time", "is_after": "smokban"}
    return {ours: rows[theirs].to_numpy().astype(float) for ours, theirs in names.items()}


def season(times: np.ndarray) -> np.ndarray:
    angles = [2 * np.pi * k * times / 12 for k in (1, 2)]
    return np.column_stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)])


@pytest.mark.parametrize(("harmonics", "published"), [(0, 0.894), (2, 0.885)])
def test_the_published_rate_ratios_of_the_smoking_ban(harmonics, published):
    series = interrupted_time_series(**sicily(), change_of_slope=False, harmonics=harmonics, errors="quasi_poisson")
    assert np.exp(series.level.estimate) == pytest.approx(published, abs=5e-4)


def test_level_slope_and_dispersion_are_those_of_a_quasi_poisson_regression():
    data = sicily()
    after = data["is_after"]
    since = after * (data["times"] - data["times"][after == 1].min())
    design = np.column_stack([np.ones_like(after), after, since, data["times"], season(data["times"])])
    model = sm.GLM(data["counts"], design, family=sm.families.Poisson(), exposure=data["population"])
    theirs = model.fit(scale="X2", tol=1e-13)
    ours = interrupted_time_series(**data, errors="quasi_poisson")
    assert ours.dispersion == pytest.approx(theirs.scale, rel=1e-8)
    for change, position in ((ours.level, 1), (ours.slope, 2)):
        assert change.estimate == pytest.approx(theirs.params[position], abs=1e-8)
        assert change.standard_error == pytest.approx(theirs.bse[position], rel=1e-7)


@pytest.mark.parametrize("lags", [0, 3, 12])
def test_newey_west_errors_are_those_of_statsmodels(lags):
    data = sicily()
    design = np.column_stack([np.ones(59), data["is_after"], data["times"], season(data["times"])])
    model = sm.GLM(data["counts"], design, family=sm.families.Poisson(), exposure=data["population"])
    theirs = model.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, tol=1e-13)
    ours = interrupted_time_series(**data, change_of_slope=False, lags=lags)
    assert ours.level.estimate == pytest.approx(theirs.params[1], abs=1e-8)
    assert ours.level.standard_error == pytest.approx(theirs.bse[1], rel=1e-6)


def test_front_seats_against_rear_seats_after_the_belt_law():
    rows = read("07_its_seatbelts/input.csv")
    month, law = np.arange(float(rows.height)), rows["law"].to_numpy()
    times, front = np.tile(month, 2), np.repeat([1.0, 0.0], rows.height)
    counts = np.concatenate([rows["front"].to_numpy(), rows["rear"].to_numpy()])
    kilometres, after = np.tile(rows["kms"].to_numpy(), 2), np.tile(law, 2)
    ours = interrupted_time_series(
        counts=counts,
        population=kilometres,
        times=times,
        is_after=after,
        is_comparison=front == 0,
        change_of_slope=False,
        lags=5,
    )
    columns = [np.ones_like(front), front, times, times * front, after, after * front, season(times)]
    model = sm.GLM(counts, np.column_stack(columns), family=sm.families.Poisson(), exposure=kilometres)
    options = {"time": times.astype(int), "maxlags": 5, "use_correction": False}
    theirs = model.fit(cov_type="hac-groupsum", cov_kwds=options, tol=1e-13)
    factor = np.sqrt(len(counts) / (len(counts) - 10))
    assert ours.level.estimate == pytest.approx(theirs.params[5], abs=1e-8)
    assert ours.level.standard_error == pytest.approx(theirs.bse[5] * factor, rel=1e-6)
    assert ours.level.high < 0
