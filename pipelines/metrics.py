"""What a study measures: the columns of `person_periods` and the items of its questionnaires."""

import polars as pl

from evaluation.estimation import Metric
from evaluation.surveys import SurveyDesign
from pipelines.code_lists import load_code_lists
from pipelines.contracts import Column, contract_by_table
from pipelines.errors import StudyError
from pipelines.protocol import Outcome
from pipelines.strict_yaml import nearest
from pipelines.study import Study

EXPERIENCE = {"patients": "experience", "carers": "experience"}
ALWAYS_THERE = {"admissions", "population"}


def activity_metrics(study: Study) -> tuple[Metric, ...]:
    """Counts, deaths and cost per person that the study's extracts (and prices) allow, in the contract's order."""
    columns = [column for column in contract_by_table("person_periods").columns if "metric_domain" in column.options]
    return tuple(_activity_metric(column, study) for column in columns if _is_computable(column, study))


def survey_metrics(study: Study) -> tuple[Metric, ...]:
    """The items of the study's questionnaires."""
    outcomes = _outcomes(study)
    instruments = {instrument.instrument: instrument for instrument in study.instruments.values()}
    return tuple(
        Metric(
            metric_id=item.id,
            label=item.label,
            domain=EXPERIENCE.get(instrument.respondents, "staff"),
            unit="share of valid answers",
            priority=outcomes[item.id].priority if item.id in outcomes else "exploratory",
            benefits=outcomes[item.id].benefits if item.id in outcomes else item.benefits,
            is_binary=True,
        )
        for instrument in instruments.values()
        for item in instrument.items
    )


def site_register(sites: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Every site: those of sites.csv, and those that enrolments name and it does not (null: not flagged).

    Columns site_id, case_management; `people` has site_id, null for comparison people.
    """
    enrolled = people.select("site_id").drop_nulls().unique()
    unregistered = enrolled.join(sites, on="site_id", how="anti")
    return pl.concat([sites.select("site_id", "case_management"), unregistered], how="diagonal")


def survey_designs(study: Study) -> tuple[SurveyDesign, ...]:
    """How the sample of each of the study's questionnaires is laid out."""
    instruments = {instrument.instrument: instrument for instrument in study.instruments.values()}
    return tuple(
        SurveyDesign(
            instrument_id=instrument.instrument,
            is_stratified=instrument.strata is not None,
            is_weighted=instrument.weight is not None,
        )
        for instrument in instruments.values()
    )


def check_outcomes(study: Study) -> None:
    """StudyError (exit 2) for an outcome of the protocol that this study cannot compute."""
    computable = [metric.metric_id for metric in (*activity_metrics(study), *survey_metrics(study))]
    known = [c.name for c in contract_by_table("person_periods").columns if "metric_domain" in c.options]
    for outcome in study.protocol.outcomes:
        if outcome.metric in computable:
            continue
        if outcome.metric in known:
            raise StudyError(
                f"protocol.yaml: the outcome {outcome.metric} cannot be computed from this study's extracts",
                f"it needs {_needs(outcome.metric)}; add it, or take the outcome out of the protocol",
            )
        raise StudyError(
            f"protocol.yaml: {outcome.metric} is not a known metric",
            f"known here: {', '.join(computable)}",
            *nearest(outcome.metric, computable),
        )


def _activity_metric(column: Column, study: Study) -> Metric:
    outcomes = _outcomes(study)
    lists = tuple(column.options.get("metric_code_lists", ()))
    unverified = {code_list.name for code_list in load_code_lists() if not code_list.verified}
    outcome = outcomes.get(column.name)
    return Metric(
        metric_id=column.name,
        label=column.label,
        domain=column.options["metric_domain"],
        unit=column.options["metric_unit"],
        kind=column.options["metric_kind"],
        priority=outcome.priority if outcome else "exploratory",
        benefits=outcome.benefits if outcome else None,
        is_binary=column.sql_type == "BOOLEAN",
        code_lists=lists,
        unverified_code_lists=tuple(name for name in lists if name in unverified),
        notes=_notes(column, study),
    )


def _notes(column: Column, study: Study) -> tuple[str, ...]:
    if column.options["metric_extract"] != "admissions":
        return ()
    return (f"Admissions are continuous inpatient spells by the rule {study.protocol.spells.continuous_rule}.",)


def _outcomes(study: Study) -> dict[str, Outcome]:
    return {outcome.metric: outcome for outcome in study.protocol.outcomes}


def _is_computable(column: Column, study: Study) -> bool:
    if column.name == "cost_gbp":
        return study.prices.height > 0
    extract = column.options["metric_extract"]
    return extract in ALWAYS_THERE or extract in study.protocol.extracts


def _needs(metric: str) -> str:
    column = next(c for c in contract_by_table("person_periods").columns if c.name == metric)
    return "prices.csv" if metric == "cost_gbp" else f"the extract {column.options['metric_extract']}"
