"""What a predictive risk changes, as a covariate of the weights and as what pairs are the nearest in.

    POLARS_MAX_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.predictive_risk --draws 100

Data: `simulated_trial` without an effect. Estimand: the log ratio of the cases' rates with and without the pilot, 0.
Methods: `weighted_cohort` as planned, with the predictive risk of emergency admissions first among its covariates, and
with that of every outcome, as a study has it; `matched_cohort` and `matched_did` on pairs that are nearest in the log
odds, and on pairs that are nearest in the risk of emergency admissions. The risk is fitted on the pool of another
cohort of the same kind, at whose date nobody was treated, with windows of at most twelve months, as it has in a study.
Performance: bias, spread, coverage of 95% intervals, and the mean change of the same draws' estimates, each with its
Monte Carlo error. Draws from 1,000,000 on; those below 1,000,100 of 150 cases settled that every outcome has a column.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.saying import say
from benchmarks.study_draws import (
    CARRIED,
    DAYS_PER_YEAR,
    DID,
    MATCHED,
    PAIRS,
    WEIGHTED,
    known_covariates,
    matched_estimates,
    weighted_estimates,
)
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.matching import earlier_cohort_scores, risk_of
from evaluation.matching.weighted import balanced_weights
from evaluation.simulation.trials import OUTCOMES, WITHOUT, TrialPlan, simulated_trial

MECHANISMS = ("transient_crisis", "stable_hidden_difference")
FIRST_DRAW, SEED = 1_000_000, 20_261_128
FIRST = OUTCOMES[0]
# What each method is held against, draw by draw.
AGAINST = {f"{WEIGHTED}{risks}": WEIGHTED for risks in ("", "_risk", "_all_risks")} | {
    f"{design}_{method}": f"{design}_nearest"
    for design in (MATCHED, DID, CARRIED)
    for method in ("nearest", "prognostic")
}
Found = dict[tuple[str, str], dict[int, RateRatio]]


def main() -> int:
    """Draw, one after the other, and say what was found."""
    wanted = _arguments()
    found: dict[str, Found] = {mechanism: {} for mechanism in MECHANISMS}
    first = FIRST_DRAW + wanted.first
    for draw in range(first, first + wanted.draws):
        for mechanism in MECHANISMS:
            for method, outcome, ratio in estimates(mechanism, draw, cases=wanted.cases):
                if ratio is not None:
                    found[mechanism].setdefault((method, outcome), {})[draw] = ratio
        if (draw + 1) % 10 == 0 or draw + 1 == first + wanted.draws:
            say(json.dumps({name: _figures(theirs) for name, theirs in found.items()}, indent=1))
    return 0


def estimates(mechanism: str, draw: int, *, cases: int) -> Iterator[tuple[str, str, RateRatio | None]]:
    """Method, outcome and estimate of one draw."""
    rng = np.random.default_rng([SEED, MECHANISMS.index(mechanism), draw])
    earlier, trial = (simulated_trial(TrialPlan(cases=cases, mechanism=mechanism), rng) for _ in range(2))
    people = _with_risks(trial, earlier.filter(~pl.col("is_treated")), seed=draw)
    treated, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    planned = known_covariates(people)
    risks = {"": [], "_risk": [risk_of(FIRST)], "_all_risks": [risk_of(name) for name in OUTCOMES]}
    for name, own in risks.items():
        weighted = balanced_weights(treated, pool, covariates=[*own, *planned])
        ratios = weighted_estimates(treated, pool, weighted, outcomes=[f"{WITHOUT}{one}" for one in OUTCOMES])
        for column, ratio in ratios.items():
            yield f"{WEIGHTED}{name}", column.removeprefix(WITHOUT), ratio
    for method in ("nearest", "prognostic"):
        settings = replace(PAIRS, method=method, prognostic_score=risk_of(FIRST))
        for _, design, outcome, ratio in matched_estimates(people, ["none"], seed=draw, settings=settings):
            yield f"{design}_{method}", outcome, ratio


def _with_risks(people: pl.DataFrame, earlier: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    covariates = [name for name in known_covariates(people) if not name.endswith("_24_months")]
    known = earlier.with_columns(person_years=pl.col("person_days") / DAYS_PER_YEAR)
    for name in OUTCOMES:
        counted = known.with_columns(pl.col(f"{WITHOUT}{name}").alias("events"))
        scores = earlier_cohort_scores(people, earlier=counted, covariates=covariates, seed=seed)
        people = people.join(scores.rename({"prognostic_score": risk_of(name)}), on="person_id", maintain_order="left")
    return people


def _figures(found: Found) -> dict[str, dict[str, float]]:
    return {
        f"{method}/{outcome}": _performance(ratios) | _change(ratios, found[AGAINST[method], outcome])
        for (method, outcome), ratios in sorted(found.items())
    }


def _performance(ratios: dict[int, RateRatio]) -> dict[str, float]:
    logs = np.array([one.log_rate_ratio for one in ratios.values()])
    covers = np.array([one.log_low <= 0 <= one.log_high for one in ratios.values()])
    n, spread = len(logs), float(logs.std(ddof=1)) if len(logs) > 1 else np.nan
    return {
        "draws": n,
        "bias": round(float(logs.mean()), 4),
        "bias_error": round(spread / n**0.5, 4),
        "spread": round(spread, 4),
        "spread_error": round(spread / max(2 * (n - 1), 1) ** 0.5, 4),
        "coverage": round(float(covers.mean()), 3),
        "coverage_error": round(float(np.sqrt(covers.mean() * (1 - covers.mean()) / n)), 3),
        "mean_error": round(float(np.mean([one.standard_error for one in ratios.values()])), 4),
    }


def _change(ratios: dict[int, RateRatio], against: dict[int, RateRatio]) -> dict[str, float]:
    """Mean difference of estimates of the same draws, which has a smaller error than that of two biases."""
    both = sorted(ratios.keys() & against.keys())
    apart = np.array([ratios[draw].log_rate_ratio - against[draw].log_rate_ratio for draw in both])
    error = float(apart.std(ddof=1)) / len(both) ** 0.5 if len(both) > 1 else np.nan
    return {"change": round(float(apart.mean()), 4), "change_error": round(error, 4)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Estimates with and without a predictive risk, over made-up cohorts.")
    parser.add_argument("--draws", type=int, default=100, help="cohorts of each mechanism (100)")
    parser.add_argument("--first", type=int, default=0, help="draws to pass over, from 1,000,000 on (0)")
    parser.add_argument("--cases", type=int, default=1200, help="pilot people of a cohort (1200)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
