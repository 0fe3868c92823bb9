"""A weighted mean and its linearised error from rows and the names of their design's columns."""

import numpy as np
import polars as pl

from evaluation.surveys import linearised_variance


def mean_and_error(rows: pl.DataFrame, *, value, weight, stratum, cluster, population) -> tuple[float, float]:
    coded = rows.with_row_index("row").with_columns(
        value=pl.col(value).cast(pl.Float64),
        stratum=pl.col(stratum).rank("dense") - 1 if stratum else pl.lit(0),
        unit=pl.col(cluster) if cluster else pl.col("row"),
    )
    units = coded.select(pl.struct("stratum", "unit").rank("dense") - 1).to_series().to_numpy()
    sampled = pl.struct("stratum", "unit").n_unique().over("stratum")
    left = coded.select((1 - sampled / pl.col(population)).sqrt() if population else pl.lit(1.0)).to_series()
    known = coded["value"].is_not_null().to_numpy()
    weights = coded[weight].cast(pl.Float64).to_numpy() * known
    values = coded["value"].fill_null(0.0).to_numpy()
    mean = float((weights * values).sum() / weights.sum())
    influence = weights * (values - mean) / weights.sum() * np.broadcast_to(left.to_numpy(), values.shape)
    strata = np.broadcast_to(coded["stratum"].cast(pl.Int64).to_numpy(), values.shape)
    return mean, linearised_variance(influence, strata=strata, clusters=units.astype(np.int64)) ** 0.5
