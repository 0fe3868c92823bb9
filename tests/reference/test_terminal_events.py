"""Means until death beside independent calculations: Greenwood's variance, and weights found anew for each person."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from evaluation.estimation.monthly_ratios import monthly_ratios
from evaluation.estimation.terminal_events import DatedEvents, followed_up, mean_cumulative_counts, mean_days_alive
from evaluation.estimation.weighted_cohort import weighted_design
from evaluation.estimation.weighted_means import means_of_arms

PEOPLE, CASES, HORIZON = 90, 30, 40
UNTIL = np.array([10, 40])
STEP = 1e-4


def survival(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Days observed and whether they end with death; some leave, some stay."""
    rng = np.random.default_rng(seed)
    return np.minimum(rng.integers(1, 70, n), rng.integers(20, 90, n)), rng.random(n) < 0.6


def test_days_alive_are_the_area_under_statsmodels_survival_curve_with_greenwoods_variance():
    days, died = survival(200, 4_000_002)
    followed = followed_up(days_observed=days, died=died, weights=np.ones(200), horizon=HORIZON)
    found = mean_days_alive(followed, until=np.array([HORIZON]))
    # who dies on day u was alive for u + 1 days; who leaves after it, too, but was at risk of death on it
    curve = SurvfuncRight(days, died.astype(int))
    times, after = np.array([0, *curve.surv_times]), np.array([1.0, *curve.surv_prob])
    alive = after[np.searchsorted(times, np.arange(HORIZON), side="right") - 1]
    assert found.means == pytest.approx([alive.sum()])
    within = curve.surv_times < HORIZON
    left = np.array([alive[int(time) :].sum() for time in curve.surv_times[within]])
    at_risk, deaths = curve.n_risk[within], curve.n_events[within]
    greenwood = (left**2 * deaths / (at_risk * (at_risk - deaths))).sum()
    assert (found.influences**2).sum() == pytest.approx(greenwood)


@pytest.fixture(scope="module")
def study() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4_000_003)
    is_treated = np.arange(PEOPLE) < CASES
    covariates = rng.normal(0.4 * is_treated[:, None], 1, (PEOPLE, 2))
    days, died = survival(PEOPLE, 4_000_004)
    person = rng.integers(0, PEOPLE, 300)
    months = rng.poisson(np.exp(-0.5 + 0.3 * covariates[:, :1]), (PEOPLE, 3))
    observed = rng.integers(5, 31, (PEOPLE, 3))
    return {
        "is_treated": is_treated,
        "x": covariates,
        "days": days,
        "died": died,
        "person": person,
        "day": rng.integers(0, HORIZON, 300),
        "months": months.astype(float),
        "observed": observed.astype(float),
    }


def balanced(study: dict[str, np.ndarray], share: np.ndarray) -> np.ndarray:
    """Balancing weights where each person stands for a share of a person, by plain Newton steps."""
    treated = study["is_treated"]
    x = np.column_stack([np.ones(PEOPLE), study["x"]])
    wanted, others = share[treated] @ x[treated], x[~treated]
    multipliers = np.zeros(3)
    for _ in range(60):
        weights = share[~treated] * np.exp(others @ multipliers)
        multipliers -= np.linalg.solve((others * weights[:, None]).T @ others, others.T @ weights - wanted)
    found = share.copy()
    found[~treated] = share[~treated] * np.exp(others @ multipliers)
    return found


def arms(study: dict[str, np.ndarray], weights: np.ndarray) -> list:
    found = []
    for rows in (np.flatnonzero(study["is_treated"]), np.flatnonzero(~study["is_treated"])):
        theirs = np.isin(study["person"], rows)
        followed = followed_up(
            days_observed=study["days"][rows], died=study["died"][rows], weights=weights[rows], horizon=HORIZON
        )
        events = DatedEvents(
            person=np.searchsorted(rows, study["person"][theirs]),
            day=study["day"][theirs],
            count=np.ones(theirs.sum()),
        )
        found.append(mean_cumulative_counts(followed, events, until=UNTIL))
    return found


def sandwich(study: dict[str, np.ndarray], derivatives: list[np.ndarray]) -> np.ndarray:
    """Standard errors from what each person adds: derivatives by the share that the person stands for, over the
    root of one less the leverage of a comparison person in the weighted regression on what is balanced (by QR)."""
    influences, others = np.array(derivatives), ~study["is_treated"]
    columns = np.column_stack([np.ones(PEOPLE), study["x"]])[others]
    basis = np.linalg.qr(columns * np.sqrt(balanced(study, np.ones(PEOPLE))[others])[:, None])[0]
    influences[others] /= np.sqrt(1 - (basis**2).sum(axis=1, keepdims=True))
    return np.sqrt((influences**2).sum(axis=0) * PEOPLE / (PEOPLE - 1))


def derivatives_of(study: dict[str, np.ndarray], estimate) -> list[np.ndarray]:
    shares = np.eye(PEOPLE) * STEP
    return [
        (estimate(balanced(study, 1 + share)) - estimate(balanced(study, 1 - share))) / (2 * STEP) for share in shares
    ]


def design_of(study: dict[str, np.ndarray]):
    return weighted_design(
        is_treated=study["is_treated"],
        weights=balanced(study, np.ones(PEOPLE)),
        balanced=study["x"],
        person_ids=np.arange(PEOPLE),
    )


def test_errors_of_a_difference_are_those_of_weights_that_are_found_anew_for_each_person(study):
    def difference(weights: np.ndarray) -> np.ndarray:
        cases, others = arms(study, weights)
        return cases.means - others.means

    weights = balanced(study, np.ones(PEOPLE))
    cases, others = arms(study, weights)
    nobody = np.zeros(2, dtype=np.int64)
    found = means_of_arms(design_of(study), cases=cases, others=others, with_events=(nobody, nobody))
    assert found.difference == pytest.approx(difference(weights))
    assert found.difference_error == pytest.approx(sandwich(study, derivatives_of(study, difference)), rel=1e-5)


def test_errors_of_months_are_those_of_weights_that_are_found_anew_for_each_person(study):
    treated = study["is_treated"]

    def log_ratios(weights: np.ndarray) -> np.ndarray:
        events, days = weights[:, None] * study["months"], weights[:, None] * study["observed"]
        rates = [events[arm].sum(axis=0) / days[arm].sum(axis=0) for arm in (treated, ~treated)]
        return np.log(rates[0] / rates[1])

    design = design_of(study)
    found = monthly_ratios(design, days=study["observed"][design.order], counts=study["months"][design.order])
    assert found.log_ratio == pytest.approx(log_ratios(balanced(study, np.ones(PEOPLE))))
    errors = sandwich(study, derivatives_of(study, log_ratios))
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(errors, rel=1e-5)
