"""Parts of the people by what they were like before the index date: age, deprivation, ethnic group, frailty."""

from collections.abc import Iterator

import polars as pl

SUBGROUPS = ("age", "deprivation", "ethnic_group", "frailty")
FROM = ("age_at_index", "imd_quintile", "ethnic_group", "hospital_frailty_score")
OLDER_FROM, INTERMEDIATE_FROM, HIGH_ABOVE = 75, 5, 15


def with_subgroups(cohort: pl.DataFrame) -> pl.DataFrame:
    """`cohort` with a column `subgroup_<name>` (text) for each of `SUBGROUPS`; null where it is not known.

    `age`: under 75, 75 and over; `deprivation`: quintile, 1 the most deprived; `ethnic_group`: group of the census;
    `frailty`: hospital frailty risk below 5 low, 5 to 15 intermediate, above 15 high (Gilbert et al. 2018; made for
    people of 75 and over, used here for all). `cohort` has the columns `FROM`.
    """
    age, frailty = pl.col("age_at_index"), pl.col("hospital_frailty_score")
    return cohort.with_columns(
        subgroup_age=pl.when(age >= OLDER_FROM)
        .then(pl.lit("75_and_over"))
        .when(age < OLDER_FROM)
        .then(pl.lit("under_75")),
        subgroup_deprivation=pl.col("imd_quintile").cast(pl.String),
        subgroup_ethnic_group=pl.col("ethnic_group").cast(pl.String),
        subgroup_frailty=pl.when(frailty > HIGH_ABOVE)
        .then(pl.lit("high"))
        .when(frailty >= INTERMEDIATE_FROM)
        .then(pl.lit("intermediate"))
        .when(frailty < INTERMEDIATE_FROM)
        .then(pl.lit("low")),
    )


def subgroup_populations(cases: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """Each value that a pilot person has: the population `subgroup:<name>=<value>`, and whether a row belongs to it.

    Columns that `cases` does not have are no subgroups.
    """
    for name in SUBGROUPS:
        column = f"subgroup_{name}"
        if column in cases.columns:
            for value in cases[column].drop_nulls().unique().sort():
                yield f"subgroup:{name}={value}", pl.col(column) == value
