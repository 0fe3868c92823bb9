"""Small made-up cohorts with known effects, person by person: what estimators are judged on, thousands of times.

Not records of hospital care (those are in the other modules here) but what is left of them when a study compares:
covariates at the index date, and counts after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OUTCOMES = ("emergency_admissions", "elective_admissions", "outpatient_attendances")
MECHANISMS = ("transient_crisis", "stable_hidden_difference", "crisis_and_hidden_difference", "diverging_trend")
NO_EFFECT: Mapping[str, float] = MappingProxyType(dict.fromkeys(OUTCOMES, 1.0))
# Of the national evaluation of integrated care pilots in England (RAND Europe and Ernst & Young, 2012).
PUBLISHED_EFFECTS: Mapping[str, float] = MappingProxyType(
    {"emergency_admissions": 1.02, "elective_admissions": 0.96, "outpatient_attendances": 0.80}
)
WITHOUT, EXPECTED = "without_pilot_", "expected_"
LOOK_BACK, FOLLOW_UP = 24, 6
WINDOWS = (1, 3, 6, 12, 24)
DAYS_PER_MONTH = 30.4375
# A month's rate of somebody of average frailty outside a crisis, and how much a crisis multiplies it.
MONTHLY_RATE = {"emergency_admissions": 0.0225, "elective_admissions": 0.012, "outpatient_attendances": 0.13}
IN_CRISIS = {"emergency_admissions": 14.0, "elective_admissions": 2.0, "outpatient_attendances": 2.5}
CRISIS_STARTS, CRISIS_GOES_ON = 0.012, 0.55
HIDDEN_SHARE, HIDDEN_RATIO, HIDDEN_ODDS = 0.3, 1.35, 0.9
TREND_A_YEAR = 0.15
SITES, LARGEST_SITE = 16, 3.0  # of sites, the largest has so many times the people of the smallest
DEATHS_A_MONTH = 0.003


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """How one cohort comes about.

    `cases` people join out of `eligible_per_case` x `cases` in the pilot areas; `pool_per_case` x `cases` live
    elsewhere, where nobody can join. `mechanism` is one of `MECHANISMS`: who joins, and why. `ratios` are the pilot's
    true rate ratios by outcome. With a `site_spread` above 0 the pilot areas are `SITES` sites of unequal size, and a
    site's log rate ratio is the plan's plus a normal deviation of that standard deviation, the same for each outcome.
    """

    cases: int
    mechanism: str
    ratios: Mapping[str, float] = field(default_factory=lambda: NO_EFFECT)
    eligible_per_case: int = 12
    pool_per_case: int = 10
    site_spread: float = 0.0


def simulated_trial(plan: TrialPlan, rng: np.random.Generator) -> pl.DataFrame:
    """Cases and pool, one row per person: covariates at the index date, `person_days` and counts of six months after.

    Counts stand twice: with the pilot by the outcome's name, and without it behind `without_pilot_`; the two
    differ for cases alone.

    Everybody is ill at times (a crisis of about two months, in which emergency admissions are fourteen times as
    likely) and has a frailty of their own; neither is recorded, but shows in use and conditions. Under
    `transient_crisis` people join for recorded use, age and conditions alone, most of them in a crisis, and get
    better by themselves. Under `stable_hidden_difference` they join for something that nobody recorded and that
    makes them ill at all times; `crisis_and_hidden_difference` is both; under `diverging_trend` what nobody
    recorded makes them more ill from year to year. Death ends what is observed and is not changed by the pilot.

    Assumes that effects multiply everyone's rate alike, so that the ratio of the cases' rates with and without the
    pilot is the planted one. Where sites differ there are `site_id` (null in the pool), `site_log_effect`, what the
    log rate ratio of each case's site has beyond the plan's, and `expected_<outcome>`, expected counts without the
    pilot: of them follows what the effect in these sites is. Raises `ValueError` for an unknown mechanism.
    """
    if plan.mechanism not in MECHANISMS:
        raise ValueError(f"mechanism {plan.mechanism!r}: expected one of {', '.join(MECHANISMS)}")
    eligible = plan.cases * plan.eligible_per_case
    n = eligible + plan.cases * plan.pool_per_case
    people = _people(n, rng)
    is_hidden = rng.random(n) < HIDDEN_SHARE
    trend = np.where(is_hidden & (plan.mechanism == "diverging_trend"), TREND_A_YEAR / 12, 0.0)
    stable = np.where(is_hidden & plan.mechanism.endswith("hidden_difference"), HIDDEN_RATIO, 1.0)
    starts_ill = rng.random(n) < CRISIS_STARTS * people["frailty"] / (1 - CRISIS_GOES_ON)
    crises = _crises(people["frailty"], starts_ill, rng)
    expected = _expected(people, crises, stable, trend)
    before = {name: rng.poisson(rates[:, :LOOK_BACK]) for name, rates in expected.items()}
    covariates = _covariates(people, before, rng)
    is_treated = _joined(plan, covariates, is_hidden, np.arange(n) < eligible, rng)
    observed = _observed_days(people["frailty"], crises[:, LOOK_BACK], rng)
    after = {name: (rates[:, LOOK_BACK:] * observed / DAYS_PER_MONTH).sum(axis=1) for name, rates in expected.items()}
    without = {name: rng.poisson(rates) for name, rates in after.items()}
    sites = _sites(plan, is_treated, rng) if plan.site_spread else {}
    beyond = np.exp(sites["site_log_effect"].to_numpy()) if sites else 1.0
    with_pilot = {name: rng.poisson(rates * plan.ratios[name] * beyond) for name, rates in after.items()}
    return covariates.with_columns(
        *sites.values(),
        *(pl.Series(f"{EXPECTED}{name}", after[name]) for name in OUTCOMES if sites),
        pl.Series("is_treated", is_treated),
        pl.Series("person_days", observed.sum(axis=1)),
        *(pl.Series(f"{WITHOUT}{name}", without[name]) for name in OUTCOMES),
        *(pl.Series(name, np.where(is_treated, with_pilot[name], without[name])) for name in OUTCOMES),
    ).filter(pl.col("is_treated") | (pl.int_range(pl.len()) >= eligible))


def _people(n: int, rng: np.random.Generator) -> dict[str, Floats]:
    known, unknown = rng.normal(0, 1, (2, n))
    age = 60 + 35 * rng.beta(1.6, 2.2, n)
    conditions = rng.poisson(np.exp(0.4 + 0.02 * (age - 75) + 0.35 * known)).astype(float)
    return {
        "age": np.floor(age),
        "conditions": conditions,
        "frailty": np.exp(0.5 * known + 0.45 * unknown - 0.226),
        "sex": 1.0 + (rng.random(n) < 0.54),
        "deprivation": rng.integers(1, 6, n).astype(float),
    }


def _monthly_rates(people: Mapping[str, Floats]) -> dict[str, Floats]:
    emergency = np.exp(0.02 * (people["age"] - 75) + 0.05 * (people["deprivation"] - 3)) * people["frailty"]
    planned = np.exp(0.05 * (people["conditions"] - 2)) * np.sqrt(people["frailty"])
    return {name: MONTHLY_RATE[name] * (emergency if name == "emergency_admissions" else planned) for name in OUTCOMES}


def _crises(frailty: Floats, starts_ill: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Who is in a crisis (people x months), from `LOOK_BACK` months before the index date to `FOLLOW_UP` after."""
    crises = np.empty((len(frailty), LOOK_BACK + FOLLOW_UP), dtype=bool)
    crises[:, 0] = starts_ill
    for month in range(1, LOOK_BACK + FOLLOW_UP):
        goes_on, starts = rng.random((2, len(frailty)))
        crises[:, month] = np.where(crises[:, month - 1], goes_on < CRISIS_GOES_ON, starts < CRISIS_STARTS * frailty)
    return crises


