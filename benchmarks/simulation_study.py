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
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.performance import SUMS, count, count_bracket, coverage, performance
from benchmarks.saying import say
from benchmarks.study_draws import CELLS, DID, EFFECTS, SEED, WEIGHTED, Cell, effects_of

RESULT = Path(__file__).parent / "results" / "simulation_study.json"
BATCH = 20
BRACKET = "bracket"


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
            say(f"{least + BATCH} draws in each of {len(batch)} cells")
            if wanted.write:
                RESULT.write_text(json.dumps(_result(kept), indent=1) + "\n", encoding="utf-8")
    say(json.dumps(_result(kept)["performance"], indent=1))
    return 0


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
                count_bracket(sums, [effects[effect, WEIGHTED, name], ratio], truth)
    return list(found.items())


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
        figures = performance(sums) if "error" in sums else coverage(sums)
        found[name] = {key: round(value, 4) for key, value in figures.items()}
    return {"what": (__doc__ or "").split("\n")[0], "seed": SEED, "performance": found, **kept}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bias, coverage and false positives on made-up cohorts.")
    parser.add_argument("--draws", type=int, default=2000, help="draws of each cell (2000)")
    parser.add_argument("--minutes", type=float, default=60, help="stop after a batch when these are over (60)")
    parser.add_argument("--only", default="", help="cells whose name holds this text, e.g. transient_crisis/1200")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once (all)")
    parser.add_argument("--write", action="store_true", help="keep sums and figures in benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
