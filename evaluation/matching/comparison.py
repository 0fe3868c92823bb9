"""The design stage: from covariates to matched pairs, balancing weights and balance, without any outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from evaluation.matching.balance import COVARIATE_BALANCE, covariate_balance
from evaluation.matching.covariates import (
    covariates_of_pairs,
    in_order,
    known_covariates,
    regression_terms,
    terms_of,
)
from evaluation.matching.matched import LOGIT, Matched, matched_pairs
from evaluation.matching.pairs import matched_estimand, matching_weights
from evaluation.matching.planned_care import planned_care_left_open
from evaluation.matching.pool import sampled_pool, with_draws
from evaluation.matching.populations import AFTER_MATCHING, AFTER_WEIGHTING, BEFORE, Population
from evaluation.matching.registers import register_caution
from evaluation.matching.settings import Settings
from evaluation.matching.subgroups import subgroup_populations
from evaluation.matching.terms import Terms
from evaluation.matching.unmatched import UNMATCHED_CASES, unmatched_cases
from evaluation.matching.weighted import Weighted, balanced_weights
from evaluation.matching.words import (
    BY_WEIGHTS_ALONE,
    MANY_UNMATCHED,
    SUBGROUP,
    balance_caution,
    missing_caution,
    pool_caution,
)

ALL = "all_sites"
WEIGHTS = {"population": pl.String(), "person_id": pl.String(), "weight": pl.Float64()}
DESIGNS = {
    "population": pl.String(),
    "pool": pl.String(),
    "pilot_people": pl.Int64(),
    "comparison_people": pl.Int64(),
    "sampled_people": pl.Int64(),
    "has_weights": pl.Boolean(),
    "weighted_covariates": pl.String(),
    "has_interactions": pl.Boolean(),
    "effective_comparison_people": pl.Float64(),
    "pilot_people_matched": pl.Int64(),
    "exact": pl.String(),
    "caliper": pl.Float64(),
    "matched_covariates": pl.String(),
    "adjusted_covariates": pl.String(),
    "matching_method": pl.String(),
    "with_replacement": pl.Boolean(),
    "weighting_caution": pl.String(),
    "matching_caution": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that is settled before outcomes are read, as tables.

    Columns: `pairs` `PAIRS` and the cases' `index_date`; `weights` `WEIGHTS`; `balance` `COVARIATE_BALANCE`;
    `designs` `DESIGNS`, one row per population; `unmatched` `UNMATCHED_CASES`.
    """

    pairs: pl.DataFrame
    weights: pl.DataFrame
    balance: pl.DataFrame
    designs: pl.DataFrame
    unmatched: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A population: its cases, the `person_id` of its sampled pool, the weights found for it.

    A subgroup (`is_subgroup`) has a pool of its own kind of people, and no pairs.
    """

    name: str
    cases: pl.DataFrame
    pool: pl.DataFrame
    weighted: Weighted
    is_subgroup: bool = False


def compare(cohort: pl.DataFrame, *, site_populations: pl.DataFrame, settings: Settings) -> Comparison:
    """Pairs, weights and balance for everybody and for the parts in `site_populations` (`population`, `site_id`).

    `cohort`: one row per person with `is_treated`, `site_id`, `pool` and the covariates at the index date; the pool is
    whoever is not treated. Each population has weights of its own; pairs are found once and divided among sites.
    Columns `subgroup_<name>` (see `with_subgroups`) make a population of each value, with weights of its own against
    people of the same value, and without pairs, which may cross values. Where there
    are too few cases for the covariates, later ones in their order are left out; where there are no weights or
    pairs, the tables have none and `designs` says why. Raises nothing for what people are like, but `TooLargeError`
    where optimal pairs are asked for and too many people are alike.
    """
    ordered = with_draws(cohort, seed=settings.seed)
    known = known_covariates(ordered, settings.covariates)
    parts = list(_parts(ordered, site_populations, known))
    sample = ordered.join(parts[0].pool, on="person_id", how="semi", maintain_order="left")
    matched = matched_pairs(ordered, sample=sample, covariates=covariates_of_pairs(known), settings=settings)
    shown = (*known_covariates(ordered, settings.shown_where_known), *([LOGIT] if matched.logits.height else []))
    scored = ordered.join(matched.logits, on="person_id", how="left", maintain_order="left")
    balance = _balance(scored, parts, matched, terms=terms_of(known), where_known=shown)
    missing = missing_caution([name for name in settings.covariates if name not in known])
    pool = ordered.filter(~pl.col("is_treated"))["pool"]
    paired = _people_in_pairs(ordered, matched.pairs)
    rows = [
        _design(part, matched, balance, pool, paired, known, missing)
        | {"matching_method": settings.method, "with_replacement": settings.with_replacement}
        for part in parts
    ]
    return Comparison(
        pairs=matched.pairs.join(
            ordered.select(pl.col("person_id").alias("case_id"), "index_date"), on="case_id", how="left"
        ),
        weights=pl.concat([part.weighted.frame(part.name) for part in parts]).cast(pl.Schema(WEIGHTS)),
        balance=balance,
        designs=pl.DataFrame(rows, schema=DESIGNS, orient="row"),
        unmatched=_unmatched(ordered, matched, known),
    )


def _parts(ordered: pl.DataFrame, site_populations: pl.DataFrame, known: Sequence[str]) -> Iterator[_Part]:
    cases, pool = ordered.filter("is_treated"), ordered.filter(~pl.col("is_treated"))
    members = site_populations.group_by("population", maintain_order=True).agg("site_id").iter_rows()
    theirs = {name: cases.filter(pl.col("site_id").is_in(site_ids)) for name, site_ids in members}
    for name, people in ({ALL: cases} | theirs).items():
        sample = sampled_pool(pool, people)
        weighted = balanced_weights(people, sample, covariates=known)
        yield _Part(name=name, cases=people, pool=sample.select("person_id"), weighted=weighted)
    for name, belongs in subgroup_populations(cases):
        people = cases.filter(belongs)
        sample = sampled_pool(pool.filter(belongs), people)
        weighted = balanced_weights(people, sample, covariates=known)
        yield _Part(name=name, cases=people, pool=sample.select("person_id"), weighted=weighted, is_subgroup=True)


def _pairs_of(part: _Part, pairs: pl.DataFrame) -> pl.DataFrame:
    if part.is_subgroup:
        return pairs.clear()
    return pairs.join(part.cases.select(pl.col("person_id").alias("case_id")), on="case_id", how="semi")


def _balance(
    ordered: pl.DataFrame, parts: list[_Part], matched: Matched, *, terms: Terms, where_known: Sequence[str]
) -> pl.DataFrame:
    used = pl.concat(
        [parts[0].cases["person_id"], matched.pairs["control_id"], *(part.pool["person_id"] for part in parts)]
    )
    people = ordered.join(used.unique().to_frame("person_id"), on="person_id", how="semi")
    if not terms.covariates or not people["is_treated"].any() or people["is_treated"].all():
        return pl.DataFrame(schema=COVARIATE_BALANCE)
    populations = [_population(part, matched) for part in parts]
    return covariate_balance(people, terms=terms, populations=populations, where_known=where_known)


def _population(part: _Part, matched: Matched) -> Population:
    weightings = {BEFORE: part.pool.select("person_id", weight=pl.lit(1.0))}
    pairs = _pairs_of(part, matched.pairs)
    if pairs.height:
        weightings[AFTER_MATCHING] = matching_weights(pairs)
    if part.weighted.weights.height:
        cases = part.cases.select("person_id", weight=pl.lit(1.0))
        weightings[AFTER_WEIGHTING] = pl.concat([cases, part.weighted.weights])
    return Population(name=part.name, weightings=weightings, case_ids=part.cases["person_id"], is_part=part.name != ALL)


def _people_in_pairs(people: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    ids = pl.concat([pairs["case_id"], pairs["control_id"]]).unique()
    return people.join(ids.to_frame("person_id"), on="person_id", how="semi")


def _used_in_pairs(
    people: pl.DataFrame, pairs: pl.DataFrame, matched: Matched, known: Sequence[str]
) -> tuple[str, ...]:
    """What pairs are equal or alike in, and what their regression adjusts for; nothing without pairs."""
    if pairs.is_empty():
        return ()
    adjusted = regression_terms(people, known, cases=pairs["case_id"].n_unique()).covariates
    return (*matched.exact, *matched.terms.covariates, *adjusted)


def _design(
    part: _Part,
    matched: Matched,
    balance: pl.DataFrame,
    pool: pl.Series,
    paired: pl.DataFrame,
    known: Sequence[str],
    missing: str,
) -> dict[str, object]:
    # The propensity score shows overlap: what differs in it differs in covariates, which cautions name.
    theirs = balance.filter(pl.col("population") == part.name, pl.col("covariate") != LOGIT)
    start = (SUBGROUP if part.is_subgroup else "", pool_caution(pool.unique().to_list()), missing)
    balanced = in_order(known, part.weighted.terms)
    weighting = (
        *start,
        register_caution(part.cases, balanced),
        part.weighted.caution,
        balance_caution(theirs, AFTER_WEIGHTING),
    )
    pairs = _pairs_of(part, matched.pairs)
    people_in_pairs = _people_in_pairs(paired, pairs)
    many = matched_estimand(part.cases, pairs).loses_too_many if pairs.height else False
    matching = (
        *start,
        register_caution(part.cases, _used_in_pairs(people_in_pairs, pairs, matched, known)),
        BY_WEIGHTS_ALONE if part.is_subgroup else matched.caution,
        MANY_UNMATCHED if many else "",
        planned_care_left_open(people_in_pairs, pairs, known=known, matched=matched.terms.covariates),
        balance_caution(theirs, AFTER_MATCHING, apart_from=set(known) - set(covariates_of_pairs(known))),
    )
    return {
        "population": part.name,
        "pool": ", ".join(pool.unique().sort()),
        "pilot_people": part.cases.height,
        "comparison_people": pool.len(),
        "sampled_people": part.pool.height,
        "has_weights": part.weighted.weights.height > 0,
        "weighted_covariates": ", ".join(balanced),
        "has_interactions": bool(part.weighted.terms.interactions),
        "effective_comparison_people": part.weighted.effective_people,
        "pilot_people_matched": pairs["case_id"].n_unique(),
        "exact": ", ".join(matched.exact),
        "caliper": matched.caliper,
        "matched_covariates": ", ".join(in_order(known, matched.terms)),
        "adjusted_covariates": ", ".join(known) if pairs.height else "",
        "weighting_caution": " ".join(sentence for sentence in weighting if sentence),
        "matching_caution": " ".join(sentence for sentence in matching if sentence),
    }


def _unmatched(ordered: pl.DataFrame, matched: Matched, known: Sequence[str]) -> pl.DataFrame:
    if not known or not ordered["is_treated"].any():
        return pl.DataFrame(schema=UNMATCHED_CASES)
    return unmatched_cases(ordered, terms=terms_of(known), pairs=matched.pairs)
