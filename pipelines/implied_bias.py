"""From the tables of the design stage to the gate on bias: scores of an earlier cohort for the people compared."""

from collections.abc import Iterator

import polars as pl

from evaluation.estimation import ALL_SITES
from evaluation.matching import (
    MatchingError,
    Population,
    ScoredOutcome,
    earlier_cohort_scores,
    implied_bias,
    matching_weights,
    tolerated_bias,
)
from evaluation.matching.populations import AFTER_MATCHING, AFTER_WEIGHTING, BEFORE
from evaluation.planning import PlannedOutcome
from pipelines.comparison import PAIRS_COLUMNS, is_subgroup, whose_population
from pipelines.planned import DAYS_PER_YEAR, planned_outcomes
from pipelines.risk_columns import history_covariates
from pipelines.study import Study
from pipelines.warehouse import Warehouse


def implied_biases(warehouse: Warehouse, study: Study) -> pl.DataFrame:
    """Rows of `implied_bias`: each population and stage of the design, and each count of events among the outcomes.

    Scores are fitted on the comparison people at their placebo index date and on their use after it. People who have
    no index date any more as they were compared by (under a frozen design) are left out.
    """
    at_index = warehouse.read("covariates_as_at_placebo")
    known = warehouse.read("design_people").join(at_index, on="person_id", how="semi")
    others = known.select("person_id", *(name for name in known.columns if name not in at_index.columns))
    at_index = at_index.join(others, on="person_id")
    earlier = _earlier(warehouse, others)
    counted = [one for one in planned_outcomes(study) if one.is_count]
    outcomes = [_scored(one, at_index, earlier, study) for one in counted]
    return implied_bias(known, outcomes=outcomes, populations=list(_populations(warehouse, known)))


def _earlier(warehouse: Warehouse, others: pl.DataFrame) -> pl.DataFrame:
    """Comparison people at their placebo index date, with use after it; what does not depend on the date as it is."""
    people = warehouse.read("placebo_covariates").filter(~pl.col("is_treated"))
    use = warehouse.read("placebo_use").with_columns(person_years=pl.col("person_days") / DAYS_PER_YEAR)
    return people.join(others, on="person_id").join(use, on="person_id")


def _scored(one: PlannedOutcome, at_index: pl.DataFrame, earlier: pl.DataFrame, study: Study) -> ScoredOutcome:
    comparison, events = study.protocol.comparison, earlier.with_columns(pl.col(one.metric_id).alias("events"))
    known = [name for name in history_covariates(study.protocol) if name in at_index.columns]
    scores, reason = None, ""
    try:
        scores = earlier_cohort_scores(
            at_index, earlier=events, covariates=known, seed=comparison.seed, whose="record_person_id"
        )
    except MatchingError as error:
        reason = str(error)
    return ScoredOutcome(
        metric_id=one.metric_id,
        label=one.label,
        scores=scores,
        tolerated_bias=tolerated_bias(one.smallest_worthwhile_change_pct),
        reason=reason,
    )


def _populations(warehouse: Warehouse, known: pl.DataFrame) -> Iterator[Population]:
    """Each population of the design with the weights of its stages; before them, people as in `equal_weights`."""
    cases, others = known.filter("is_treated"), known.filter(~pl.col("is_treated"))
    belongs = whose_population(warehouse, cases)
    pairs = warehouse.read("matched_pairs").rename({ours: name for name, ours in PAIRS_COLUMNS.items()})
    for arm in ("case_id", "control_id"):
        pairs = pairs.join(known, left_on=arm, right_on="person_id", how="semi")
    for name in warehouse.read("comparison_designs")["population"]:
        theirs = cases.filter(belongs.get(name, pl.lit(value=False)))["person_id"]
        query = "select person_id, weight from comparison_weights where population = ? order by person_id"
        weights = warehouse.connection.execute(query, [name]).pl().join(known, on="person_id", how="semi")
        their_pairs = pairs.filter(pl.col("case_id").is_in(theirs.implode()))
        has_pairs = not is_subgroup(name) and their_pairs.height > 0
        weightings = {BEFORE: equal_weights(weights, others=others if has_pairs else others.clear())}
        if has_pairs:
            weightings[AFTER_MATCHING] = matching_weights(their_pairs)
        if weights.height:
            weightings[AFTER_WEIGHTING] = pl.concat([theirs.to_frame().with_columns(weight=pl.lit(1.0)), weights])
        yield Population(name=name, weightings=weightings, case_ids=theirs, is_part=name != ALL_SITES)


def equal_weights(weights: pl.DataFrame, *, others: pl.DataFrame) -> pl.DataFrame:
    """`person_id`, `weight` before matching and weighting: whoever has a weight, each alike.

    Of a population without weights (no rows) it is everyone of `others`: the comparison people of the whole design,
    from whom its pairs are.
    """
    people = weights if weights.height else others
    return people.select("person_id", weight=pl.lit(1.0))
