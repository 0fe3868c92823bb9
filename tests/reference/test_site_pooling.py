"""Random-effects pooling of the BCG vaccine trials and the stroke units of Normand: as metafor published them.

Viechtbauer (2010), Journal of Statistical Software 36(3), and metafor's documentation of both data sets
(`rma(..., method="REML")`, `test="knha"`, `confint`). A direct maximisation of the restricted likelihood is beside.
"""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import t as student_t

from evaluation.estimation.meta_regression import meta_regression
from evaluation.estimation.pooling import leave_one_out, pooled_effect
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test


def bcg() -> tuple[np.ndarray, np.ndarray, list[str]]:
    rows = read("10_meta_analysis/input_bcg.csv")
    tpos, tneg, cpos, cneg = (rows[name].to_numpy().astype(float) for name in ("tpos", "tneg", "cpos", "cneg"))
    log_ratios = np.log(tpos / (tpos + tneg)) - np.log(cpos / (cpos + cneg))
    variances = 1 / tpos - 1 / (tpos + tneg) + 1 / cpos - 1 / (cpos + cneg)
    return log_ratios, np.sqrt(variances), [str(trial) for trial in rows["trial"]]


def normand() -> tuple[np.ndarray, np.ndarray, list[str]]:
    rows = read("10_meta_analysis/input_normand1999.csv")
    errors = np.sqrt((rows["sd1i"] ** 2 / rows["n1i"] + rows["sd2i"] ** 2 / rows["n2i"]).to_numpy())
    return (rows["m1i"] - rows["m2i"]).to_numpy().astype(float), errors, rows["source"].to_list()


def most_likely_tau2(y: np.ndarray, errors: np.ndarray, *, largest: float) -> float:
    def deviance(tau2: float) -> float:
        w = 1 / (errors**2 + tau2)
        mean = np.average(y, weights=w)
        return -np.log(w).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum()

    return float(minimize_scalar(deviance, bounds=(0, largest), method="bounded", options={"xatol": 1e-12}).x)


def most_likely_residual_tau2(y: np.ndarray, errors: np.ndarray, moderator: np.ndarray) -> float:
    design = np.column_stack([np.ones(y.size), moderator])

    def deviance(tau2: float) -> float:
        root = 1 / np.sqrt(errors**2 + tau2)
        scaled = root[:, None] * design
        rest = root * y - scaled @ np.linalg.lstsq(scaled, root * y, rcond=None)[0]
        return -2 * np.log(root).sum() + np.linalg.slogdet(scaled.T @ scaled)[1] + rest @ rest

    return float(minimize_scalar(deviance, bounds=(0, 2), method="bounded", options={"xatol": 1e-12}).x)


def test_bcg_mean_and_variance_between_trials():
    y, errors, trials = bcg()
    pooled = pooled_effect(y, errors, sites=trials)
    between = pooled.heterogeneity
    assert pooled.estimate == pytest.approx(-0.714532, abs=5e-7)
    assert between.tau2 == pytest.approx(0.313243, abs=5e-7)
    assert between.tau2 == pytest.approx(most_likely_tau2(y, errors, largest=2), abs=1e-6)
    assert (between.tau2_low, between.tau2_high) == pytest.approx((0.1197, 1.1115), abs=5e-5)
    assert (between.q, between.i2_pct, between.h2) == pytest.approx((152.2330, 92.22, 12.86), abs=5e-3)


def test_bcg_hartung_knapp_interval_and_the_common_effect():
    y, errors, trials = bcg()
    pooled = pooled_effect(y, errors, sites=trials)
    weights = 1 / (errors**2 + pooled.heterogeneity.tau2)
    spread = (weights * (y - pooled.estimate) ** 2).sum() / 12
    assert pooled.standard_error == pytest.approx(np.sqrt(spread / weights.sum()), abs=1e-12)
    assert (pooled.standard_error, pooled.low, pooled.high) == pytest.approx((0.1808, -1.1084, -0.3206), abs=5e-5)
    assert (pooled.fixed_estimate, pooled.fixed_standard_error) == pytest.approx((-0.4303, 0.0405), abs=5e-5)


