"""What a study measures: the columns of `person_periods` and the items of its questionnaires."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import polars as pl

from evaluation.estimation import Metric, record_quality_cautions
from evaluation.surveys import SurveyDesign
from pipelines.amended import amended_metrics
from pipelines.code_lists import load_code_lists
from pipelines.contracts import Column, contract_by_table
from pipelines.errors import StudyError
from pipelines.protocol import REQUIRED_EXTRACTS, Outcome
from pipelines.protocol_log import amended_outcomes
from pipelines.risk_columns import asks_for_risk, pairs_by_risk, primary_counts, risk_outcomes
from pipelines.strict_yaml import nearest
from pipelines.study import Study
from pipelines.study_tables import PRICED
from pipelines.warehouse import Warehouse

NEW_ADMISSION_METHODS = date(2013, 4, 1)
CROSSES_APRIL_2013 = (
    "The periods cross April 2013, when admission methods 25 and 2A to 2D were split off 28: "
    "part of a change may be coding."
)
EXPERIENCE = {"patients": "experience", "carers": "experience"}
ALWAYS_THERE = {"admissions", "population"}
Cautions = Mapping[str, tuple[str, ...]]


def activity_metrics(
    study: Study,
    *,
    extract_cautions: Cautions = MappingProxyType({}),
    metric_cautions: Cautions = MappingProxyType({}),
) -> tuple[Metric, ...]:
    """Counts, deaths and cost per person that the study's extracts (and prices) allow, in the contract's order.

    `extract_cautions` are sentences by extract, which every metric of that extract carries; cost carries all.
    `metric_cautions` are sentences by metric.
    """
    columns = [column for column in contract_by_table("person_periods").columns if "metric_domain" in column.options]
    return tuple(
        _activity_metric(column, study, extract_cautions, metric_cautions.get(column.name, ()))
        for column in columns
        if _is_computable(column, study)
    )


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
            is_item=True,
        )
        for instrument in instruments.values()
        for item in instrument.items
    )


def coding_cautions(study: Study, people: pl.DataFrame) -> Cautions:
    """Cautions by extract on changes of coding within the periods; `people` has index_date.

    Admission methods 25 and 2A-2D exist from 1 April 2013; before, 28 holds them all (NHS Data Dictionary).
    """
    periods = study.protocol.periods
    starts = people["index_date"].dt.offset_by(f"-{periods.baseline_months}mo")
    ends = people["index_date"].dt.offset_by(f"{periods.follow_up_months}mo")
    first, last = starts.min(), ends.max()
    crosses = isinstance(first, date) and isinstance(last, date) and first < NEW_ADMISSION_METHODS < last
    return {"admissions": (CROSSES_APRIL_2013,)} if crosses else {}


def end_of_data_cautions(end_of_data: pl.DataFrame) -> Cautions:
    """Cautions by extract where data_until lies after the month up to which the extract is known to be complete."""
    ended = end_of_data.filter(~pl.col("is_data_until_supported"), pl.col("extract") != "study").sort("extract")
    return {
        extract: (f"Data of {extract}: {caution}",) for extract, caution in ended.select("extract", "caution").rows()
    }


def metrics_with_cautions(study: Study, warehouse: Warehouse) -> tuple[Metric, ...]:
    """`activity_metrics` with what is known by now: changes of coding, arms recorded unequally well, data that end
    before they should, amendments.
    """
    coding = coding_cautions(study, warehouse.read("people"))
    quality = record_quality_cautions(warehouse.read("record_quality"))
    ended = end_of_data_cautions(warehouse.read("end_of_data"))
    amendments = warehouse.read("protocol_amendments")
    amended = joined(amended_outcomes(amendments), amended_metrics(amendments, study.protocol))
    return activity_metrics(study, extract_cautions=joined(coding, quality, ended), metric_cautions=amended)


def protocol_activity_metrics(study: Study, warehouse: Warehouse) -> tuple[Metric, ...]:
    """Those of `metrics_with_cautions` that the protocol names as outcomes."""
    return tuple(metric for metric in metrics_with_cautions(study, warehouse) if metric.priority != "exploratory")


def negative_controls(study: Study, warehouse: Warehouse) -> tuple[Metric, ...]:
    """Those of `metrics_with_cautions` that the protocol names as negative controls, in its order."""
    metrics = {metric.metric_id: metric for metric in metrics_with_cautions(study, warehouse)}
    return tuple(metrics[name] for name in study.protocol.negative_controls)


def joined(*cautions: Cautions) -> Cautions:
    """Cautions by extract, or by metric, from several sources, one after the other."""
    extracts = dict.fromkeys(extract for source in cautions for extract in source)
    return {extract: tuple(s for source in cautions for s in source.get(extract, ())) for extract in extracts}


def site_register(sites: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Every site: those of sites.csv, and those that enrolments name and it does not (null: not flagged).

    Columns site_id, case_management, models; `people` has site_id, null for comparison people.
    """
    enrolled = people.select("site_id").drop_nulls().unique()
    unregistered = enrolled.join(sites, on="site_id", how="anti")
    return pl.concat([sites.select("site_id", "case_management", "models"), unregistered], how="diagonal")


