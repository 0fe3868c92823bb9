"""The sampling design of a survey and the linearised variance that follows from it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SurveyDesign:
    """How the sample of one instrument is laid out.

    `is_stratified`: sites are strata (all sites were surveyed); `is_weighted`: answers carry
    `design_weight`. The cluster is always the respondent, who may answer in both waves.
    """

    instrument_id: str
    is_stratified: bool = False
    is_weighted: bool = False


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Weight, stratum and cluster of each row; strata and clusters are numbered from 0.

    Clusters are nested in strata: a respondent seen in two strata is a cluster in each.
    """

    weights: Floats
    strata: Integers
    clusters: Integers


def sample_of(rows: pl.DataFrame, design: SurveyDesign) -> Sample:
    """Strata, clusters and weights of answer rows with `site_id respondent_id design_weight`.

    A missing site is a stratum of its own. With a weighted design a row without weight weighs 0.
    """
    stratum = pl.col("site_id").fill_null("") if design.is_stratified else pl.lit("")
    weight = pl.col("design_weight").fill_null(0.0) if design.is_weighted else pl.lit(1.0)
    coded = rows.with_columns(stratum.alias("stratum"), weight.alias("weight"))
    return Sample(
        weights=coded["weight"].to_numpy(),
        strata=_numbered(coded, ["stratum"]),
        clusters=_numbered(coded, ["stratum", "respondent_id"]),
    )


def linearised_variance(influence: Floats, *, strata: Integers, clusters: Integers) -> float:
    """Variance of an estimate from its influence on each row: between clusters, within strata, added up.

    In a stratum of n clusters it is n/(n-1) times the sum of squared deviations of the clusters' totals from
    their mean, with replacement and no finite population correction (Särndal, Swensson and Wretman 1992,
    5.5; R's `svymean` without `fpc`). All clusters of the design count, also those outside the domain, whose
    influence is 0. A stratum of a single cluster contributes the square of its total, that is its
    deviation from the mean of the whole sample (R's `survey.lonely.psu = "adjust"`).

    By hand: one stratum, clusters with totals 0.1, 0.1 and -0.2: 3/2 x 0.06 = 0.09.
    """
    totals = np.bincount(clusters, weights=influence)
    stratum = np.zeros(totals.size, dtype=np.int64)
    stratum[clusters] = strata
    sizes = np.bincount(stratum)
    means = np.where(sizes > 1, np.bincount(stratum, weights=totals) / np.maximum(sizes, 1), 0.0)
    squares = np.bincount(stratum, weights=(totals - means[stratum]) ** 2)
    return float(np.sum(squares * np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)))


def _numbered(rows: pl.DataFrame, names: list[str]) -> Integers:
    ranks = rows.select(pl.struct(names).rank("dense").cast(pl.Int64) - 1).to_series()
    return ranks.to_numpy()
