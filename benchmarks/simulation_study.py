"""What the estimators get right and wrong on thousands of made-up cohorts whose effects are known.

    python -m benchmarks.simulation_study --minutes 60 --write

Aims: bias, coverage and false positives of the default and of its companions. Data: `simulated_trial`, by mechanism of
joining, effect (none, or the published ones) and number of cases. Estimand: the log ratio of the cases' rates with and
without the pilot. Methods: `weighted_cohort` (the default) in every draw, `matched_cohort` and `matched_did` in every
tenth, each as a run of a study would do it. The cohort, its weights and the comparison people's model serve both
effects, which differ in the cases' counts alone. Performance: bias, coverage of 95% intervals, mean model error over
empirical error, share of draws with p below 0.05, each with its Monte Carlo error (Morris, White and Crowther 2019).

Draws are added to those kept before: a cell's draw number k always has the same seed, and numbers below 1,000,000
were never used to choose anything.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.estimation.matched_did import matched_did
from evaluation.estimation.rate_ratios import RateRatio
from evaluation.estimation.weighted_cohort import (
    UnbalancedWeightsError,
    against_rate_without,
    rate_without_pilot,
    weighted_design,
)
from evaluation.matching import affordable_terms, design_matrix
from evaluation.matching.covariates import COVARIATES
from evaluation.matching.matched import matched_pairs
from evaluation.matching.pool import with_draws
from evaluation.matching.settings import Settings
from evaluation.matching.weighted import balanced_weights
from evaluation.regression import NotEstimableError
from evaluation.simulation.trials import (
    MECHANISMS,
    NO_EFFECT,
    OUTCOMES,
    PUBLISHED_EFFECTS,
    WITHOUT,
    TrialPlan,
    simulated_trial,
)
from pipelines.comparison import CASES_PER_COLUMN, MOST_COLUMNS_IN_PAIRS

RESULT = Path(__file__).parent / "results" / "simulation_study.json"
EFFECTS = {"none": NO_EFFECT, "published": PUBLISHED_EFFECTS}
SIZES = (1200, 3600)
DAYS_PER_YEAR = 365.25
SEED = 20_111_006
BATCH, EVERY = 20, 10
WEIGHTED, MATCHED, DID, BRACKET = "weighted_cohort", "matched_cohort", "matched_did", "bracket"
SUMS = ("draws", "failed", "error", "error_squared", "model_error", "covered", "rejected")


@dataclass(frozen=True)
class Cell:
    """One mechanism and number of cases; its cohorts serve every effect."""

    mechanism: str
    cases: int

    @property
    def name(self) -> str:
        """As it stands in the results' count of draws."""
        return f"{self.mechanism}/{self.cases}"

    def with_effect(self, effect: str) -> str:
        """As it stands in the results' figures."""
        return f"{self.mechanism}/{effect}/{self.cases}"


CELLS = tuple(Cell(mechanism, cases) for cases, mechanism in product(SIZES, MECHANISMS))
Found = dict[tuple[str, str, str], RateRatio | None]


def main() -> int:
    """Draw until the time is up or all cells have their draws, one batch of each cell in turn."""
    wanted = _arguments()
    kept: dict[str, Any] = {"draws": {}, "sums": {}}
    if RESULT.exists():
        kept |= {key: json.loads(RESULT.read_text(encoding="utf-8"))[key] for key in kept}
    cells = [cell for cell in CELLS if wanted.only in cell.name]
    give_up_at = time.monotonic() + 60 * wanted.minutes
    with ProcessPoolExecutor(wanted.processes) as pool:
        while time.monotonic() < give_up_at:
            due = [cell for cell in cells if _drawn(kept, cell) < wanted.draws]
            if not due:
                break
            least = min(_drawn(kept, cell) for cell in due)
            batch = [cell for cell in due if _drawn(kept, cell) == least]
            for cell, rows in zip(batch, pool.map(_batch, batch, [least] * len(batch)), strict=True):
                _add(kept, cell, rows)
            _say(f"{least + BATCH} draws in each of {len(batch)} cells")
            if wanted.write:
                RESULT.write_text(json.dumps(_result(kept), indent=1) + "\n", encoding="utf-8")
    _say(json.dumps(_result(kept)["performance"], indent=1))
    return 0


