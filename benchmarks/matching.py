"""How long matching takes from covariates to pairs, and how much memory, at a national scale.

    python -m benchmarks.matching --cases 50000 --controls 2000000 --ratio 5 --write

Made-up people: use of care in six windows, age, flags and categories, with cases drawn after a crisis. Measured
in one process: design matrix, propensity score, then 1:k matching within sex, age band, month and discharge class
within 0.2 pooled standard deviations of the logit. Making the people is not counted. `--weights` adds entropy balancing
and `--balance` the balance table. `--write` keeps the result in benchmarks/results/matching.json.

`--whole` times instead all that a run does to design one population: the default covariates, their weights, pairs and
balance, from the cohort to the tables of the design. Its result is benchmarks/results/matching_whole.json.
"""

import argparse
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from benchmarks.made_up_cohort import made_up_cohort
from evaluation.matching import (
    Population,
    Settings,
    Terms,
    caliper_width,
    compare,
    covariate_balance,
    design_matrix,
    entropy_balance,
    matched_estimand,
    matching_weights,
    nearest_neighbour_pairs,
    propensity_scores,
)

RESULT = Path(__file__).parent / "results" / "matching.json"
RESULT_WHOLE = RESULT.with_name("matching_whole.json")
MOST_SECONDS, MOST_GIGABYTES = 60.0, 4.0
USE = ("emergency_3", "emergency_12", "emergency_24", "elective_12", "outpatient_12", "ae_12")
EXACT = ("sex", "age_band", "index_month", "discharge_class")
TERMS = Terms(
    counts=USE,
    squared=("age",),
    linear=("care_home", "charlson", "frailty"),
    categories=("sex", "deprivation", "discharge_class"),
    interactions=(("emergency_12", "age"), ("emergency_12", "outpatient_12")),
)
Found = TypeVar("Found")


def main() -> int:
    """Print and keep the figures; 1 if matching took longer or more memory than it may."""
    wanted = _arguments()
    if wanted.whole:
        return _whole(wanted)
    people = made_up_people(wanted.cases, wanted.controls, np.random.default_rng(20090401))
    at_start, seconds = _gigabytes(), dict[str, float]()
    design = timed(seconds, "design", lambda: design_matrix(people, terms=TERMS))
    scores = timed(seconds, "propensity", lambda: propensity_scores(design, cohort=people)).scores
    pairs = timed(seconds, "pairs", lambda: matched(people, scores, ratio=wanted.ratio))
    total, most = sum(seconds.values()), _gigabytes()
    weights = matching_weights(pairs)
    if wanted.weights:
        timed(seconds, "entropy_balance", lambda: entropy_balance(design, cohort=people))
    if wanted.balance:
        populations = [Population(name="all_sites", weightings={"after_matching": weights})]
        timed(seconds, "balance", lambda: covariate_balance(people, terms=TERMS, populations=populations))
    result = {
        "what": "matching, from covariates to pairs",
        **_machine(),
        "cases": wanted.cases,
        "controls": wanted.controls,
        "columns": len(design.names),
        "ratio": wanted.ratio,
        "matched": matched_estimand(people, pairs).matched,
        "pairs": pairs.height,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds_covariates_to_pairs": round(total, 2),
        "gigabytes_at_start": round(at_start, 2),
        "gigabytes_at_most": round(most, 2),
    }
    _say(result, RESULT if wanted.write else None)
    return int(total > MOST_SECONDS or most > MOST_GIGABYTES)


