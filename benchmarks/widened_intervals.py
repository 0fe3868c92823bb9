"""How often intervals cover the truth where people join for what nobody recorded: as they are, and widened.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.widened_intervals --draws 200 --write

Data: `simulated_trial` with the published effects, by three mechanisms under which a hidden difference biases the
weighted estimate. Estimand: the log ratio of the cases' rates with and without the pilot. Methods: the interval of
`weighted_cohort`; the same widened on both sides by the largest shift from hiding a group of recorded covariates; and
by the sum of all shifts, whatever their sign, as if all that is hidden leaned one way. Performance: share of draws in
which each covers the truth, with its Monte Carlo error (of all together, with outcomes of a draw taken as
independent); the mean bias; how much wider. Draws below 1,000 were looked at when the sum was added; figures are kept
of draws from 1,000 on, used for nothing else.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.saying import say
from benchmarks.study_draws import known_covariates, weighted_estimates
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.sensitivity import widened_interval
from evaluation.estimation.variants import largest_shift
from evaluation.matching.hidden import groups_of, without_group
from evaluation.matching.weighted import balanced_weights, weights_of
from evaluation.simulation.trials import OUTCOMES, PUBLISHED_EFFECTS, TrialPlan, simulated_trial

RESULT = Path(__file__).parent / "results" / "widened_intervals.json"
CONFOUNDED = ("stable_hidden_difference", "crisis_and_hidden_difference", "diverging_trend")
CASES, SEED = 1200, 20_260_923


@dataclass
class Sums:
    """What is added up over the draws of one mechanism and outcome."""

    draws: int = 0
    failed: int = 0
    error: float = 0.0
    plain: int = 0
    widened: int = 0
    summed: int = 0
    widening: float = 0.0
    sum_of_shifts: float = 0.0
    strongest: dict[str, int] = field(default_factory=dict)

    def add(self, planned: RateRatio | None, hidden: Mapping[str, RateRatio], truth: float) -> None:
        """Adds a draw; None is a draw without an estimate."""
        strongest = largest_shift(planned, hidden) if planned is not None else None
        if planned is None or strongest is None:
            self.failed += 1
            return
        total = sum(abs(effect.log_rate_ratio - planned.log_rate_ratio) for effect in hidden.values())
        low, high = widened_interval(planned.log_low, planned.log_high, shifts=[strongest.log_shift])
        lowest, highest = widened_interval(planned.log_low, planned.log_high, shifts=[total])
        self.draws += 1
        self.error += planned.log_rate_ratio - truth
        self.plain += planned.log_low <= truth <= planned.log_high
        self.widened += low <= truth <= high
        self.summed += lowest <= truth <= highest
        self.sum_of_shifts += total
        self.widening += abs(strongest.log_shift)
        self.strongest[strongest.group] = self.strongest.get(strongest.group, 0) + 1

    def figures(self) -> dict[str, object]:
        """Shares and means with Monte Carlo errors."""
        return {
            "draws": self.draws,
            "failed": self.failed,
            "bias": round(self.error / self.draws, 4),
            **_share("plain", self.plain, self.draws),
            **_share("widened", self.widened, self.draws),
            **_share("summed", self.summed, self.draws),
            "mean_sum_of_shifts": round(self.sum_of_shifts / self.draws, 4),
            "mean_widening": round(self.widening / self.draws, 4),
            "strongest_group": dict(sorted(self.strongest.items(), key=lambda one: -one[1])),
        }


def main() -> int:
    """Draw, one after the other, and say what was covered."""
    wanted = _arguments()
    sums = {f"{mechanism}/{name}": Sums() for mechanism in CONFOUNDED for name in OUTCOMES}
    for draw in range(wanted.draws):
        for mechanism in CONFOUNDED:
            for name, (planned, hidden) in effects_of(mechanism, wanted.first_draw + draw).items():
                sums[f"{mechanism}/{name}"].add(planned, hidden, math.log(PUBLISHED_EFFECTS[name]))
        if (draw + 1) % 10 == 0 or draw + 1 == wanted.draws:
            say(f"{draw + 1} draws of each mechanism")
            if wanted.write:
                RESULT.write_text(json.dumps(_result(sums), indent=1) + "\n", encoding="utf-8")
    say(json.dumps(_result(sums), indent=1))
    return 0


def effects_of(mechanism: str, draw: int) -> dict[str, tuple[RateRatio | None, dict[str, RateRatio]]]:
    """By outcome, the estimate of one draw as planned and without each group of covariates."""
    rng = np.random.default_rng([SEED, CONFOUNDED.index(mechanism), draw])
    people = simulated_trial(TrialPlan(cases=CASES, mechanism=mechanism, ratios=PUBLISHED_EFFECTS), rng)
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weighted = balanced_weights(cases, pool, covariates=known_covariates(people))
    planned = weighted_estimates(cases, pool, weighted, outcomes=OUTCOMES)
    found: dict[str, tuple[RateRatio | None, dict[str, RateRatio]]] = {name: (planned[name], {}) for name in OUTCOMES}
    for group in groups_of(weighted.terms):
        terms = without_group(weighted.terms, group)
        hidden = weighted_estimates(cases, pool, weights_of(cases, pool, terms=terms), outcomes=OUTCOMES)
        for name, effect in hidden.items():
            if effect is not None:
                found[name][1][group] = effect
    return found


def _share(name: str, covered: int, draws: int) -> dict[str, float]:
    share = covered / draws
    error = math.sqrt(share * (1 - share) / draws)
    return {f"{name}_coverage": round(share, 4), f"{name}_coverage_error": round(error, 4)}


def _result(sums: Mapping[str, Sums]) -> dict[str, object]:
    figures = {name: one.figures() for name, one in sums.items() if one.draws}
    draws = sum(one.draws for one in sums.values())
    overall = {
        **_share("plain", sum(one.plain for one in sums.values()), draws),
        **_share("widened", sum(one.widened for one in sums.values()), draws),
        **_share("summed", sum(one.summed for one in sums.values()), draws),
    }
    what = (__doc__ or "").split("\n")[0]
    return {"what": what, "seed": SEED, "cases": CASES, "all_together": overall, "performance": figures}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Coverage of plain and widened intervals on confounded cohorts.")
    parser.add_argument("--draws", type=int, default=200, help="draws of each mechanism (200)")
    parser.add_argument("--first-draw", type=int, default=1000, help="number of the first draw (1000)")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULT.name}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
