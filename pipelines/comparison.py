"""From the protocol's comparison and the tables of the design stage to the people that estimates compare."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation import ALL_SITES, ComparedPeople, ComparedPopulation, site_populations
from evaluation.matching import CASES_PER_COLUMN, Settings, Terms, affordable_terms, design_matrix, terms_of
from pipelines.metrics import site_register
from pipelines.protocol import Protocol
from pipelines.warehouse import Warehouse

MOST_COLUMNS_IN_PAIRS = 20
CONTROLLED = {"weighted_cohort": "has_weights", "matched_cohort": "has_pairs", "matched_did": "has_pairs"}
ALWAYS_NEEDED = ("person_id", "is_treated", "site_id", "index_date", "index_month", "sex", "age_band")
PAIRS_COLUMNS = {
    "case_id": "pilot_person_id",
    "control_id": "comparison_person_id",
    "index_date": "index_date",
    "match_number": "match_number",
    "distance": "distance",
    "weight": "weight",
}


def comparison_settings(protocol: Protocol) -> Settings:
    """How the protocol chooses comparison people."""
    comparison = protocol.comparison
    return Settings(
        exact=comparison.exact,
        covariates=comparison.covariates,
        ratio=comparison.ratio,
        caliper=comparison.caliper,
        seed=comparison.seed,
    )


def comparison_cohort(warehouse: Warehouse, protocol: Protocol, *, pools: Sequence[str] = ()) -> pl.DataFrame:
    """Pilot people and their pool with the covariates that the protocol asks for, whole numbers held small.

    The pool of the design, or others of `comparison_pools`, by name.
    """
    comparison = protocol.comparison
    names = dict.fromkeys((*ALWAYS_NEEDED, *comparison.exact, *comparison.covariates))
    names.pop("pool", None)
    columns = ", ".join(f'"{name}"' for name in names)
    query = f"select {columns}, comparison_pool as pool from covariates inner join"
    if pools:
        query = f"{query} comparison_pools using (person_id, is_treated) where is_treated or comparison_pool in ?"
        cohort = warehouse.connection.execute(query, [list(pools)]).pl()
    else:
        cohort = warehouse.connection.execute(f"{query} comparison_cohort using (person_id, is_treated)").pl()
    return pl.DataFrame([column.shrink_dtype() if column.dtype.is_integer() else column for column in cohort])


def compared_populations(warehouse: Warehouse, protocol: Protocol) -> Iterator[ComparedPopulation]:
    """Each population of `comparison_designs` with its weighted and its matched people, one at a time."""
    cohort = comparison_cohort(warehouse, protocol)
    if cohort["is_treated"].all():
        return
    people = warehouse.read("people")
    populations = site_populations(site_register(warehouse.read("sites"), people))
    pilot = people.filter("is_pilot")
    sites = dict(populations.group_by("population").agg("site_id").iter_rows())
    cases, pairs = cohort.filter("is_treated"), warehouse.read("matched_pairs")
    for design in warehouse.read("comparison_designs").iter_rows(named=True):
        name = design["population"]
        is_theirs = pl.lit(value=True) if name == ALL_SITES else pl.col("site_id").is_in(sites.get(name, []))
        theirs = cases.filter(is_theirs)
        query = "select person_id, weight from comparison_weights where population = ?"
        weights = warehouse.connection.execute(query, [name]).pl()
        yield ComparedPopulation(
            population=name,
            pilot_people=pilot.filter(is_theirs).height,
            weighted=_weighted(cohort, theirs, weights, design),
            matched=_matched(cohort, theirs, pairs, design),
            weighting_caution=design["weighting_caution"],
            matching_caution=design["matching_caution"],
        )


def designs_found(designs: pl.DataFrame) -> Mapping[str, list[str]]:
    """By population, the controlled designs for which the design stage found weights or pairs."""
    flags = designs.with_columns((pl.col("pilot_people_matched") > 0).alias("has_pairs"))
    return {
        row["population"]: [design for design, flag in CONTROLLED.items() if row[flag]]
        for row in flags.iter_rows(named=True)
    }


def _weighted(
    cohort: pl.DataFrame, cases: pl.DataFrame, weights: pl.DataFrame, design: Mapping[str, Any]
) -> ComparedPeople | None:
    if not design["has_weights"]:
        return None
    return weighted_people(cases, cohort.join(weights, on="person_id"), terms=weighted_terms(design))


def weighted_terms(design: Mapping[str, Any]) -> Terms:
    """What the weights of a row of `comparison_designs` balance, in its forms."""
    return terms_of(design["weighted_covariates"].split(", "), interactions=design["has_interactions"])


def weighted_people(cases: pl.DataFrame, weighted: pl.DataFrame, *, terms: Terms) -> ComparedPeople:
    """Cases and their weighted comparison people (with `weight`), and the columns that the weights balance."""
    people = pl.concat([cases.with_columns(weight=pl.lit(1.0)), weighted])
    matrix = design_matrix(people, terms=terms)
    return ComparedPeople(
        person_id=matrix.person_id,
        is_treated=matrix.treated(people),
        weights=matrix.column_of(people, "weight").to_numpy(),
        covariates=matrix.values,
    )


def _matched(
    cohort: pl.DataFrame, cases: pl.DataFrame, pairs: pl.DataFrame, design: Mapping[str, Any]
) -> ComparedPeople | None:
    if not design["pilot_people_matched"]:
        return None
    theirs = pairs.join(cases.select(pl.col("person_id").alias("pilot_person_id")), on="pilot_person_id", how="semi")
    sets = theirs.select("pilot_person_id", set_id=pl.col("pilot_person_id").rank("dense").cast(pl.Int64))
    of_cases = sets.unique().select(pl.col("pilot_person_id").alias("person_id"), "set_id", weight=pl.lit(1.0))
    of_controls = theirs.select(pl.col("comparison_person_id").alias("person_id"), sets["set_id"], "weight")
    rows = pl.concat([of_cases, of_controls]).sort("person_id", "set_id")
    people = cohort.join(rows, on="person_id", how="semi")
    most = min(MOST_COLUMNS_IN_PAIRS, of_cases.height // CASES_PER_COLUMN)
    terms = affordable_terms(people, design["matched_covariates"].split(", "), most_columns=most)
    matrix = design_matrix(people, terms=terms)
    places = matrix.person_id.search_sorted(rows["person_id"]).to_numpy()
    return ComparedPeople(
        person_id=rows["person_id"],
        is_treated=matrix.treated(people)[places],
        weights=rows["weight"].to_numpy(),
        covariates=matrix.values[places],
        set_ids=np.asarray(rows["set_id"].to_numpy(), dtype=np.int64),
    )
