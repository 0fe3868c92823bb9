"""Effects of the pilot on rates and shares: levels, changes and intervals, with what they assume."""

from evaluation.estimation.arms import Arm
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation
from evaluation.estimation.controlled import controlled_estimates
from evaluation.estimation.defaults import with_defaults
from evaluation.estimation.effects import Effect, rate_effect
from evaluation.estimation.estimates import METRIC_ESTIMATES, metric_estimates
from evaluation.estimation.metrics import ALL_SITES, CASE_MANAGEMENT, Metric, population_words, site_populations
from evaluation.estimation.published import comparison_with_published
from evaluation.estimation.record_quality import record_quality_cautions
from evaluation.estimation.robustness import robustness
from evaluation.estimation.sensitivity_estimates import sensitivity_estimates
from evaluation.estimation.survey_items import survey_item_estimates

__all__ = [
    "ALL_SITES",
    "CASE_MANAGEMENT",
    "METRIC_ESTIMATES",
    "Arm",
    "ComparedPeople",
    "ComparedPopulation",
    "Effect",
    "Metric",
    "comparison_with_published",
    "controlled_estimates",
    "metric_estimates",
    "population_words",
    "rate_effect",
    "record_quality_cautions",
    "robustness",
    "sensitivity_estimates",
    "site_populations",
    "survey_item_estimates",
    "with_defaults",
]
