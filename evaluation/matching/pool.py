"""Which comparison people stand beside the cases of a population: those of their kind, of many a sample."""

from collections.abc import Sequence

import polars as pl

from evaluation.matching.draws import draws

SAME_KIND = ("sex", "age_band", "index_month")
MOST_PER_CASE = 5
FEWEST_SAMPLED = 20_000
MOST_SAMPLED = 100_000
DRAW = "draw"


def with_draws(cohort: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The cohort with one number per person by hash of seed and person, by which samples are drawn."""
    return cohort.with_columns(pl.Series(DRAW, draws(cohort["person_id"], seed=seed)))


def sampled_pool(pool: pl.DataFrame, cases: pl.DataFrame, *, kind: Sequence[str] = SAME_KIND) -> pl.DataFrame:
    """The people of `pool` who share sex, age band and index month with some of `cases`, and of many a sample.

    Five people per case suffice: weights of more would hardly be more precise. Below 20,000 nobody is left out, and
    above 100,000 nobody is needed. Those with the lowest `draw` stay, whatever the order of rows.

    By hand: 6,000 cases and 80,000 people like them: 30,000 are sampled.
    """
    alike = pool.select("person_id", DRAW, *kind)
    for name in kind:
        alike = alike.join(cases.select(name).unique(), on=name, how="semi", nulls_equal=True)
    most = min(max(MOST_PER_CASE * cases.height, FEWEST_SAMPLED), MOST_SAMPLED)
    drawn = alike.select("person_id", DRAW).bottom_k(most, by=[DRAW, "person_id"])
    return pool.join(drawn.select("person_id"), on="person_id", how="semi", maintain_order="left")
