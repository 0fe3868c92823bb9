"""What the estimators get right and wrong on thousands of made-up cohorts whose effects are known.

    python -m benchmarks.simulation_study --minutes 60 --write

Aims: bias, coverage and false positives of the default and of its companions. Data: `simulated_trial`, by mechanism of
joining, effect (none, or the published ones) and number of cases; and with sites whose published effects differ (SD of
the log rate ratio 0.15, 16 sites). Estimand: the log ratio of the cases' rates with and without the pilot; of the mean
across sites, the mean of the sites' log ratios; of the prediction interval, another site's. Methods: `weighted_cohort`
(the default) in every draw, `matched_cohort`, `matched_did` (as it is, and where pairs leave its months open less the
drift before the crisis, carried forward) in every tenth, each as a run of a study would do it;
where sites differ also the mean across sites and its prediction interval. The cohort, its weights and the comparison
people's model serve both effects, which differ in the cases' counts alone. Performance: bias, coverage of 95%
intervals, mean model error over empirical error, share of draws with p below 0.05 and of those that fell, each with its
Monte Carlo error (Morris, White and Crowther 2019).

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
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.performance import (
    SUMS,
    count,
    count_bracket,
    count_pooled,
    count_prediction,
    coverage,
    performance,
)
from benchmarks.saying import say
from benchmarks.study_draws import (
    CARRIED,
    CELLS,
    DID,
    EFFECTS,
    SEED,
    WEIGHTED,
    Cell,
    Draw,
    draw_of_all,
    draw_of_default,
)

RESULT = Path(__file__).parent / "results" / "simulation_study.json"
BATCH, EVERY = 20, 10
OF_BRACKET = ("draws", "covered", "width")
BRACKET, RANDOM, PREDICTION = "bracket", "mean_across_sites", "prediction_interval"
DEFAULT_DRAWS, COMPANION_DRAWS = "draws", "draws_of_all_methods"


@dataclass(frozen=True)
class Part:
    """What is drawn for itself: the default, or every method in every tenth draw; `key` names its count of draws."""

    key: str
    wanted: int
    every: int
    batch: int


def main() -> int:
    """Draw until the time is up or all cells have their draws, one batch of each cell in turn."""
    wanted = _arguments()
    kept: dict[str, Any] = {DEFAULT_DRAWS: {}, COMPANION_DRAWS: {}, "sums": {}}
    if RESULT.exists():
        kept |= {key: json.loads(RESULT.read_text(encoding="utf-8"))[key] for key in kept}
    cells = [cell for cell in CELLS if wanted.only in cell.name]
    give_up_at = time.monotonic() + 60 * wanted.minutes
    parts = (
        Part(COMPANION_DRAWS, wanted.draws // EVERY, every=EVERY, batch=BATCH // EVERY),
        Part(DEFAULT_DRAWS, wanted.draws, every=1, batch=BATCH),
    )
    with ProcessPoolExecutor(wanted.processes) as pool:
        for part in parts:
            _draw(kept, part, cells, pool=pool, give_up_at=give_up_at, write=wanted.write)
    say(json.dumps(_result(kept)["performance"], indent=1))
    return 0


def _draw(
    kept: dict[str, Any], part: Part, cells: Sequence[Cell], *, pool: Executor, give_up_at: float, write: bool
) -> None:
    while time.monotonic() < give_up_at:
        drawn = {cell: int(kept[part.key].get(cell.name, 0)) for cell in cells}
        least = min(drawn.values(), default=part.wanted)
        if least >= part.wanted:
            break
        batch = [cell for cell in cells if drawn[cell] == least]
        for cell, rows in zip(batch, pool.map(_batch, batch, [part] * len(batch), [least] * len(batch)), strict=True):
            kept[part.key][cell.name] = least + part.batch
            _add(kept["sums"], rows)
        say(f"{part.key}: {least + part.batch} in each of {len(batch)} cells")
        if write:
            RESULT.write_text(json.dumps(_result(kept), indent=1) + "\n", encoding="utf-8")


def _batch(cell: Cell, part: Part, first: int) -> list[tuple[str, dict[str, float]]]:
    """Sums over a batch of draws, by effect, method and outcome as they stand in the results."""
    found: dict[str, dict[str, float]] = {}
    for draw in range(first * part.every, (first + part.batch) * part.every, part.every):
        if part.key == DEFAULT_DRAWS:
            _count_each(found, cell, draw_of_default(cell, draw))
            continue
        drawn = draw_of_all(cell, draw)
        _count_each(found, cell, drawn, without=WEIGHTED)
        _count_brackets(found, cell, drawn)
        _count_across_sites(found, cell, drawn)
    return list(found.items())


def _count_each(found: dict[str, dict[str, float]], cell: Cell, drawn: Draw, *, without: str = "") -> None:
    for (effect, method, name), ratio in drawn.found.items():
        if method != without:
            sums = found.setdefault(f"{cell.with_effect(effect)}/{method}/{name}", dict.fromkeys(SUMS, 0.0))
            count(sums, ratio, drawn.truths[effect, name])


def _count_brackets(found: dict[str, dict[str, float]], cell: Cell, drawn: Draw) -> None:
    for (effect, name), truth in drawn.truths.items():
        sums = found.setdefault(f"{cell.with_effect(effect)}/{BRACKET}/{name}", dict.fromkeys(OF_BRACKET, 0.0))
        keys = [(effect, method, name) for method in (WEIGHTED, DID, CARRIED)]
        count_bracket(sums, [drawn.found[key] for key in keys if key in drawn.found], truth)


def _count_across_sites(found: dict[str, dict[str, float]], cell: Cell, drawn: Draw) -> None:
    for effect, (name, pooled) in product(cell.effects, drawn.across_sites.items()):
        start, truth = cell.with_effect(effect), math.log(EFFECTS[effect][name])
        sums = found.setdefault(f"{start}/{RANDOM}/{name}", dict.fromkeys(SUMS, 0.0))
        count_pooled(sums, pooled, truth)
        if pooled is not None:
            sums = found.setdefault(f"{start}/{PREDICTION}/{name}", {"draws": 0.0, "covered": 0.0})
            count_prediction(sums, pooled, truth, cell.site_spread)


def _add(totals: dict[str, dict[str, float]], rows: Sequence[tuple[str, dict[str, float]]]) -> None:
    for name, sums in rows:
        total = totals.setdefault(name, dict.fromkeys(sums, 0.0))
        for key, value in sums.items():
            total[key] += value


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
