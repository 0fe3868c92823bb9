"""What is made: Dagster assets and checks, one module a layer; each reads, calls one function, writes."""

from assets.areas import area_effects
from assets.earlier_cohort import covariates_as_at_placebo, placebo_covariates, placebo_use, predictive_risks
from assets.effects import effect_statements, effects_across_sites, site_moderators, subgroup_interactions
from assets.estimates import (
    before_after_estimates,
    comparison_with_published,
    controlled_estimates,
    estimates_by_horizon,
    metric_estimates,
    published_results,
    survey_estimates,
)
from assets.intermediate import INTERMEDIATE
from assets.lake import EXTRACTS, read_deliveries
from assets.ledger import books_balance, deliveries, no_delivery_refused, pilot_people_are_linked
from assets.marts import MARTS
from assets.matching import comparison, expected_power, implied_bias, target_trial
from assets.over_time import over_time
from assets.parameters import code_list_tables, protocol_amendments, study_parameters
from assets.publishing import code_lists, published, runs
from assets.quality import (
    current_run,
    data_quality_counts,
    data_quality_history,
    data_quality_limits,
    quality_rules,
)
from assets.sensitivity import robustness, sensitivity_estimates
from assets.staging import STAGING

ALL_ASSETS = [
    study_parameters,
    code_list_tables,
    protocol_amendments,
    *EXTRACTS,
    read_deliveries,
    *STAGING,
    *INTERMEDIATE,
    *MARTS,
    predictive_risks,
    deliveries,
    current_run,
    data_quality_counts,
    data_quality_limits,
    data_quality_history,
    comparison,
    target_trial,
    placebo_covariates,
    placebo_use,
    covariates_as_at_placebo,
    expected_power,
    implied_bias,
    survey_estimates,
    before_after_estimates,
    controlled_estimates,
    over_time,
    area_effects,
    estimates_by_horizon,
    metric_estimates,
    effect_statements,
    effects_across_sites,
    subgroup_interactions,
    site_moderators,
    published_results,
    comparison_with_published,
    sensitivity_estimates,
    robustness,
    code_lists,
    runs,
    published,
]
ALL_CHECKS = [books_balance, no_delivery_refused, pilot_people_are_linked, quality_rules]
