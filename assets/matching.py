"""Matching: who is compared with whom, with which weights, and how alike that makes them; no outcome is read."""

import dagster as dg

from evaluation.planning import expected_power as power_before_outcomes
from evaluation.planning import target_trial as trial_in_words
from pipelines.comparison import found_design
from pipelines.emulation import emulated_trial
from pipelines.faults import guarded
from pipelines.freezing import frozen_tables
from pipelines.frozen_people import with_ids_of_today
from pipelines.implied_bias import implied_biases
from pipelines.parameters import DESIGN_STAGE
from pipelines.planned import planned_comparisons, planned_outcomes
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

TABLES = {
    "comparison_designs": "How comparison people were found for each population, and what to know of it.",
    "matched_pairs": "Which comparison people were matched to which pilot person.",
    "comparison_weights": "Weights under which comparison people have the pilot people's history, by population.",
    "covariate_balance": "How alike pilot and comparison people are, before and after matching and weighting.",
    "unmatched_cases": "How the pilot people who found no match differ from those who did.",
    "design_people": "The people compared, with the covariates they were compared by.",
}
READ = ("comparison_candidates", "comparison_cohort", "covariates", "predictive_risks", "sites", "people")
DESIGN = (*TABLES, "target_trial", "expected_power", "implied_bias")
PUBLISHED = tuple(name for name in DESIGN if name != "design_people")


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in READ],
            description=description,
            group_name="matching",
            kinds={"polars"},
        )
        for name, description in TABLES.items()
    ]
)
@guarded
def comparison(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Pairs, weights and balance, settled before any outcome is read: those that were frozen, else found anew."""
    frozen = None if context.run.job_name == DESIGN_STAGE else frozen_tables(study)
    tables = with_ids_of_today(frozen, warehouse) if frozen else found_design(warehouse, study.protocol)
    for name in TABLES:
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, tables[name]))


@dg.asset(deps=["comparison_designs", "people"], group_name="matching", kinds={"polars"})
@guarded
def target_trial(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """The trial that the study would be, element by element, and what the data do in its place."""
    found = trial_in_words(emulated_trial(warehouse, study))
    return dg.MaterializeResult(metadata=written(warehouse, "target_trial", found))


@dg.asset(
    deps=[*TABLES, "sites", "people", "earlier_baselines"],
    group_name="matching",
    kinds={"polars"},
)
@guarded
def expected_power(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """What change in each outcome of the protocol the design can find, from use before the index date alone."""
    found = power_before_outcomes(
        planned_comparisons(warehouse, study.protocol),
        outcomes=planned_outcomes(study),
        earlier=warehouse.read("earlier_baselines"),
    )
    return dg.MaterializeResult(metadata=written(warehouse, "expected_power", found))


@dg.asset(
    deps=[*TABLES, "sites", "people", "placebo_covariates", "placebo_use", "covariates_as_at_placebo"],
    group_name="matching",
    kinds={"polars"},
)
@guarded
def implied_bias(warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]) -> dg.MaterializeResult:
    """How far recorded history alone sets the groups' expected rates apart, by outcome, population and stage."""
    return dg.MaterializeResult(metadata=written(warehouse, "implied_bias", implied_biases(warehouse, study)))
