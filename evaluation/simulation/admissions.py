"""What complete records show of each stay: the continuous inpatient spells of the world with or without the pilot.

The rule is that of `nhs_digital_2014`: a transfer within two days belongs to the stay; a late return does not.
"""

import polars as pl

from evaluation.simulation.conditions import ACUTE_BRONCHITIS, CONDITIONS

LATE_PART = 4
READMISSION_DAYS = 29
_HRG = pl.Series([condition.hrg for condition in CONDITIONS])
_DIAGNOSIS = pl.Series([condition.diagnosis for condition in CONDITIONS])
_IS_SENSITIVE = pl.Series([condition.is_sensitive for condition in CONDITIONS])
_IS_CANCER = pl.Series([condition.is_cancer for condition in CONDITIONS])
_IS_CHEMOTHERAPY = pl.Series([condition.is_chemotherapy for condition in CONDITIONS])


def admissions(stays: pl.DataFrame, spells: pl.DataFrame, people: pl.DataFrame, *, last_day: int) -> pl.DataFrame:
    """One row per continuous inpatient spell of `stays` that began by `last_day`.

    `stays`, `spells` (more than those of `stays` do no harm) and `people` as in `History`.

    Columns: `person start end kind hrg is_day_case is_chemotherapy is_cancer is_sensitive is_death is_readmission`;
    days are day numbers; `end` is null where the spell goes on after `last_day`; `kind` is one of emergency elective
    maternity transfer regular.
    """
    joined = (
        spells.filter(pl.col("start") <= last_day)
        .join(stays.select("stay", "kind", "condition", "is_day_case"), on="stay")
        .with_columns(is_late=pl.col("part") == LATE_PART)
        .sort("person", "start", "part")
        .group_by("stay", "is_late", maintain_order=True)
        .agg(
            pl.col("person", "start", "kind", "condition", "is_day_case").first(),
            pl.col("end", "is_death").last(),
        )
        .join(people.select("person", "has_cancer", "has_copd"), on="person", maintain_order="left")
    )
    has_ended = pl.col("end") <= last_day
    decoded = joined.select(
        "person",
        "start",
        end=pl.when(has_ended).then("end"),
        kind=pl.when("is_late").then(pl.lit("transfer")).otherwise("kind"),
        hrg=_HRG.gather(joined["condition"]),
        is_day_case="is_day_case",
        is_chemotherapy=_IS_CHEMOTHERAPY.gather(joined["condition"]),
        is_cancer=_IS_CANCER.gather(joined["condition"]) | joined["has_cancer"],
        is_sensitive=_IS_SENSITIVE.gather(joined["condition"])
        | ((_DIAGNOSIS.gather(joined["condition"]) == ACUTE_BRONCHITIS) & joined["has_copd"]),
        is_death=pl.col("is_death") & has_ended,
    ).sort("person", "start")
    return decoded.with_columns(is_readmission=readmissions(decoded))


def readmissions(spells: pl.DataFrame) -> pl.Series:
    """Which spells, sorted by person and start, are emergency readmissions: within 0 to 29 days of a discharge.

    Neither is due to cancer; the earlier one is no regular attendance, no maternity stay and didn't end in death.
    """
    qualifies = (
        pl.col("end").is_not_null()
        & ~pl.col("is_death")
        & ~pl.col("is_cancer")
        & ~pl.col("kind").is_in(["regular", "maternity"])
    )
    discharges = spells.with_columns(discharge=pl.when(qualifies).then("end"))
    previous = pl.col("discharge").cum_max().shift(1).forward_fill().over("person")
    is_soon = (pl.col("start") - previous).is_between(0, READMISSION_DAYS)
    return discharges.select(
        is_readmission=((pl.col("kind") == "emergency") & ~pl.col("is_cancer") & is_soon).fill_null(value=False)
    ).to_series()
