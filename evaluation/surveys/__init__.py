"""Surveys in two waves: shares of positive answers, their change and its interval under the sampling design."""

from evaluation.surveys.change import MeanChange, change_in_mean
from evaluation.surveys.design import Sample, SurveyDesign, linearised_variance
from evaluation.surveys.estimates import SURVEY_ESTIMATES, survey_estimates

__all__ = [
    "SURVEY_ESTIMATES",
    "MeanChange",
    "Sample",
    "SurveyDesign",
    "change_in_mean",
    "linearised_variance",
    "survey_estimates",
]
