"""Studies that never happened, with effects that are known: to show the pipeline and to test it."""

from evaluation.simulation.settings import PLANTABLE_METRICS, PilotSite, SimulationSettings, SurveyItem
from evaluation.simulation.study import FOLLOWS, SimulatedStudy, simulate_study

__all__ = [
    "FOLLOWS",
    "PLANTABLE_METRICS",
    "PilotSite",
    "SimulatedStudy",
    "SimulationSettings",
    "SurveyItem",
    "simulate_study",
]