def _whole(wanted: argparse.Namespace) -> int:
    cohort = made_up_cohort(wanted.cases, wanted.controls, np.random.default_rng(20090401))
    at_start, seconds, used = _gigabytes(), dict[str, float](), time.process_time()
    populations = pl.DataFrame(schema={"population": pl.String, "site_id": pl.String})
    settings = Settings(ratio=wanted.ratio, seed=20090401)
    found = timed(seconds, "design", lambda: compare(cohort, site_populations=populations, settings=settings))
    design = found.designs.row(0, named=True)
    result = {
        "what": "the whole design of one population, from the cohort to its tables",
        **_machine(),
        "cases": wanted.cases,
        "controls": wanted.controls,
        "columns": found.balance["covariate"].n_unique(),
        "ratio": wanted.ratio,
        "matched": design["pilot_people_matched"],
        "pairs": found.pairs.height,
        "has_weights": design["has_weights"],
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds_of_processors": round(time.process_time() - used, 2),
        "gigabytes_at_start": round(at_start, 2),
        "gigabytes_at_most": round(_gigabytes(), 2),
    }
    _say(result, RESULT_WHOLE if wanted.write else None)
    return 0


def _machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "polars": pl.__version__,
        "processors": os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0)),
    }


def _say(result: dict[str, object], path: Path | None) -> None:
    text = json.dumps(result, indent=2) + "\n"
    sys.stdout.write(text)
    if path:
        path.write_text(text, encoding="utf-8")


def matched(people: pl.DataFrame, scores: pl.DataFrame, *, ratio: int) -> pl.DataFrame:
    """Pairs on the logit of the propensity score."""
    width = caliper_width(scores["propensity_logit"], scores["is_treated"])
    with_score = people.select("person_id", "is_treated", *EXACT).with_columns(scores["propensity_logit"])
    return nearest_neighbour_pairs(
        with_score, score="propensity_logit", exact=EXACT, ratio=ratio, caliper=width, seed=20090401
    )


def timed(seconds: dict[str, float], name: str, work: Callable[[], Found]) -> Found:
    """What `work` gives; its seconds by the clock are noted under `name`."""
    started = time.perf_counter()
    found = work()
    seconds[name] = time.perf_counter() - started
    return found


def made_up_people(cases: int, controls: int, rng: np.random.Generator) -> pl.DataFrame:
    """Cases with more use, most of all of late; sorted by person, 32 hex digits each as pseudonyms have."""
    people = cases + controls
    treated = np.arange(people) < cases
    need = rng.gamma(1.0, 1.0, people) * np.where(treated, 2.0, 0.6)
    windows = (0.25, 1.0, 2.0, 1.0, 4.0, 1.5)
    use = {
        name: rng.poisson(need * size * np.where(treated & (name == "emergency_3"), 1.6, 1.0))
        for name, size in zip(USE, windows, strict=True)
    }
    age = np.clip(rng.normal(np.where(treated, 76, 68), 9), 50, 100).astype(np.int64)
    frame = pl.DataFrame(
        {
            "number": np.arange(people, dtype=np.uint64),
            "is_treated": treated,
            **use,
            "age": age,
            "age_band": age // 5,
            "sex": rng.choice(["1", "2"], people),
            "index_month": rng.integers(0, 24, people),
            "discharge_class": rng.choice(
                ["0-7", "8-30", "31-90", "more", "none"], people, p=[0.02, 0.04, 0.1, 0.2, 0.64]
            ),
            "deprivation": rng.choice(["1", "2", "3", "4", "5"], people),
            "care_home": rng.random(people) < np.where(treated, 0.06, 0.02),
            "charlson": rng.poisson(need),
            "frailty": rng.gamma(1.0 + need, 2.0),
        }
    )
    mixed = pl.Series(rng.permutation(people).astype(np.uint64))
    hexadecimal = mixed.cast(pl.String).str.zfill(32)
    return frame.drop("number").with_columns(hexadecimal.alias("person_id")).sort("person_id")


def _gigabytes() -> float:
    """Most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of matching, from covariates to pairs.")
    parser.add_argument("--cases", type=int, default=50_000, help="pilot people (50000)")
    parser.add_argument("--controls", type=int, default=2_000_000, help="people in the pool (2000000)")
    parser.add_argument("--ratio", type=int, default=5, help="controls per case (5)")
    parser.add_argument("--weights", action="store_true", help="also balance by entropy")
    parser.add_argument("--balance", action="store_true", help="also make the balance table")
    parser.add_argument("--whole", action="store_true", help="time the whole design of one population instead")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
