"""Estimates: how far each metric moved, by population and design, and beside what others published."""

import dagster as dg

from evaluation.estimation import comparison_with_published as beside_published
from evaluation.estimation import metric_estimates as estimate_metrics
from evaluation.estimation import site_populations, survey_item_estimates
from evaluation.surveys import survey_estimates as estimate_surveys
from pipelines.metrics import activity_metrics, survey_metrics
from pipelines.published import load_published_results
from pipelines.study import Study
from pipelines.warehouse import Warehouse
