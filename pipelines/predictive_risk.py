"""Everybody's predictive risk before the design: the log of the rate that an earlier cohort of the pool foretells."""

import polars as pl

from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.matching import MatchingError, earlier_cohort_scores, risk_of
from evaluation.matching.pool import DRAW, FEWEST_SAMPLED, SAME_KIND, sampled_pool, with_draws
from pipelines import placebo
from pipelines.errors import StudyError
from pipelines.own_schema import models_named, own_schema
from pipelines.protocol import Protocol
from pipelines.risk_columns import history_covariates, pairs_by_risk, risk_outcomes
from pipelines.warehouse import Warehouse

SCHEMA = "predictive_risk"
RISKS = {"person_id": pl.String, "metric_id": pl.String, "predictive_risk": pl.Float64}
TO_HAVE_A_SCORE = (
    "the score is fitted on the pool twelve months before its index dates: expected records from 18 months before them "
    "on, and ten events of the first primary outcome for each column",
    "deliver earlier records, or choose another method, such as nearest",
)
(PLACEBO_DATES,) = models_named("placebo_index_dates")
# The pool stands where the models read who is compared: the design is not known yet.
POOL = """create table design_people as select index_dates.person_id, index_dates.index_date
    from main.index_dates inner join main.comparison_cohort on index_dates.person_id = comparison_cohort.person_id
    where not comparison_cohort.is_treated"""
KIND = "select person_id, {kind} from main.covariates semi join {people} using (person_id) where {arm}"
SAMPLED = """create or replace table placebo_index_dates as
    from placebo_index_dates semi join sampled using (person_id)"""
EVERYBODY = """create table index_dates as
    from main.index_dates semi join main.comparison_pools using (person_id)"""
PEOPLE = "create table people as from main.people semi join placebo_index_dates using (person_id)"
KNOWN = """select person_id, record_person_id, {names}
    from covariates inner join main.comparison_pools using (person_id, is_treated) order by person_id"""


def tables_read() -> list[str]:
    """The tables that predictive risks are made of."""
    read = {*placebo.tables_read(), *placebo.months_read(), "index_dates", "comparison_cohort", "comparison_pools"}
    return sorted(read - {"placebo_index_dates", "design_people"})


def predictive_risks(warehouse: Warehouse, protocol: Protocol, *, for_new_pairs: bool = True) -> pl.DataFrame:
    """Columns `RISKS`, a row per person who may be compared and outcome whose risk the protocol asks for.

    Fitted on at most 20,000 people of the pool (`earlier_pool`), asked of everybody at their own index date, in
    windows as long as at the earlier one. Whose records are in the earlier cohort is scored by a model without them.
    An outcome that the earlier cohort does not foretell has no rows; StudyError where pairs are to be found by it.
    """
    found = [pl.DataFrame(schema=RISKS)]
    metrics = risk_outcomes(protocol)
    if metrics:
        earlier, at_index = earlier_pool(warehouse, protocol), _at_index(warehouse, protocol)
        is_needed = for_new_pairs and pairs_by_risk(protocol)
        for number, metric in enumerate(metrics):
            found.append(_of_outcome(metric, earlier, at_index, protocol, is_needed=is_needed and number == 0))
    return pl.concat(found)


def no_score_for_pairs(reason: str) -> StudyError:
    """What to do where the protocol asks for pairs by a score that cannot be had."""
    return StudyError(f"protocol.yaml: comparison.method: prognostic: {reason}", *TO_HAVE_A_SCORE)


def earlier_pool(warehouse: Warehouse, protocol: Protocol) -> pl.DataFrame:
    """People of the pool at their placebo index date: covariates then, counts and `person_years` of what followed.

    Those of the cases' sex, age band and index month with the lowest draws, at most 20,000, of whoever was observed
    on both dates. All of it lies before their own index date.
    """
    connection = warehouse.connection
    with own_schema(warehouse, SCHEMA):
        connection.execute(POOL)
        connection.execute(f"create table placebo_index_dates as {PLACEBO_DATES.sql}")
        _keep_sample(warehouse, protocol)
        connection.execute(PEOPLE)
        use = placebo.use_after(warehouse).with_columns(person_years=pl.col("person_days") / DAYS_PER_YEAR)
        placebo.make_covariates(warehouse, placebo.PLACEBO_DATES)
        return _known(warehouse, protocol).join(use, on="person_id")


def with_predictive_risks(cohort: pl.DataFrame, risks: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The cohort with a column for each predictive risk that the protocol asks for; null where it is not known."""
    for metric in risk_outcomes(protocol):
        theirs = risks.filter(metric_id=metric).select("person_id", pl.col("predictive_risk").alias(risk_of(metric)))
        cohort = cohort.join(theirs, on="person_id", how="left", maintain_order="left")
    return cohort


def _keep_sample(warehouse: Warehouse, protocol: Protocol) -> None:
    """Of the placebo dates, those of the people that the earlier cohort is made of."""
    connection = warehouse.connection
    cases, others = (
        connection.sql(KIND.format(kind=", ".join(SAME_KIND), people=people, arm=arm)).pl()
        for people, arm in (("comparison_cohort", "is_treated"), ("placebo_index_dates", "not is_treated"))
    )
    alike = sampled_pool(with_draws(others, seed=protocol.comparison.seed), cases)
    sampled = alike.bottom_k(FEWEST_SAMPLED, by=[DRAW, "person_id"]).select("person_id")
    connection.register("sampled", sampled)
    try:
        connection.execute(SAMPLED)
    finally:
        connection.unregister("sampled")


def _at_index(warehouse: Warehouse, protocol: Protocol) -> pl.DataFrame:
    with own_schema(warehouse, SCHEMA):
        placebo.make_covariates(warehouse, EVERYBODY)
        return _known(warehouse, protocol)


def _known(warehouse: Warehouse, protocol: Protocol) -> pl.DataFrame:
    """What the scores are made of, whole numbers held small: there may be millions of people."""
    names = ", ".join(f'"{name}"' for name in history_covariates(protocol))
    known = warehouse.connection.sql(KNOWN.format(names=names)).pl()
    return pl.DataFrame([column.shrink_dtype() if column.dtype.is_integer() else column for column in known])


def _of_outcome(
    metric: str, earlier: pl.DataFrame, at_index: pl.DataFrame, protocol: Protocol, *, is_needed: bool
) -> pl.DataFrame:
    try:
        scores = earlier_cohort_scores(
            at_index,
            earlier=earlier.with_columns(pl.col(metric).alias("events")),
            covariates=history_covariates(protocol),
            seed=protocol.comparison.seed,
            whose="record_person_id",
        )
    except MatchingError as error:
        if is_needed:
            raise no_score_for_pairs(str(error)) from None
        return pl.DataFrame(schema=RISKS)
    return scores.select("person_id", pl.lit(metric).alias("metric_id"), predictive_risk="prognostic_score")