def performance(sums: Mapping[str, float]) -> dict[str, float]:
    """Figures of one estimator, outcome and cell from the sums over its draws, with Monte Carlo errors.

    By hand: errors 0.1 and -0.1 have bias 0, empirical error 0.141; model errors 0.1 and 0.1: 0.1 / 0.141 = 0.71.
    """
    n = sums["draws"]
    bias = sums["error"] / n
    empirical = math.sqrt(max(sums["error_squared"] - n * bias**2, 0.0) / (n - 1))
    coverage, rejected = sums["covered"] / n, sums["rejected"] / n
    ratio = sums["model_error"] / n / empirical
    return {
        "draws": n,
        "failed": sums["failed"],
        "bias": bias,
        "bias_error": empirical / math.sqrt(n),
        "coverage": coverage,
        "coverage_error": math.sqrt(coverage * (1 - coverage) / n),
        "model_over_empirical_error": ratio,
        "model_over_empirical_error_error": ratio / math.sqrt(2 * (n - 1)),
        "p_below_0_05": rejected,
        "p_below_0_05_error": math.sqrt(rejected * (1 - rejected) / n),
    }


def effects_of(cell: Cell, draw: int) -> Found:
    """Estimates of one draw by effect, method and outcome; None where a method gave none."""
    rng = np.random.default_rng([SEED, CELLS.index(cell), draw])
    plan = TrialPlan(cases=cell.cases, mechanism=cell.mechanism, ratios=PUBLISHED_EFFECTS)
    people = simulated_trial(plan, rng)
    found: Found = {(effect, WEIGHTED, name): ratio for effect, name, ratio in _weighted(people)}
    if draw % EVERY == 0:
        found |= {(effect, method, name): ratio for effect, method, name, ratio in _matched(people, seed=draw)}
    return found


def _weighted(people: pl.DataFrame) -> Iterator[tuple[str, str, RateRatio | None]]:
    cases, pool = people.filter("is_treated"), people.filter(~pl.col("is_treated"))
    weighted = balanced_weights(cases, pool, covariates=_known(people))
    rows = pl.concat([cases.with_columns(weight=pl.lit(1.0)), pool.join(weighted.weights, on="person_id")])
    if rows.height == cases.height:
        yield from ((effect, name, None) for effect in EFFECTS for name in OUTCOMES)
        return
    matrix = design_matrix(rows, terms=weighted.terms)
    years = matrix.column_of(rows, "person_days").to_numpy() / DAYS_PER_YEAR
    design = weighted_design(
        is_treated=matrix.treated(rows),
        weights=matrix.column_of(rows, "weight").to_numpy(),
        balanced=matrix.values,
        covariates=matrix.values,
        person_ids=np.arange(rows.height),
    )
    for name in OUTCOMES:
        counts = {effect: matrix.column_of(rows, _column(effect, name)).to_numpy() for effect in EFFECTS}
        try:
            without = rate_without_pilot(design, counts=counts["none"], person_years=years)
        except (NotEstimableError, UnbalancedWeightsError):
            yield from ((effect, name, None) for effect in EFFECTS)
            continue
        for effect in EFFECTS:
            yield effect, name, against_rate_without(design, without, counts=counts[effect], person_years=years)


def _column(effect: str, name: str) -> str:
    return f"{WITHOUT}{name}" if effect == "none" else name


