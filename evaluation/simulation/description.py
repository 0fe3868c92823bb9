"""What every record says about its person: pseudonym, sex, practice, small area, comorbidities."""

from itertools import product

import polars as pl

from evaluation.simulation.conditions import COMORBIDITIES

FURTHER_DIAGNOSES = tuple(f"DIAG_{number:02d}" for number in range(2, 2 + len(COMORBIDITIES)))


def described(people: pl.DataFrame) -> pl.DataFrame:
    """One row per person under suppliers' column names, with `person`, `area` and `dob` to join and to derive by."""
    return people.select(
        "person",
        "area",
        "dob",
        pl.col("person_id").alias("PSEUDO_HESID"),
        pl.when("is_female").then(pl.lit("2")).otherwise(pl.lit("1")).alias("SEX"),
        pl.col("ethnos").alias("ETHNOS"),
        _lsoa().alias("LSOA11"),
        _practice().alias("GPPRAC"),
    )


def further_diagnoses(people: pl.DataFrame) -> pl.DataFrame:
    """`person` and the codes of the person's comorbidities from DIAG_02 on, without gaps."""
    names = [name for name, _, _ in COMORBIDITIES]
    patterns = []
    for has in product([False, True], repeat=len(COMORBIDITIES)):
        codes = [code for (_, code, _), is_there in zip(COMORBIDITIES, has, strict=True) if is_there]
        filled = [*codes, *[None] * (len(FURTHER_DIAGNOSES) - len(codes))]
        patterns.append({**dict(zip(names, has, strict=True)), **dict(zip(FURTHER_DIAGNOSES, filled, strict=True))})
    schema = {**dict.fromkeys(names, pl.Boolean), **dict.fromkeys(FURTHER_DIAGNOSES, pl.String)}
    table = pl.DataFrame(patterns, schema=schema)
    return people.select("person", *names).join(table, on=names, maintain_order="left").drop(names)


def _practice() -> pl.Expr:
    return pl.concat_str(pl.lit("Y9"), (pl.col("area") * 100 + pl.col("practice")).cast(pl.String).str.zfill(4))


def _lsoa() -> pl.Expr:
    """In the form of the small areas' codes, beyond the range of the real ones."""
    return pl.concat_str(pl.lit("E019"), (pl.col("area") * 10 + pl.col("imd_quintile")).cast(pl.String).str.zfill(5))
