"""The cohort estimators beside independent calculations: stacked estimating equations and statsmodels' regressions.

The stacked equations are differentiated by complex steps, with no formula of ours; statsmodels' clustered errors are
asked for without their factor and multiplied by G/(G-1), as Stata's `vce(cluster)` for maximum likelihood.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.weighted_cohort import ATO, weighted_cohort, weighted_design, weighted_rate_ratio
from evaluation.matching import Terms
from evaluation.matching.overlap import overlap_weights
from tests.recovery.test_cohort_recovery import entropy_balancing

# statsmodels has not documented clustered errors with var_weights; that they are right here is what is compared
pytestmark = pytest.mark.filterwarnings("ignore:cov_type not fully supported with var_weights")
PEOPLE, CASES = 600, 120


@pytest.fixture(scope="module")
def pool() -> dict[str, np.ndarray]:
    """Over-dispersed counts, unequal person-time, some of it zero; some comparison people stand twice."""
    rng = np.random.default_rng(20090401)
    is_treated = np.arange(PEOPLE) < CASES
    history = rng.gamma(1.0, 1.0, PEOPLE) + 0.5 * is_treated
    age = rng.normal(0.3 * is_treated, 1)
    person_years = np.where(rng.random(PEOPLE) < 0.1, rng.uniform(0, 1, PEOPLE), 1.0)
    person_years[[3, 300]] = 0
    rate = np.exp(-0.3 + 0.4 * np.sqrt(history) + 0.1 * age**2)
    person_ids = np.arange(PEOPLE)
    person_ids[400:450] = person_ids[450:500]
    return {
        "counts": rng.poisson(rate * person_years * rng.gamma(1.0, 1.0, PEOPLE)),
        "person_years": person_years,
        "is_treated": is_treated,
        "balanced": np.column_stack([history, age, history * age]),
        "covariates": np.column_stack([np.log1p(history), age]),
        "person_ids": person_ids,
    }


def stacked(theta: np.ndarray, data: dict[str, np.ndarray], *, x: np.ndarray) -> np.ndarray:
    """Estimating functions (n x q) of balancing multipliers and the two rates."""
    case, y, t = data["is_treated"].astype(float), data["counts"], data["person_years"]
    multipliers, rates = theta[:-2], theta[-2:]
    weights = np.exp(x @ multipliers)
    return np.column_stack(
        [
            ((1 - case) * weights - case)[:, None] * x,
            case * (y - rates[0] * t),
            (1 - case) * weights * (y - rates[1] * t),
        ]
    )


def solved(data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Both rates and their covariance: Newton steps, influences by the stacked equations, leverages by QR."""
    x = np.column_stack([np.ones(PEOPLE), data["balanced"]])
    size = x.shape[1] + 2
    theta = np.zeros(size)
    theta[0], theta[-2:] = np.log(CASES / (PEOPLE - CASES)), 1.0
    for _ in range(60):
        steps = [stacked(theta + 1e-30j * unit, data, x=x).sum(axis=0).imag / 1e-30 for unit in np.eye(size)]
        slope = np.column_stack(steps)
        theta = theta - np.linalg.solve(slope, stacked(theta, data, x=x).sum(axis=0))
    influences = np.linalg.solve(slope, stacked(theta, data, x=x).T).T[:, -2:]
    others = ~data["is_treated"]
    basis = np.linalg.qr(x[others] * np.exp(x[others] @ theta[:-2] / 2)[:, None])[0]
    influences[others] /= np.sqrt(1 - (basis**2).sum(axis=1, keepdims=True))
    people = np.unique(data["person_ids"])
    sums = np.array([influences[data["person_ids"] == person].sum(axis=0) for person in people])
    return theta[-2:], sums.T @ sums * len(people) / (len(people) - 1)


def test_the_weighted_cohort_is_the_solution_of_its_stacked_equations(pool):
    effect = weighted_cohort(**weighted(pool))
    rates, covariance = solved(pool)
    on_log, on_change = np.array([1, -1]) / rates, np.array([1, -1])
    assert effect.log_rate_ratio == pytest.approx(np.log(rates[0] / rates[1]), abs=1e-9)
    assert effect.standard_error == pytest.approx(np.sqrt(on_log @ covariance @ on_log), rel=1e-7)
    assert effect.change == pytest.approx(rates[0] - rates[1], abs=1e-9)
    assert effect.change_standard_error == pytest.approx(np.sqrt(on_change @ covariance @ on_change), rel=1e-7)


