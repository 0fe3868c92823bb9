"""The weighted people of a run, and of each analysis that differs from its plan in one respect."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from evaluation.estimation import ALL_SITES, ComparedPeople
from evaluation.estimation.cautions import join, no_estimate
from evaluation.estimation.censoring import reweighted_for_enrolment
from evaluation.estimation.variants import (
    AS_PLANNED,
    DOUBTFUL_DEATHS_LEFT_OUT,
    HIDDEN_GROUP,
    LATER_ENROLLED_REWEIGHTED,
    LATER_ENROLLED_UNCENSORED,
    LOCAL,
    LOCAL_POOL,
    OTHER_SPELL_RULE,
    PLACEBO_INDEX_DATE,
    PLAN_IN_SAMPLE,
    PROVIDER_LEFT_OUT,
    SITE_LEFT_OUT,
    Variant,
)
from evaluation.matching import MatchedEstimand, Terms
from evaluation.matching.gap import with_gap
from evaluation.matching.hidden import groups_of, without_group, without_risks
from evaluation.matching.pool import DRAW, sampled_pool, with_draws
from evaluation.matching.weighted import weights_of
from evaluation.matching.words import pool_caution
from evaluation.regression import NotEstimableError
from pipelines.comparison import comparison_cohort, weighted_people, weighted_terms
from pipelines.later_enrolment import later_enrolment
from pipelines.overlap import overlap_variant
from pipelines.protocol import Protocol
from pipelines.spell_rules import follow_up_by_other_rules
from pipelines.warehouse import Warehouse

MOST_CASES = 5_000
SAMPLED = "The shift is that of a sample of the pilot people, the interval that of the plan."
PLACEBO_IN_SAMPLE = "Of a sample of the pilot people."
NO_RISK_THEN = "Weighted without the predictive risk, which is made of the months that are tested here."
LOCAL_POOLS = ("local", "pilot_practices")
REWEIGHTED = "A comparison person's day counts up to {largest:.1f} times for those like them who had enrolled by then."


def planned_design(warehouse: Warehouse) -> Mapping[str, Any] | None:
    """The row of `comparison_designs` of all pilot people; None where no weights were found for them."""
    designs = warehouse.read("comparison_designs").filter(pl.col("population") == ALL_SITES, "has_weights")
    return next(designs.iter_rows(named=True), None)


def worthwhile_changes(protocol: Protocol) -> dict[str, float]:
    """The smallest worthwhile change in percent of each outcome that names one."""
    changes = {outcome.metric: outcome.smallest_worthwhile_change_pct for outcome in protocol.outcomes}
    return {metric: change for metric, change in changes.items() if change is not None}


def sensitivity_variants(
    warehouse: Warehouse, protocol: Protocol, *, most_cases: int = MOST_CASES
) -> Iterator[Variant]:
    """The plan; comparison people who enrol later followed on, and those who don't standing for them; groups of
    covariates hidden; sites, doubtful deaths and people of providers whose recording changed left out; the local pool;
    a placebo index date; the other spell rules; the overlap population, where pairs lose over a tenth of the cases.

    One at a time, with weights sought anew among the people of the design wherever people or covariates differ.
    Of more than `most_cases` pilot people, groups and sites are tried in a sample. Nothing where no weights were found
    as planned; nobody is left out where nobody who is compared has such a death or provider; no local pool where
    nobody is in it, or it is the design's own.
    """
    design = planned_design(warehouse)
    if design is None:
        return
    terms = weighted_terms(design)
    compared = with_draws(warehouse.read("design_people"), seed=protocol.comparison.seed)
    cases = compared.filter("is_treated")
    query = "select person_id, weight from comparison_weights where population = ?"
    weights = warehouse.connection.execute(query, [ALL_SITES]).pl()
    pool = compared.join(weights, on="person_id", how="semi", maintain_order="left")
    planned = weighted_people(cases, pool.join(weights, on="person_id"), terms=terms)
    yield Variant(analysis=AS_PLANNED, people=planned)
    yield from _later_enrolled("", planned, compared, warehouse)
    yield from _many_variants(cases, pool, terms, most_cases)
    doubtful = warehouse.read("people").filter("is_death_link_doubtful").select("person_id")
    yield from _left_out(DOUBTFUL_DEATHS_LEFT_OUT, "both_arms", doubtful, cases, pool, terms)
    changed = warehouse.read("recording_changes")["provider_code"].unique().sort()
    theirs = warehouse.read("usual_providers").filter(pl.col("provider_code").is_in(changed.implode()))
    yield from _left_out(PROVIDER_LEFT_OUT, ", ".join(changed), theirs.select("person_id"), cases, pool, terms)
    if not set(LOCAL_POOLS) & set(design["pool"].split(", ")):
        local = comparison_cohort(warehouse, protocol, pools=LOCAL_POOLS)
        planned_or_other = ~pl.col("is_treated") | pl.col("person_id").is_in(cases["person_id"].implode())
        yield from _local(warehouse, local.filter(planned_or_other), terms, protocol.comparison.seed)
    yield from _placebo(warehouse, cases, pool, terms, most_cases)
    for rule, counts in follow_up_by_other_rules(warehouse):
        yield Variant(analysis=OTHER_SPELL_RULE, variant=rule, people=planned, counts=counts)
    if MatchedEstimand(cases=cases.height, matched=design["pilot_people_matched"]).loses_too_many:
        yield overlap_variant(pl.concat([cases, pool]), terms)


def _many_variants(cases: pl.DataFrame, pool: pl.DataFrame, terms: Terms, most_cases: int) -> Iterator[Variant]:
    """Groups hidden and sites left out: of very many cases in a sample, the lowest draws, with its own plan first."""
    is_sample = cases.height > most_cases
    if is_sample:
        cases = cases.bottom_k(most_cases, by=[DRAW, "person_id"])
        pool = sampled_pool(pool, cases)
        yield _variant(PLAN_IN_SAMPLE, "", cases, pool, terms)
    sites = cases["site_id"].unique().sort()
    tried = [
        *((HIDDEN_GROUP, group, cases, without_group(terms, group)) for group in groups_of(terms)),
        *((SITE_LEFT_OUT, site, cases.filter(pl.col("site_id") != site), terms) for site in sites if sites.len() > 1),
    ]
    for analysis, variant, people, own_terms in tried:
        found = _variant(analysis, variant, people, pool, own_terms)
        yield replace(found, is_of_sample=is_sample, caution=SAMPLED if is_sample else "")


def _left_out(
    analysis: str, variant: str, people: pl.DataFrame, cases: pl.DataFrame, pool: pl.DataFrame, terms: Terms
) -> Iterator[Variant]:
    """Both arms without `people`; nothing where none of them is compared."""
    arms = [arm.join(people, on="person_id", how="anti", maintain_order="left") for arm in (cases, pool)]
    if arms[0].height + arms[1].height < cases.height + pool.height:
        yield _variant(analysis, variant, arms[0], arms[1], terms)


def _placebo(
    warehouse: Warehouse, cases: pl.DataFrame, pool: pl.DataFrame, terms: Terms, most_cases: int
) -> Iterator[Variant]:
    """The people observed on both dates as they were at the earlier one; of very many cases a sample.

    Nothing where the months before the placebo date are not known of anybody. A predictive risk is left out: it is
    made of the months that are tested here.
    """
    earlier = warehouse.read("placebo_covariates")
    if earlier["emergency_admissions_12_months"].is_null().all():
        return
    of_the_date = without_risks(terms)
    unmoved = [DRAW, *(name for name in of_the_date.covariates if name not in earlier.columns)]
    both = pl.concat([cases, pool]).select("person_id", *unmoved)
    cohort = earlier.join(both, on="person_id", how="inner").sort("person_id")
    theirs, others = cohort.filter("is_treated"), cohort.filter(~pl.col("is_treated"))
    is_sample = theirs.height > most_cases
    if is_sample:
        theirs = theirs.bottom_k(most_cases, by=[DRAW, "person_id"])
        others = sampled_pool(others, theirs)
    found = _variant(PLACEBO_INDEX_DATE, "12_months_earlier", theirs, others, with_gap(of_the_date))
    caution = join(PLACEBO_IN_SAMPLE if is_sample else "", "" if of_the_date == terms else NO_RISK_THEN)
    yield replace(found, counts=warehouse.read("placebo_use"), caution=caution)


def _local(warehouse: Warehouse, cohort: pl.DataFrame, terms: Terms, seed: int) -> Iterator[Variant]:
    cases = cohort.filter("is_treated")
    pool = sampled_pool(with_draws(cohort.filter(~pl.col("is_treated")), seed=seed), cases)
    if not pool.height:
        return
    found = _variant(LOCAL_POOL, LOCAL, with_draws(cases, seed=seed), pool, terms)
    yield replace(found, caution=pool_caution([LOCAL]))
    if found.people is not None:
        for variant in _later_enrolled(LOCAL, found.people, cohort, warehouse):
            yield replace(variant, caution=join(pool_caution([LOCAL]), variant.caution))


def _later_enrolled(
    variant: str, people: ComparedPeople, cohort: pl.DataFrame, warehouse: Warehouse
) -> Iterator[Variant]:
    """Where an enrolment ends a comparison person's follow-up: as if it didn't, and as if they had not enrolled."""
    found = later_enrolment(warehouse, cohort.filter(pl.col("person_id").is_in(people.person_id.implode())))
    if found is None:
        return
    yield Variant(analysis=LATER_ENROLLED_UNCENSORED, variant=variant, people=people, counts=found.beyond)
    try:
        counted = reweighted_for_enrolment(people, follow_up=found.until, by_day=found.by_day, enrolled=found.enrolled)
    except NotEstimableError as error:
        yield Variant(analysis=LATER_ENROLLED_REWEIGHTED, variant=variant, reason=no_estimate(str(error)))
        return
    caution = REWEIGHTED.format(largest=counted.largest_weight)
    yield Variant(
        analysis=LATER_ENROLLED_REWEIGHTED, variant=variant, people=people, counts=counted.counts, caution=caution
    )


def _variant(analysis: str, variant: str, cases: pl.DataFrame, pool: pl.DataFrame, terms: Terms) -> Variant:
    found = weights_of(cases, pool, terms=terms)
    if found.weights.is_empty():
        return Variant(analysis=analysis, variant=variant, reason=found.caution)
    weighted = pool.join(found.weights, on="person_id")
    return Variant(analysis=analysis, variant=variant, people=weighted_people(cases, weighted, terms=terms))
