"""What the gate on bias says, carried to the estimates that rest on the same people."""

import polars as pl

STAGES = {
    "weighted_cohort": "after_weighting",
    "matched_cohort": "after_matching",
}


def with_bias_cautions(estimates: pl.DataFrame, implied_bias: pl.DataFrame) -> pl.DataFrame:
    """`estimates` whose caution ends with that of `implied_bias` on the same metric, population and people.

    Weighted people stand behind `weighted_cohort`, matched ones behind `matched_cohort`. `matched_did` takes away the
    difference that the gate is about, so nothing is said there. No estimate is dropped or changed. `implied_bias` has
    `population`, `stage`, `metric_id` and `caution`, empty where the groups are alike enough.
    """
    keys = ["population", "metric_id", "_stage"]
    said = implied_bias.filter(pl.col("caution") != "").select(
        "population", "metric_id", pl.col("stage").alias("_stage"), _bias="caution"
    )
    stage = pl.col("design").replace_strict(STAGES, default=None, return_dtype=pl.String)
    joined = estimates.with_columns(_stage=stage).join(said, on=keys, how="left", maintain_order="left")
    caution = pl.concat_str("caution", "_bias", separator=" ", ignore_nulls=True)
    return joined.with_columns(caution=caution).select(estimates.columns)
