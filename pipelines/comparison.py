"""From the protocol's comparison and the tables of the design stage to the people that estimates compare."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation import ALL_SITES, ComparedPeople, ComparedPopulation, site_populations
from evaluation.matching import (
    AS_OF,
    POOL,
    PREDICTIVE_RISK,
    SUBGROUP_COLUMNS,
    Settings,
    Terms,
    TooLargeError,
    compare,
    design_matrix,
    regression_terms,
    risk_of,
    subgroup_populations,
    terms_of,
    with_subgroups,
)
from pipelines.errors import StudyError
from pipelines.metrics import site_register
from pipelines.predictive_risk import with_predictive_risks
from pipelines.protocol import Protocol
from pipelines.risk_columns import asks_for_risk, design_covariates, score_of_pairs
from pipelines.warehouse import Warehouse

CONTROLLED = {"weighted_cohort": "has_weights", "matched_cohort": "has_pairs", "matched_did": "has_pairs"}
SHOWN_WHERE_KNOWN = ("days_since_emergency_discharge",)
ALWAYS_NEEDED = (
    "person_id",
    "record_person_id",
    "is_treated",
    "site_id",
    "index_date",
    "index_month",
    "sex",
    "age_band",
    *SHOWN_WHERE_KNOWN,
    *AS_OF.values(),
    *SUBGROUP_COLUMNS,
)
OPTIMAL_FITS = "expected, at a ratio of 5, at most 1,000 pilot and 5,000 comparison people equal in all exact columns"
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
    comparison, covariates, score = protocol.comparison, design_covariates(protocol), score_of_pairs(protocol)
    return Settings(
        exact=comparison.exact,
        covariates=covariates,
        method=comparison.method,
        prognostic_score=score,
        with_replacement=comparison.with_replacement,
        ratio=comparison.ratio,
        caliper=comparison.caliper,
        caliper_definition=comparison.caliper_definition,
        seed=comparison.seed,
        shown_where_known=(*SHOWN_WHERE_KNOWN, *([score] if score and score not in covariates else [])),
    )


def comparison_cohort(warehouse: Warehouse, protocol: Protocol, *, pools: Sequence[str] = ()) -> pl.DataFrame:
    """Pilot people and their pool with the covariates that the protocol asks for, whole numbers held small.

    The pool of the design, or others of `comparison_pools`, by name. With the columns of subgroups, which make
    populations of their own.
    """
    comparison = protocol.comparison
    names = dict.fromkeys((*ALWAYS_NEEDED, *comparison.exact, *comparison.covariates))
    columns = ", ".join(f'"{name}"' for name in names if name not in (POOL, PREDICTIVE_RISK))
    query = f"select {columns}, comparison_pool as pool from covariates inner join"
    if pools:
        query = f"{query} comparison_pools using (person_id, is_treated) where is_treated or comparison_pool in ?"
        cohort = warehouse.connection.execute(query, [list(pools)]).pl()
    else:
        cohort = warehouse.connection.execute(f"{query} comparison_cohort using (person_id, is_treated)").pl()
    small = pl.DataFrame([column.shrink_dtype() if column.dtype.is_integer() else column for column in cohort])
    if asks_for_risk(protocol):
        small = with_predictive_risks(small, warehouse.read("predictive_risks"), protocol)
    return with_subgroups(small)


def found_design(warehouse: Warehouse, protocol: Protocol) -> dict[str, pl.DataFrame]:
    """The tables of the design stage by name, found from covariates alone.

    `design_people` are the people compared, with the covariates they were compared by: all cases, and whoever has a
    weight or stands in a pair. Raises StudyError where too many people are alike for optimal pairs.
    """
    cohort = comparison_cohort(warehouse, protocol)
    populations = site_populations(site_register(warehouse.read("sites"), warehouse.read("people")))
    try:
        found = compare(cohort, site_populations=populations, settings=comparison_settings(protocol))
    except TooLargeError as error:
        raise StudyError(f"protocol.yaml: comparison.method: {error}", OPTIMAL_FITS) from None
    cases = cohort.filter("is_treated")["person_id"]
    compared = pl.concat([cases, found.weights["person_id"], found.pairs["control_id"]]).unique()
    return {
        "comparison_designs": found.designs,
        "matched_pairs": found.pairs.rename(PAIRS_COLUMNS),
        "comparison_weights": found.weights,
        "covariate_balance": found.balance,
        "unmatched_cases": found.unmatched,
        "design_people": cohort.filter(pl.col("person_id").is_in(compared.implode())).sort("person_id"),
    }


def compared_populations(warehouse: Warehouse, *, kinds: Sequence[str] = ()) -> Iterator[ComparedPopulation]:
    """Each population of `comparison_designs` with its weighted and its matched people, one at a time.

    With `kinds` only those whose name up to the colon is among them.
    """
    cohort, designs = warehouse.read("design_people"), warehouse.read("comparison_designs")
    if not designs["comparison_people"].sum():
        return
    pilot = warehouse.read("people").filter("is_pilot")
    cases, pairs = cohort.filter("is_treated"), warehouse.read("matched_pairs")
    belongs = whose_population(warehouse, cases)
    for design in designs.iter_rows(named=True):
        name = design["population"]
        if kinds and name.partition(":")[0] not in kinds:
            continue
        is_theirs, is_part = belongs.get(name, pl.lit(value=False)), is_subgroup(name)
        theirs = cases.filter(is_theirs)
        query = "select person_id, weight from comparison_weights where population = ?"
        weights = warehouse.connection.execute(query, [name]).pl()
        yield ComparedPopulation(
            population=name,
            pilot_people=theirs.height if is_part else pilot.filter(is_theirs).height,
            weighted=_weighted(cohort, theirs, weights, design),
            matched=_matched(cohort, theirs, pairs, design),
            weighting_caution=design["weighting_caution"],
            matching_caution=design["matching_caution"],
            is_subgroup=is_part,
            weighted_by=tuple(design["weighted_covariates"].split(", ")) if design["has_weights"] else (),
            matched_by=made_alike_in(design),
        )


def whose_population(warehouse: Warehouse, cases: pl.DataFrame) -> dict[str, pl.Expr]:
    """By population of the design, whether one of `cases` belongs to it: all, sites, models and subgroups."""
    register = site_register(warehouse.read("sites"), warehouse.read("people"))
    sites = site_populations(register).group_by("population").agg("site_id").iter_rows()
    of_sites = {name: pl.col("site_id").is_in(ids) for name, ids in sites}
    return {ALL_SITES: pl.lit(value=True)} | of_sites | dict(subgroup_populations(cases))


def is_subgroup(population: str) -> bool:
    """Whether a population is one of people by what they were like; without pairs of its own."""
    return population.startswith("subgroup:")


def use_of_compared(warehouse: Warehouse, table: str, *, period: str | None = None) -> pl.DataFrame:
    """Rows of a table of use for the people compared, where they have the index date that they were compared by.

    Under a frozen design, a person whose index date was corrected since has no row: what was counted around
    another day is not what the design asked for.
    """
    dates = "select person_id, index_date as compared_date from design_people"
    query = f"""select used.* from {table} as used
        inner join people on used.person_id = people.person_id
        inner join ({dates}) as compared on used.person_id = compared.person_id
        where people.index_date = compared.compared_date"""
    if period is None:
        return warehouse.connection.execute(query).pl()
    return warehouse.connection.execute(f"{query} and used.period = ?", [period]).pl()


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


def made_alike_in(design: Mapping[str, Any]) -> tuple[str, ...]:
    """What pairs were made alike in or are equal in, a predictive risk among it; nothing where there are none."""
    risk = [risk_of("pairs")] if design["matching_method"] == "prognostic" else []
    named = [*design["matched_covariates"].split(", "), *design["exact"].split(", "), *risk]
    return tuple(dict.fromkeys(name for name in named if name)) if design["pilot_people_matched"] else ()


def weighted_terms(design: Mapping[str, Any]) -> Terms:
    """What the weights of a row of `comparison_designs` balance, in its forms."""
    return terms_of(design["weighted_covariates"].split(", "), interactions=design["has_interactions"])


def weighted_people(cases: pl.DataFrame, weighted: pl.DataFrame, *, terms: Terms) -> ComparedPeople:
    """Cases and their weighted comparison people (with `weight`), and the columns that the weights balance."""
    people = pl.concat([cases.with_columns(weight=pl.lit(1.0)), weighted])
    matrix = design_matrix(people, terms=terms)
    return ComparedPeople(
        person_id=matrix.person_id,
        record_person_id=matrix.column_of(people, "record_person_id"),
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
    terms = regression_terms(people, design["adjusted_covariates"].split(", "), cases=of_cases.height)
    matrix = design_matrix(people, terms=terms)
    places = matrix.person_id.search_sorted(rows["person_id"]).to_numpy()
    return ComparedPeople(
        person_id=rows["person_id"],
        record_person_id=matrix.column_of(people, "record_person_id").gather(places),
        is_treated=matrix.treated(people)[places],
        weights=rows["weight"].to_numpy(),
        covariates=matrix.values[places],
        set_ids=np.asarray(rows["set_id"].to_numpy(), dtype=np.int64),
    )