def stacked_by_chances(theta: np.ndarray, data: dict[str, np.ndarray], *, x: np.ndarray) -> np.ndarray:
    """Estimating functions (n x q) of a logistic regression and of rates weighted by the chance of the other arm."""
    case, y, t = data["is_treated"].astype(float), data["counts"], data["person_years"]
    chance = 1 / (1 + np.exp(-x @ theta[:-2]))
    return np.column_stack(
        [
            (case - chance)[:, None] * x,
            case * (1 - chance) * (y - theta[-2] * t),
            (1 - case) * chance * (y - theta[-1] * t),
        ]
    )


def solved_by_chances(data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """As `solved`, with chances by statsmodels and rates by hand."""
    x = np.column_stack([np.ones(PEOPLE), data["balanced"]])
    case, y, t = data["is_treated"], data["counts"], data["person_years"]
    fitted = sm.Logit(case.astype(float), x).fit(disp=0, tol=1e-13)
    chance = fitted.predict()
    weights = np.where(case, 1 - chance, chance)
    rates = [(weights * y)[arm].sum() / (weights * t)[arm].sum() for arm in (case, ~case)]
    theta = np.array([*fitted.params, *rates])
    steps = [
        stacked_by_chances(theta + 1e-30j * unit, data, x=x).sum(axis=0).imag / 1e-30 for unit in np.eye(theta.size)
    ]
    influences = np.linalg.solve(np.column_stack(steps), stacked_by_chances(theta, data, x=x).T).T[:, -2:]
    basis = np.linalg.qr(x * np.sqrt(chance * (1 - chance))[:, None])[0]
    influences /= np.sqrt(1 - (basis**2).sum(axis=1, keepdims=True))
    people = np.unique(data["person_ids"])
    sums = np.array([influences[data["person_ids"] == person].sum(axis=0) for person in people])
    return theta[-2:], sums.T @ sums * len(people) / (len(people) - 1)


def test_the_effect_in_the_overlap_population_is_the_solution_of_its_stacked_equations(pool):
    names = ("history", "age", "product")
    rows = pl.DataFrame(pool["balanced"], schema=names).with_columns(
        person_id=pl.Series([f"{number:04d}" for number in range(PEOPLE)]), is_treated=pl.Series(pool["is_treated"])
    )
    found = overlap_weights(rows, terms=Terms(linear=names))
    design = weighted_design(
        is_treated=found.is_treated,
        weights=found.weights,
        balanced=found.balanced,
        person_ids=pool["person_ids"],
        estimand=ATO,
    )
    effect = weighted_rate_ratio(design, counts=pool["counts"], person_years=pool["person_years"])
    rates, covariance = solved_by_chances(pool)
    on_log, on_change = np.array([1, -1]) / rates, np.array([1, -1])
    assert effect.log_rate_ratio == pytest.approx(np.log(rates[0] / rates[1]), abs=1e-9)
    assert effect.standard_error == pytest.approx(np.sqrt(on_log @ covariance @ on_log), rel=1e-7)
    assert effect.change == pytest.approx(rates[0] - rates[1], abs=1e-9)
    assert effect.change_standard_error == pytest.approx(np.sqrt(on_change @ covariance @ on_change), rel=1e-7)


def test_the_estimation_of_the_weights_takes_error_away(pool):
    estimated = weighted(pool)
    known = weighted_cohort(**(estimated | {"balanced": np.zeros((PEOPLE, 0))}))
    assert known.log_rate_ratio == pytest.approx(weighted_cohort(**estimated).log_rate_ratio, abs=1e-12)
    assert weighted_cohort(**estimated).standard_error < known.standard_error


def test_a_linear_regression_on_what_is_balanced_changes_nothing(pool):
    """Why no outcome model stands beside the weights: an augmented estimate with the linear one is the same."""
    given = weighted(pool)
    w, y, t, case = given["weights"], given["counts"], given["person_years"], given["is_treated"]
    effect = weighted_cohort(**given)
    x = np.column_stack([np.ones(PEOPLE), given["balanced"]])
    left = y - effect.rate_without * t
    model = sm.WLS(left[~case], x[~case], weights=w[~case]).fit()
    scaled = w[~case] * case.sum() / w[~case].sum()
    augmented = model.predict(x[case]).sum() + scaled @ (left[~case] - model.predict(x[~case]))
    assert augmented == pytest.approx(scaled @ left[~case], abs=1e-8)


def weighted(pool: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arguments of `weighted_cohort`."""
    given = {name: values for name, values in pool.items() if name != "covariates"}
    return given | {"weights": entropy_balancing(pool["balanced"], pool["is_treated"])}


@pytest.fixture(scope="module")
def matched(pool) -> dict[str, np.ndarray]:
    """Each case with two controls drawn from few, so that most controls stand in several sets."""
    rng = np.random.default_rng(7)
    controls = rng.choice(np.arange(CASES, 250), size=(CASES, 2))
    cases = np.setdiff1d(np.arange(CASES), [3])
    rows = np.concatenate([cases, controls[cases].ravel()])
    kept = {name: pool[name][rows] for name in ("counts", "person_years", "is_treated", "covariates", "person_ids")}
    sets = {"set_ids": np.concatenate([cases, np.repeat(cases, 2)])}
    return kept | sets | {"weights": np.where(kept["is_treated"], 1.0, 0.5)}


def clustered(data: dict[str, np.ndarray], groups: np.ndarray):
    seen = data["person_years"] > 0
    design = np.column_stack([np.ones(seen.sum()), data["is_treated"][seen], data["covariates"][seen]])
    model = sm.GLM(
        data["counts"][seen],
        design,
        family=sm.families.Poisson(),
        exposure=data["person_years"][seen],
        var_weights=data["weights"][seen],
    )
    labels = np.unique(groups[seen], return_inverse=True)[1]
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": labels, "use_correction": False}, tol=1e-13)
    count = len(np.unique(groups))
    return fitted.params, fitted.cov_params() * count / (count - 1)


def test_the_matched_cohort_is_a_weighted_poisson_regression_clustered_by_person(matched):
    effect = matched_cohort(**{name: values for name, values in matched.items() if name != "set_ids"})
    params, covariance = clustered(matched, matched["person_ids"])
    assert effect.log_rate_ratio == pytest.approx(params[1], abs=1e-8)
    assert effect.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-6)


def test_with_sets_errors_are_two_way_by_set_and_person(matched):
    effect = matched_cohort(**matched)
    sets, people = matched["set_ids"], matched["person_ids"]
    both = np.array([f"{one}-{other}" for one, other in zip(sets, people, strict=True)])
    by_set, by_person, by_both = (clustered(matched, groups)[1][1, 1] for groups in (sets, people, both))
    assert effect.standard_error**2 == pytest.approx(max(by_set + by_person - by_both, by_set, by_person), rel=1e-6)


def test_the_matched_difference_in_differences_is_a_saturated_poisson_regression(matched, pool):
    rng = np.random.default_rng(11)
    rows = len(matched["counts"])
    before, years_before = rng.poisson(1.2, rows), rng.uniform(0.5, 1.5, rows)
    effect = matched_did(
        baseline_counts=before,
        baseline_person_years=years_before,
        **{name: values for name, values in matched.items() if name not in ("covariates", "set_ids")},
    )
    after, treated = np.repeat([0.0, 1.0], rows), np.tile(matched["is_treated"], 2).astype(float)
    stacked_rows = {
        "counts": np.concatenate([before, matched["counts"]]),
        "person_years": np.concatenate([years_before, matched["person_years"]]),
        "is_treated": treated * after,
        "covariates": np.column_stack([treated, after]),
        "weights": np.tile(matched["weights"], 2),
    }
    params, covariance = clustered(stacked_rows, np.tile(matched["person_ids"], 2))
    assert effect.log_rate_ratio == pytest.approx(params[1], abs=1e-8)
    assert effect.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-6)