def _expected(
    people: Mapping[str, Floats], crises: NDArray[np.bool_], stable: Floats, trend: Floats
) -> dict[str, Floats]:
    """Expected counts (people x months) of each outcome in months wholly observed."""
    common = stable[:, None] * np.exp(trend[:, None] * np.arange(crises.shape[1]))
    return {
        name: rates[:, None] * common * np.where(crises, IN_CRISIS[name], 1.0)
        for name, rates in _monthly_rates(people).items()
    }


def _covariates(
    people: Mapping[str, Floats], before: Mapping[str, NDArray[np.int64]], rng: np.random.Generator
) -> pl.DataFrame:
    """What the SQL model `covariates` would hold of these people, by its names."""
    n = len(people["age"])
    emergency = before["emergency_admissions"]
    last = np.argmax(emergency[:, ::-1] > 0, axis=1)
    days = np.where(emergency.any(axis=1), np.floor((last + rng.random(n)) * DAYS_PER_MONTH), np.inf)
    classes = np.select([days <= 7, days <= 30, days <= 90, days < np.inf], ["0-7", "8-30", "31-90", "more"], "none")
    band = (people["age"] - people["age"] % 5).astype(int)
    return pl.DataFrame(
        {
            "person_id": [f"p{number:06d}" for number in range(n)],
            "sex": people["sex"].astype(int).astype(str),
            "age_at_index": people["age"].astype(int),
            "age_band": [f"{low}-{low + 4}" for low in band],
            "imd_quintile": people["deprivation"].astype(int),
            "long_term_conditions": people["conditions"].astype(int),
            "emergency_discharge_class": classes,
            "emergency_bed_days_12_months": rng.poisson(5.0 * emergency[:, -12:].sum(axis=1)),
            **{
                f"{name}_{window}_month{'s' * (window > 1)}": before[name][:, -window:].sum(axis=1)
                for name in OUTCOMES
                for window in WINDOWS
            },
            "early_days": np.full(n, 18 * DAYS_PER_MONTH),
            **{f"early_{name}": before[name][:, :18].sum(axis=1) for name in OUTCOMES},
            "half_year_days": np.full(n, 6 * DAYS_PER_MONTH),
            **{f"early_first_half_year_{name}": before[name][:, :6].sum(axis=1) for name in OUTCOMES},
            **{f"early_last_half_year_{name}": before[name][:, 12:18].sum(axis=1) for name in OUTCOMES},
        }
    )