def _matched(trial: pl.DataFrame, *, seed: int) -> Iterator[tuple[str, str, str, RateRatio | None]]:
    people = with_draws(trial, seed=seed)
    settings = Settings(exact=("sex", "age_band", "emergency_discharge_class"))
    pool = people.filter(~pl.col("is_treated"))
    pairs = matched_pairs(people, sample=pool, covariates=_known(people), settings=settings).pairs
    sets = pairs.select("case_id", set_id=pl.col("case_id").rank("dense").cast(pl.Int64))
    of_cases = sets.unique().select(pl.col("case_id").alias("person_id"), "set_id", weight=pl.lit(1.0))
    of_controls = pairs.select(pl.col("control_id").alias("person_id"), sets["set_id"], "weight")
    rows = pl.concat([of_cases, of_controls]).join(people, on="person_id", maintain_order="left")
    most = min(MOST_COLUMNS_IN_PAIRS, of_cases.height // CASES_PER_COLUMN)
    used = people.join(rows.select("person_id").unique(), on="person_id", how="semi")
    matrix = design_matrix(used, terms=affordable_terms(used, _known(people), most_columns=most))
    values = matrix.values[matrix.person_id.search_sorted(rows["person_id"]).to_numpy()]
    person_ids = rows["person_id"].rank("dense").to_numpy()
    shared = {
        "is_treated": rows["is_treated"].to_numpy(),
        "weights": rows["weight"].to_numpy(),
        "person_ids": person_ids,
        "set_ids": rows["set_id"].to_numpy(),
    }
    years = rows["person_days"].to_numpy() / DAYS_PER_YEAR
    for effect, name in product(EFFECTS, OUTCOMES):
        outcome = {"counts": rows[_column(effect, name)].to_numpy(), "person_years": years}
        before = {
            "baseline_counts": rows[f"early_{name}"].to_numpy(),
            "baseline_person_years": rows["early_days"].to_numpy() / DAYS_PER_YEAR,
        }
        yield effect, MATCHED, name, _or_none(matched_cohort, covariates=values, **outcome, **shared)
        yield effect, DID, name, _or_none(matched_did, **before, **outcome, **shared)


def _or_none(method: Callable[..., RateRatio], **arguments: Any) -> RateRatio | None:
    try:
        return method(**arguments)
    except NotEstimableError:
        return None


def _known(people: pl.DataFrame) -> list[str]:
    return [name for name in COVARIATES if name in people.columns]


def _batch(cell: Cell, first: int) -> list[tuple[str, dict[str, float]]]:
    """Sums over a batch of draws, by effect, method and outcome as they stand in the results."""
    found: dict[str, dict[str, float]] = {}
    for draw in range(first, first + BATCH):
        effects = effects_of(cell, draw)
        for (effect, method, name), ratio in effects.items():
            key, truth = f"{cell.with_effect(effect)}/{method}/{name}", math.log(EFFECTS[effect][name])
            count(found.setdefault(key, dict.fromkeys(SUMS, 0.0)), ratio, truth)
            if method == DID:
                key = f"{cell.with_effect(effect)}/{BRACKET}/{name}"
                sums = found.setdefault(key, {"draws": 0.0, "covered": 0.0})
                _count_bracket(sums, [effects[effect, WEIGHTED, name], ratio], truth)
    return list(found.items())


def count(sums: dict[str, float], effect: RateRatio | None, truth: float) -> None:
    """Adds one draw to the sums over draws (`SUMS`); None is a draw without an estimate."""
    if effect is None:
        sums["failed"] += 1
        return
    error = effect.log_rate_ratio - truth
    sums["draws"] += 1
    sums["error"] += error
    sums["error_squared"] += error**2
    sums["model_error"] += effect.standard_error
    sums["covered"] += effect.log_low <= truth <= effect.log_high
    sums["rejected"] += effect.p_value < 0.05


def _count_bracket(sums: dict[str, float], effects: Sequence[RateRatio | None], truth: float) -> None:
    """Whether the truth lies between the lowest and the highest limit of the default and of its neighbour."""
    known = [effect for effect in effects if effect is not None]
    if len(known) == len(effects):
        sums["draws"] += 1
        sums["covered"] += min(e.log_low for e in known) <= truth <= max(e.log_high for e in known)


def _add(kept: dict[str, Any], cell: Cell, rows: Sequence[tuple[str, dict[str, float]]]) -> None:
    kept["draws"][cell.name] = _drawn(kept, cell) + BATCH
    for name, sums in rows:
        total = kept["sums"].setdefault(name, dict.fromkeys(sums, 0.0))
        for key, value in sums.items():
            total[key] += value


def _drawn(kept: Mapping[str, Mapping[str, Any]], cell: Cell) -> int:
    return int(kept["draws"].get(cell.name, 0))


def _result(kept: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, sums in sorted(kept["sums"].items()):
        if sums["draws"] < 2:
            continue
        figures = performance(sums) if "error" in sums else _share(sums)
        found[name] = {key: round(value, 4) for key, value in figures.items()}
    return {"what": (__doc__ or "").split("\n")[0], "seed": SEED, "performance": found, **kept}


def _share(sums: Mapping[str, float]) -> dict[str, float]:
    coverage = sums["covered"] / sums["draws"]
    error = math.sqrt(coverage * (1 - coverage) / sums["draws"])
    return {"draws": sums["draws"], "coverage": coverage, "coverage_error": error}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bias, coverage and false positives on made-up cohorts.")
    parser.add_argument("--draws", type=int, default=2000, help="draws of each cell (2000)")
    parser.add_argument("--minutes", type=float, default=60, help="stop after a batch when these are over (60)")
    parser.add_argument("--only", default="", help="cells whose name holds this text, e.g. transient_crisis/1200")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once (all)")
    parser.add_argument("--write", action="store_true", help="keep sums and figures in benchmarks/results")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