def some_sites_without_area(sites: pl.DataFrame, people: pl.DataFrame) -> bool:
    """Whether the area of a site is not known: not given in sites.csv, or the site is named by enrolments alone."""
    placed = sites.filter(pl.col("area").is_not_null())["site_id"]
    named = pl.concat([sites["site_id"], people["site_id"].drop_nulls()])
    return not named.is_in(placed.implode()).all()


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
    """StudyError (exit 2) for an outcome or a negative control of the protocol that this study cannot compute, and for
    a predictive risk without an outcome that it could be of.
    """
    activities = [metric.metric_id for metric in activity_metrics(study)]
    for outcome in study.protocol.outcomes:
        items = [metric.metric_id for metric in survey_metrics(study)]
        _check_metric(study, outcome.metric, role="outcome", computable=[*activities, *items])
    for metric in study.protocol.negative_controls:
        _check_metric(study, metric, role="negative control", computable=activities)
    protocol = study.protocol
    if (asks_for_risk(protocol) and not risk_outcomes(protocol)) or (
        pairs_by_risk(protocol) and not primary_counts(protocol)
    ):
        raise StudyError(
            "protocol.yaml: comparison: a predictive risk is that of an outcome that counts events, of pairs a primary",
            "there is none under outcomes, such as emergency_admissions",
            "name one, or take predictive_risk out of covariates and choose another method",
        )


def _check_metric(study: Study, metric: str, *, role: str, computable: list[str]) -> None:
    if metric in computable:
        return
    if metric in {c.name for c in contract_by_table("person_periods").columns if "metric_domain" in c.options}:
        raise StudyError(
            f"protocol.yaml: the {role} {metric} cannot be computed from this study's extracts",
            f"it needs {_needs(metric, study)}; add it, or take the {role} out of the protocol",
        )
    raise StudyError(
        f"protocol.yaml: {metric} is not a known metric",
        f"known here: {', '.join(computable)}",
        *nearest(metric, computable),
    )


def needed_extracts(study: Study) -> dict[str, str]:
    """The extracts that a run cannot do without, each with the reason: required, or needed by an outcome."""
    needed = dict.fromkeys(REQUIRED_EXTRACTS, "required")
    for outcome in study.protocol.outcomes:
        for extract in _extracts_of(outcome.metric, study):
            needed.setdefault(extract, f"needed by the outcome {outcome.metric}")
    return needed


def extracts_by_metric(study: Study) -> Mapping[str, list[str]]:
    """The extracts from which each of `activity_metrics` is counted."""
    return {metric.metric_id: _extracts_of(metric.metric_id, study) for metric in activity_metrics(study)}


def _extracts_of(metric: str, study: Study) -> list[str]:
    if metric == "cost_gbp":
        return [extract for extract in PRICED if extract in study.protocol.extracts]
    for extract, instrument in study.instruments.items():
        if metric in {item.id for item in instrument.items}:
            return [extract]
    column = next((c for c in contract_by_table("person_periods").columns if c.name == metric), None)
    return [column.options["metric_extract"]] if column else []


def _activity_metric(column: Column, study: Study, extract_cautions: Cautions, own_cautions: tuple[str, ...]) -> Metric:
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
        notes=(*_notes(column, study), *_of_extract(column, extract_cautions), *own_cautions),
        smallest_worthwhile_change_pct=outcome.smallest_worthwhile_change_pct if outcome else None,
    )


def _notes(column: Column, study: Study) -> tuple[str, ...]:
    if column.options["metric_extract"] != "admissions":
        return ()
    return (f"Admissions are continuous inpatient spells by the rule {study.protocol.spells.continuous_rule}.",)


def _of_extract(column: Column, cautions: Cautions) -> tuple[str, ...]:
    extracts = cautions if column.name == "cost_gbp" else (column.options["metric_extract"],)
    return tuple(sentence for extract in extracts for sentence in cautions.get(extract, ()))


def _outcomes(study: Study) -> dict[str, Outcome]:
    return {outcome.metric: outcome for outcome in study.protocol.outcomes}


def _is_computable(column: Column, study: Study) -> bool:
    if column.name == "cost_gbp":
        return study.prices.height > 0 and not _priced_without_extract(study)
    extract = column.options["metric_extract"]
    return extract in ALWAYS_THERE or extract in study.protocol.extracts


def _priced_without_extract(study: Study) -> list[str]:
    priced = set(study.prices["activity"])
    absent = [extract for extract in PRICED if extract not in study.protocol.extracts]
    return [extract for extract in absent if priced.intersection(PRICED[extract])]


def _needs(metric: str, study: Study) -> str:
    column = next(c for c in contract_by_table("person_periods").columns if c.name == metric)
    if metric != "cost_gbp":
        return f"the extract {column.options['metric_extract']}"
    absent = _priced_without_extract(study)
    return f"the extracts that prices.csv prices: {', '.join(absent)}" if absent else "prices.csv"