def test_the_prediction_interval_for_another_trial_is_that_of_the_formula_and_its_parts_are_metafors():
    # Higgins, Thompson and Spiegelhalter (2009): mean -/+ t(k-2) x root of (tau2 + error^2). metafor's documentation of
    # these trials prints 0.1546 to 1.5490 (`predict(res, transf=exp)`), with 1.96 and the error without Hartung-Knapp.
    y, errors, trials = bcg()
    pooled = pooled_effect(y, errors, sites=trials)
    tau2 = most_likely_tau2(y, errors, largest=2)
    weights = 1 / (errors**2 + tau2)
    mean = np.average(y, weights=weights)
    knapp_hartung = (weights * (y - mean) ** 2).sum() / 12 / weights.sum()
    margin = student_t.ppf(0.975, 11) * np.sqrt(tau2 + knapp_hartung)
    assert (pooled.prediction_low, pooled.prediction_high) == pytest.approx((mean - margin, mean + margin), abs=1e-6)
    normal = 1.959964 * np.sqrt(pooled.heterogeneity.tau2 + 1 / weights.sum())
    printed = np.exp([pooled.estimate - normal, pooled.estimate + normal])
    assert printed.tolist() == pytest.approx([0.1546, 1.5490], abs=5e-5)


def test_each_trial_left_out_in_turn_is_a_pooling_of_the_others():
    y, errors, trials = bcg()
    for position, left in enumerate(leave_one_out(y, errors, sites=trials)):
        tau2 = most_likely_tau2(np.delete(y, position), np.delete(errors, position), largest=2)
        weights = 1 / (np.delete(errors, position) ** 2 + tau2)
        assert left.tau2 == pytest.approx(tau2, abs=1e-6)
        assert left.estimate == pytest.approx(np.average(np.delete(y, position), weights=weights), abs=1e-6)


def test_shrunken_trials_are_the_best_linear_predictions():
    y, errors, trials = bcg()
    pooled = pooled_effect(y, errors, sites=trials)
    tau2 = pooled.heterogeneity.tau2
    joint = tau2 * np.eye(13)
    predicted = pooled.estimate + joint @ np.linalg.solve(joint + np.diag(errors**2), y - pooled.estimate)
    assert [site.shrunken for site in pooled.sites] == pytest.approx(predicted.tolist(), abs=1e-12)


def test_normand_stroke_units():
    y, errors, sources = normand()
    pooled = pooled_effect(y, errors, sites=sources)
    assert pooled.estimate == pytest.approx(-15.1060, abs=5e-5)
    assert pooled.heterogeneity.tau2 == pytest.approx(684.6462, abs=5e-5)
    assert pooled.heterogeneity.tau2 == pytest.approx(most_likely_tau2(y, errors, largest=5000), rel=1e-6)
    assert pooled.heterogeneity.q == pytest.approx(238.9158, abs=5e-5)


def test_the_prediction_interval_for_another_hospital_of_normands():
    y, errors, sources = normand()
    pooled = pooled_effect(y, errors, sites=sources)
    weights = 1 / (errors**2 + most_likely_tau2(y, errors, largest=5000))
    mean = np.average(y, weights=weights)
    knapp_hartung = (weights * (y - mean) ** 2).sum() / 8 / weights.sum()
    variance = max(knapp_hartung, 1 / weights.sum()) + 684.6462  # tau2 as metafor prints it
    margin = student_t.ppf(0.975, 7) * np.sqrt(variance)
    limits = (pooled.prediction_low, pooled.prediction_high)
    assert limits == pytest.approx((-15.1060 - margin, -15.1060 + margin), abs=1e-4)


def test_bcg_regressed_on_latitude_is_what_metafor_published():
    # `rma(yi, vi, mods = ~ ablat, data = dat.bcg)`, Viechtbauer (2010): 13 trials, REML. metafor stops once a step is
    # below 1e-5 and prints 0.0764; the maximum itself is at 0.07635, as the direct maximisation shows.
    y, errors, _ = bcg()
    latitude = read("10_meta_analysis/input_bcg.csv")["ablat"].to_numpy().astype(float)
    found = meta_regression(y, errors, latitude[:, None], names=["ablat"])
    slope, factor = found.coefficients[0], found.knapp_hartung_factor
    assert found.tau2 == pytest.approx(0.0764, abs=1e-4)
    assert found.tau2 == pytest.approx(most_likely_residual_tau2(y, errors, latitude), abs=1e-8)
    assert (found.q, found.degrees_of_freedom) == (pytest.approx(30.7331, abs=5e-5), 11)
    assert found.q_p_value == pytest.approx(0.0012, abs=5e-5)
    assert (found.intercept.estimate, slope.estimate) == pytest.approx((0.2515, -0.0291), abs=5e-5)
    errors_known = (found.intercept.standard_error / factor, slope.standard_error / factor)
    assert errors_known == pytest.approx((0.2491, 0.0072), abs=5e-5)
    assert slope.estimate * factor / slope.standard_error == pytest.approx(-4.0444, abs=2e-4)
    without = pooled_effect(y, errors, sites=[str(i) for i in range(13)]).heterogeneity.tau2
    assert 100 * (1 - found.tau2 / without) == pytest.approx(75.62, abs=1e-2)
