"""`icp plan`: people, months and sites that the smallest worthwhile change takes, and whether it is evaluable yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from evaluation.estimation import ALL_SITES
from evaluation.estimation.headline import RANDOM
from evaluation.planning import (
    DEFAULT_RATES,
    PEOPLE_PER_SITE,
    PEOPLE_PER_SITE_SOURCE,
    SOURCE,
    EventRate,
    Plan,
    PlannedOutcome,
    PlannedStudy,
    plan,
)
from pipelines.errors import IcpError, StudyError
from pipelines.masking import shown
from pipelines.metrics import check_outcomes
from pipelines.planned import planned_outcomes
from pipelines.study import Study
from pipelines.working_file import WORKING_FILE

DEFAULT_DISPERSION = DEFAULT_RATES["emergency_admissions"].dispersion
_QUERY = """
select
    expected_power.metric_id, expected_power.pilot_people, expected_power.comparison_people,
    expected_power.follow_up_years, expected_power.years_before, expected_power.rate, expected_power.dispersion,
    expected_power.sites, expected_power.reason, registered.number_of_sites
from expected_power
cross join (select count(distinct site_id) as number_of_sites from people where is_pilot) as registered
where population = ?
"""
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What is stated on the command line; it goes before what the data or publications say."""

    rates: Mapping[str, float]
    people_per_site: float | None = None
    site_spread_pct: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Basis:
    rate: EventRate
    words: str


def plan_report(study: Study, stated: Assumptions) -> str:
    """A paragraph per outcome of the protocol, and what it rests on; nothing is computed anew or written."""
    check_outcomes(study)
    known = _expected_power(study)
    parts = [f"Plan of {study.protocol.title or study.protocol.study}: 80% power at 5% two-sided."]
    for outcome in planned_outcomes(study):
        parts += ["", *_outcome(study, outcome, known.get(outcome.metric_id), stated)]
    return "\n".join([*parts, "", *_assumed(study, known, stated)])


def parse_rates(study: Study, texts: Sequence[str]) -> Mapping[str, float]:
    """`METRIC=0.6` as a number by metric; StudyError for what is no outcome of the protocol, or no rate."""
    metrics = [outcome.metric for outcome in study.protocol.outcomes]
    rates: dict[str, float] = {}
    for text in texts:
        metric, _, number = text.partition("=")
        if metric not in metrics:
            raise StudyError(
                f"--rate {text}: {metric} is no outcome of the protocol", f"outcomes: {', '.join(metrics)}"
            )
        try:
            rates[metric] = float(number)
        except ValueError:
            rates[metric] = 0.0
        if not 0 < rates[metric] < float("inf"):
            raise StudyError(f"--rate {text}: expected events per person-year, such as {metric}=0.6")
    return rates


def _outcome(study: Study, outcome: PlannedOutcome, known: Row | None, stated: Assumptions) -> list[str]:
    title = f"{outcome.label} ({outcome.priority})"
    if not outcome.is_count:
        return [f"{title}: not a count of events; no plan can be made of it."]
    if not outcome.smallest_worthwhile_change_pct:
        return [f"{title}: the protocol states no smallest_worthwhile_change_pct; nothing can be said."]
    basis = _basis(outcome, known, stated)
    if basis is None:
        reason = f" ({known['reason']})" if known and known["reason"] else ""
        return [f"{title}: no rate is known{reason}; state one: --rate {outcome.metric_id}=0.6"]
    there = _there(study, known, stated)
    found = plan(basis.rate, there, change_pct=outcome.smallest_worthwhile_change_pct)
    return [
        f"{title}, smallest worthwhile change {outcome.smallest_worthwhile_change_pct:+.1f}%",
        f"  Is this evaluable yet? {_verdict(study, there, found)}",
        f"  {_needs(study, there, found)}",
        f"  Rate: {basis.rate.per_year:.2f} a person-year, dispersion {basis.rate.dispersion:.1f}: {basis.words}.",
    ]


def _basis(outcome: PlannedOutcome, known: Row | None, stated: Assumptions) -> _Basis | None:
    of_study = EventRate(per_year=known["rate"], dispersion=known["dispersion"]) if known and known["rate"] else None
    default = of_study or DEFAULT_RATES.get(outcome.metric_id)
    if outcome.metric_id in stated.rates:
        dispersion = default.dispersion if default else DEFAULT_DISPERSION
        rate = EventRate(per_year=stated.rates[outcome.metric_id], dispersion=dispersion)
        return _Basis(rate=rate, words="as stated" if of_study else f"as stated, the dispersion that of {SOURCE}")
    if of_study:
        return _Basis(rate=of_study, words="the pilot people's own, months -24 to -7 before the index date")
    if default:
        return _Basis(rate=default, words=f"of other people, for want of any of this study: {SOURCE}")
    return None