def _joined(
    plan: TrialPlan,
    covariates: pl.DataFrame,
    is_hidden: NDArray[np.bool_],
    is_eligible: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """The first `cases` in order of log odds and chance: sampling without replacement in proportion to the odds."""
    use = {name: np.log1p(covariates[f"emergency_admissions_{name}"].to_numpy()) for name in ("3_months", "12_months")}
    odds = 0.015 * (covariates["age_at_index"].to_numpy() - 75) + 0.15 * covariates["long_term_conditions"].to_numpy()
    odds = odds + 0.5 * use["12_months"]
    if plan.mechanism in ("transient_crisis", "crisis_and_hidden_difference"):
        odds = odds + 2.0 * use["3_months"]
    if plan.mechanism != "transient_crisis":
        odds = odds + HIDDEN_ODDS * is_hidden
    luck = np.where(is_eligible, rng.gumbel(0, 1, len(odds)), -np.inf)
    order = np.argsort(-(odds + luck), kind="stable")
    is_treated = np.zeros(len(odds), dtype=bool)
    is_treated[order[: plan.cases]] = True
    return is_treated


def _sites(plan: TrialPlan, is_treated: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, pl.Series]:
    """The site of each case, and what its log rate ratio has beyond the plan's; 0 for everybody else."""
    sizes = np.linspace(1.0, LARGEST_SITE, SITES)
    site = rng.choice(SITES, size=len(is_treated), p=sizes / sizes.sum())
    deviations = rng.normal(0.0, plan.site_spread, SITES)
    names = pl.Series("site_id", [f"s{number:02d}" for number in site])
    return {
        "site_id": names.to_frame().select(pl.when(pl.Series(is_treated)).then("site_id").alias("site_id")).to_series(),
        "site_log_effect": pl.Series("site_log_effect", np.where(is_treated, deviations[site], 0.0)),
    }


def _observed_days(frailty: Floats, crisis: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Days observed in each month after the index date (people x months): death ends them."""
    hazard = DEATHS_A_MONTH * frailty * np.where(crisis, 4.0, 1.0)
    months = rng.exponential(1.0, len(frailty)) / hazard
    return np.clip(months[:, None] - np.arange(FOLLOW_UP), 0.0, 1.0) * DAYS_PER_MONTH
