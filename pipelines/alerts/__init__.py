"""Alerts: a message for each problem that is new, worse or over, on every channel, and none twice."""

from pipelines.alerts.problems import DIED, Problem, problems_of
from pipelines.alerts.reporting import report_problems

__all__ = ["DIED", "Problem", "problems_of", "report_problems"]