def _there(study: Study, known: Row | None, stated: Assumptions) -> PlannedStudy:
    compared = bool(known and known["comparison_people"])
    sites = known["number_of_sites"] if known else 0
    per_site = known["pilot_people"] / sites if known and sites and known["pilot_people"] else PEOPLE_PER_SITE
    planned = study.protocol.planning.site_spread_pct
    spread = planned if stated.site_spread_pct is None else stated.site_spread_pct
    return PlannedStudy(
        pilot_people=known["pilot_people"] if known and compared else None,
        comparison_per_pilot=known["comparison_people"] / known["pilot_people"]
        if known and compared
        else float(study.protocol.comparison.ratio),
        months=_months(study, known),
        people_per_site=stated.people_per_site or per_site,
        site_spread_pct=spread,
        years_before=known["years_before"] if known else None,
        sites=known["sites"] if known else _registered_sites(study),
    )


def _registered_sites(study: Study) -> int | None:
    """The sites of sites.csv where the headline will be the mean across them."""
    return study.sites.height if study.protocol.sites_as == RANDOM and study.sites.height > 1 else None


def _months(study: Study, known: Row | None) -> float:
    """Months of follow-up that the data allow, else those of the protocol."""
    years = known["follow_up_years"] if known else 0
    return 12 * years if years > 0 else float(study.protocol.periods.follow_up_months)


def _verdict(study: Study, there: PlannedStudy, found: Plan) -> str:
    if there.pilot_people is None or found.power is None:
        return "Not known: there is nobody yet who is compared."
    fall = found.minimum_detectable_change_pct
    smallest = "no fall would be found" if fall is None else f"the smallest fall found is {fall:.1f}%"
    people = shown(there.pilot_people, study.protocol.disclosure)
    word = "Yes" if found.is_evaluable else "Not yet"
    return (
        f"{word}: with {people} pilot people and {there.months:.1f} months {smallest}; the smallest worthwhile change "
        f"is found with a probability of {100 * found.power:.0f}%{_across(there)}."
    )


def _across(there: PlannedStudy) -> str:
    if there.sites is None:
        return ""
    return f", of the mean across {there.sites} sites whose effects differ by {there.site_spread_pct:g}%"


def _needs(study: Study, there: PlannedStudy, found: Plan) -> str:
    per_site = shown(there.people_per_site, study.protocol.disclosure)
    if there.pilot_people is None:
        months = ""
    elif found.months is None:
        months = "; with the people there are, not even ten years of follow-up are enough"
    else:
        months = f"; with the people there are, {found.months} months of follow-up"
    sites = "more than a thousand sites" if found.sites is None else f"{found.sites} sites"
    others = f"each with {there.comparison_per_pilot:.1f} comparison people in effect"
    followed = f"pilot people followed for {there.months:.1f} months, {others}"
    people = f"more than these {there.sites} sites: no number of {followed}, is enough"
    if found.people is not None:
        people = f"{found.people:,} {followed}"
    return (
        f"Needed: {people}{months}. To know what other sites may expect: "
        f"{sites} of {per_site} people whose effects differ by {there.site_spread_pct:g}%."
    )


def _assumed(study: Study, known: Mapping[str, Row], stated: Assumptions) -> list[str]:
    lines = ["Not allowed for: what covariates explain (fewer people), deaths and moves (more people)."]
    if stated.site_spread_pct is None:
        spread = study.protocol.planning.site_spread_pct
        where = "planning.site_spread_pct, --site-spread"
        lines.append(f"Assumed, without a source: sites' effects differ by {spread:g}% ({where}).")
    if stated.people_per_site is None and not known:
        lines.append(f"People per site: {PEOPLE_PER_SITE_SOURCE} (--people-per-site).")
    if not known:
        lines.append("Nothing is known of this study's people yet: icp design STUDY, then plan again.")
    return lines


def _expected_power(study: Study) -> Mapping[str, Row]:
    """The rows of `expected_power` for all sites by metric: of the working file, else of the published one."""
    for path in (study.output / WORKING_FILE, study.published / "evaluation.duckdb"):
        if not path.is_file():
            continue
        try:
            with duckdb.connect(path, read_only=True) as connection:
                rows = connection.execute(_QUERY, [ALL_SITES]).pl()
        except (duckdb.CatalogException, duckdb.BinderException):
            continue
        except duckdb.IOException:
            raise IcpError(f"{path.name}: another program has it open", "wait until that run has ended") from None
        return {row["metric_id"]: row for row in rows.iter_rows(named=True)}
    return {}
