"""A caution that is known beside a table, added to the rows that it is about."""

import polars as pl


def with_caution(estimates: pl.DataFrame, caution: str, *, where: pl.Expr | None = None) -> pl.DataFrame:
    """`estimates` whose `caution` ends with this one, once, on the rows `where` it holds (all, if nothing is said).

    By hand: "Beware." with "Interim." becomes "Beware. Interim."; a second time nothing changes.
    """
    if not caution:
        return estimates
    told = pl.concat_str("caution", pl.lit(caution), separator=" ", ignore_nulls=True).str.strip_chars()
    is_told = pl.col("caution").fill_null("").str.contains(caution, literal=True)
    is_meant = ~is_told if where is None else where & ~is_told
    return estimates.with_columns(caution=pl.when(is_meant).then(told).otherwise("caution"))
