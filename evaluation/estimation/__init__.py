"""Effects of the pilot on rates and shares: levels, changes and intervals, with what they assume."""

from evaluation.estimation.across_sites import SITE_EFFECTS, SITE_POOLING, AcrossSites, across_sites
from evaluation.estimation.added_cautions import with_caution
from evaluation.estimation.after_index import UseAfterIndex
from evaluation.estimation.area_estimates import PILOT_ROLES, SYNTHETIC_WEIGHTS, AreaEstimates, area_estimates
from evaluation.estimation.area_event_study import AREA_EVENT_STUDY
from evaluation.estimation.area_trend_bounds import AREA_TREND_BOUNDS
from evaluation.estimation.arms import Arm
from evaluation.estimation.bias_cautions import with_bias_cautions
from evaluation.estimation.brackets import with_brackets
from evaluation.estimation.carried_forward import with_carried_forward
from evaluation.estimation.cautions import NOT_FROZEN
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation
from evaluation.estimation.controlled import controlled_estimates
from evaluation.estimation.cumulative_counts import counted_over_time
from evaluation.estimation.defaults import with_defaults
from evaluation.estimation.effects import Effect, rate_effect
from evaluation.estimation.estimates import METRIC_ESTIMATES, metric_estimates
from evaluation.estimation.event_study import UNKNOWN, PersonMonths
from evaluation.estimation.families import with_adjusted_p_values
from evaluation.estimation.horizons import ESTIMATES_BY_HORIZON, Horizon, estimates_by_horizon
from evaluation.estimation.interactions import SUBGROUP_INTERACTIONS, subgroup_interactions
from evaluation.estimation.interim import Look, look_at, with_look
from evaluation.estimation.lead_changes import with_lead_cautions
from evaluation.estimation.metrics import ALL_SITES, CASE_MANAGEMENT, Metric, population_words, site_populations
from evaluation.estimation.mortality_cautions import with_mortality_cautions, with_mortality_cautions_of_values
from evaluation.estimation.over_time import OverTime, over_time
from evaluation.estimation.published import comparison_with_published
from evaluation.estimation.record_quality import record_quality_cautions, with_site_quality_cautions
from evaluation.estimation.robustness import robustness
from evaluation.estimation.sensitivity_estimates import sensitivity_estimates
from evaluation.estimation.site_moderators import SITE_MODERATORS, site_moderators
from evaluation.estimation.statements import EFFECT_STATEMENTS, effect_statements
from evaluation.estimation.survey_items import survey_item_estimates

__all__ = [
    "ALL_SITES",
    "AREA_EVENT_STUDY",
    "AREA_TREND_BOUNDS",
    "CASE_MANAGEMENT",
    "EFFECT_STATEMENTS",
    "ESTIMATES_BY_HORIZON",
    "METRIC_ESTIMATES",
    "NOT_FROZEN",
    "PILOT_ROLES",
    "SITE_EFFECTS",
    "SITE_MODERATORS",
    "SITE_POOLING",
    "SUBGROUP_INTERACTIONS",
    "SYNTHETIC_WEIGHTS",
    "UNKNOWN",
    "AcrossSites",
    "AreaEstimates",
    "Arm",
    "ComparedPeople",
    "ComparedPopulation",
    "Effect",
    "Horizon",
    "Look",
    "Metric",
    "OverTime",
    "PersonMonths",
    "UseAfterIndex",
    "across_sites",
    "area_estimates",
    "comparison_with_published",
    "controlled_estimates",
    "counted_over_time",
    "effect_statements",
    "estimates_by_horizon",
    "look_at",
    "metric_estimates",
    "over_time",
    "population_words",
    "rate_effect",
    "record_quality_cautions",
    "robustness",
    "sensitivity_estimates",
    "site_moderators",
    "site_populations",
    "subgroup_interactions",
    "survey_item_estimates",
    "with_adjusted_p_values",
    "with_bias_cautions",
    "with_brackets",
    "with_carried_forward",
    "with_caution",
    "with_defaults",
    "with_lead_cautions",
    "with_look",
    "with_mortality_cautions",
    "with_mortality_cautions_of_values",
    "with_site_quality_cautions",
]
