"""Who lives where, who joined the pilot, who opted out: written down in the form of their extracts."""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import NEVER
from evaluation.simulation.description import described
from evaluation.simulation.history import History
from evaluation.simulation.people import pseudonyms
from evaluation.simulation.settings import SimulationSettings

SHARE_ENROLLED_AGAIN = 0.02
SHARE_ENDED = 0.08
SHARE_UNKNOWN_ENROLLED = 0.005
UNKNOWN_OPT_OUTS_PER_KNOWN = 0.1


def population_records(
    people: pl.DataFrame, areas: list[str], *, first_day: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Everyone who is listed, pilot people included, under the supplier's column names.

    The registration start of people who were registered before the first day with data is given for half of them.
    """
    listed = people.filter("is_listed")
    is_given = pl.Series(rng.random(listed.height) < 0.5)
    codes = described(people).select("person", "PSEUDO_HESID", "SEX", "LSOA11", "GPPRAC", "ETHNOS")
    return (
        listed.join(codes, on="person", maintain_order="left")
        .select(
            "PSEUDO_HESID",
            _date("dob").alias("DOB"),
            "SEX",
            pl.col("imd_quintile").alias("IMD_QUINTILE"),
            "LSOA11",
            "GPPRAC",
            pl.Series(areas).gather(listed["area"]).alias("AREA"),
            pl.when(pl.col("death") < NEVER).then(_date("death")).alias("DATE_OF_DEATH"),
            pl.when(is_given | (pl.col("reg_start") >= first_day)).then(_date("reg_start")).alias("REG_START"),
            pl.when(pl.col("reg_end") < NEVER).then(_date("reg_end")).alias("REG_END"),
            pl.when("care_home").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("CARE_HOME"),
            "ETHNOS",
        )
        .sort("PSEUDO_HESID")
    )


def enrolment_records(history: History, settings: SimulationSettings, *, rng: np.random.Generator) -> pl.DataFrame:
    """Who joined, where and when; some joined twice, left again, or are not known to the population extract."""
    names = dict(enumerate(site.site_id for site in settings.sites))
    joined = history.pilots.join(history.people.select("person", "person_id"), on="person")
    unknown_people = joined.sample(fraction=SHARE_UNKNOWN_ENROLLED, seed=int(rng.integers(2**31)))
    unknown = unknown_people.with_columns(person_id=pl.Series(pseudonyms(rng, unknown_people.height), dtype=pl.String))
    again = joined.filter(pl.Series(rng.random(joined.height) < SHARE_ENROLLED_AGAIN)).with_columns(
        site=(pl.col("site") + 1) % len(names), index_day=pl.min_horizontal(pl.col("index_day") + 45, settings.last_day)
    )
    rows = pl.concat([joined, unknown, again])
    before = rng.integers(1, 15, rows.height)
    has_ended = pl.Series(rng.random(rows.height) < SHARE_ENDED)
    ended = pl.min_horizontal(pl.col("index_day") + pl.Series(rng.integers(30, 90, rows.height)), settings.last_day)
    return rows.select(
        pl.col("person_id").alias("PSEUDO_HESID"),
        pl.col("site").replace_strict(names, return_dtype=pl.String).alias("SITE"),
        _date("index_day").alias("INDEX_DATE"),
        pl.when(has_ended).then(_date(ended)).alias("END_DATE"),
        _date(pl.col("index_day") - pl.Series(before)).alias("REFERRAL_DATE"),
        _date(pl.col("index_day") - pl.Series(before // 2)).alias("ELIGIBLE_DATE"),
        pl.col("route").alias("ROUTE"),
        pl.Series("TIER", rng.choice(["1", "2", "3"], rows.height, p=[0.2, 0.5, 0.3]), dtype=pl.String),
        pl.when(has_ended).then(pl.lit("left")).otherwise(pl.lit("enrolled")).alias("STATUS"),
    ).sort("INDEX_DATE", "PSEUDO_HESID", "SITE")


def opt_out_records(people: pl.DataFrame, *, rng: np.random.Generator) -> pl.DataFrame:
    """People who opted out of the use of their data, some of whom nobody in the study knows."""
    opted_out = people.filter("is_opted_out")["person_id"].to_list()
    strangers = pseudonyms(rng, round(len(opted_out) * UNKNOWN_OPT_OUTS_PER_KNOWN))
    return pl.DataFrame({"PSEUDO_HESID": sorted([*opted_out, *strangers])}, schema={"PSEUDO_HESID": pl.String})


def _date(day: str | pl.Expr) -> pl.Expr:
    column = pl.col(day) if isinstance(day, str) else day
    return column.cast(pl.Int32).cast(pl.Date)
