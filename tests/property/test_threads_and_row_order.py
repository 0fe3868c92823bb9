"""Threads of DuckDB, Polars and BLAS, chunks and the order of rows change neither pairs nor weights."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES, OTHERS = 150, 3000
# In a process of its own: how many threads libraries take is settled when they are loaded.
MATCH = """
import sys
import duckdb
import polars as pl
from evaluation.matching import Settings, compare

folder, threads, order = sys.argv[1:]
with duckdb.connect(config={"threads": int(threads)}) as connection:
    connection.execute("set preserve_insertion_order = false")
    people = connection.sql(f"select * from '{folder}/people.parquet' order by {order}").pl()
if order != "person_id":
    people = pl.concat([people.slice(start, 700) for start in range(0, people.height, 700)], rechunk=False)
sites = pl.DataFrame({"population": ["site:north", "site:south"], "site_id": ["north", "south"]})
covariates = (
    "emergency_admissions_12_months", "age_at_index", "sex", "outpatient_attendances_12_months", "charlson_score"
)
settings = Settings(exact=("sex", "is_in_hospital"), covariates=covariates, ratio=3, seed=3)
found = compare(people, site_populations=sites, settings=settings)
found.pairs.write_parquet(f"{folder}/pairs.parquet")
found.weights.sort("population", "person_id").write_parquet(f"{folder}/weights.parquet")
"""


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    rng = np.random.default_rng(11)
    number = CASES + OTHERS
    is_case = np.arange(number) < CASES
    return pl.DataFrame(
        {
            "person_id": [f"p{one:05d}" for one in rng.permutation(number)],
            "is_treated": is_case,
            "site_id": [("north", "south")[one % 2] if case else None for one, case in enumerate(is_case)],
            "pool": [None if case else "outside" for case in is_case],
            "sex": rng.choice(["1", "2"], number),
            "age_band": "70-74",
            "index_date": pl.Series([None] * number, dtype=pl.Date),
            "index_month": 1,
            "is_in_hospital": rng.random(number) < 0.02,
            "emergency_admissions_12_months": rng.poisson(np.where(is_case, 1.2, 0.5)),
            "outpatient_attendances_12_months": rng.poisson(2.0, number),
            "charlson_score": rng.poisson(np.where(is_case, 2.0, 1.5)),
            "age_at_index": rng.integers(60, 90, number) + np.where(is_case, 2, 0),
        }
    )


def matched(folder: Path, people: pl.DataFrame, *, threads: int, order: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder.mkdir()
    people.write_parquet(folder / "people.parquet", row_group_size=500)
    count = str(threads)
    blas = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), count)
    environment = os.environ | blas | {"POLARS_MAX_THREADS": count, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MATCH, str(folder), count, order]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=300)
    return pl.read_parquet(folder / "pairs.parquet"), pl.read_parquet(folder / "weights.parquet")


@pytest.fixture(scope="module")
def on_one_thread(people, tmp_path_factory) -> tuple[pl.DataFrame, pl.DataFrame]:
    return matched(tmp_path_factory.mktemp("threads") / "one", people, threads=1, order="person_id")


@pytest.mark.parametrize(("threads", "order"), [(4, "person_id"), (2, "md5(person_id)"), (3, "person_id desc")])
def test_pairs_are_the_same_and_weights_to_nine_digits(on_one_thread, people, tmp_path, threads, order):
    pairs, weights = on_one_thread
    assert pairs["case_id"].n_unique() > CASES / 2
    assert set(weights["population"]) == {"all_sites", "site:north", "site:south"}
    again, weights_again = matched(tmp_path / "again", people, threads=threads, order=order)
    who = ["case_id", "control_id", "set_id", "match_number", "weight"]
    assert again.select(who).equals(pairs.select(who))
    assert np.abs(again["distance"] - pairs["distance"]).max() < 1e-9
    assert weights_again.select("population", "person_id").equals(weights.select("population", "person_id"))
    assert np.abs(weights_again["weight"] - weights["weight"]).max() < 1e-9
