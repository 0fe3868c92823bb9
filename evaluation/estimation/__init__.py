"""Effects of the pilot on rates and shares: levels, changes and intervals, with what they assume."""

from evaluation.estimation.arms import Arm
from evaluation.estimation.cautions import NOT_FROZEN
from evaluation.estimation.compared import ComparedPeople, ComparedPopulation
from evaluation.estimation.controlled import controlled_estimates
from evaluation.estimation.defaults import with_defaults
from evaluation.estimation.effects import Effect, rate_effect
from evaluation.estimation.estimates import METRIC_ESTIMATES, metric_estimates
from evaluation.estimation.interim import Look, look_at, with_look
from evaluation.estimation.metrics import ALL_SITES, CASE_MANAGEMENT, Metric, population_words, site_populations
from evaluation.estimation.published import comparison_with_published
from evaluation.estimation.record_quality import record_quality_cautions
from evaluation.estimation.survey_items import survey_item_estimates

__all__ = [
    "ALL_SITES",
    "CASE_MANAGEMENT",
    "METRIC_ESTIMATES",
    "NOT_FROZEN",
    "Arm",
    "ComparedPeople",
    "ComparedPopulation",
    "Effect",
    "Look",
    "Metric",
    "comparison_with_published",
    "controlled_estimates",
    "look_at",
    "metric_estimates",
    "population_words",
    "rate_effect",
    "record_quality_cautions",
    "site_populations",
    "survey_item_estimates",
    "with_defaults",
    "with_look",
]
