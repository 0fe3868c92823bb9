"""Before outcomes: how precise a comparison of rates will be, and what it takes to find a worthwhile change."""

from evaluation.planning.defaults import (
    DEFAULT_RATES,
    PEOPLE_PER_SITE,
    PEOPLE_PER_SITE_SOURCE,
    SOURCE,
)
from evaluation.planning.expected import EXPECTED_POWER, PlannedComparison, PlannedOutcome, expected_power
from evaluation.planning.needs import months_needed, people_needed, sites_needed
from evaluation.planning.plan import Plan, PlannedStudy, plan
from evaluation.planning.power import Comparison, minimum_detectable_change_pct, power
from evaluation.planning.rates import EventRate, event_rate
from evaluation.planning.target_trial import TARGET_TRIAL, Trial, target_trial

__all__ = [
    "DEFAULT_RATES",
    "EXPECTED_POWER",
    "PEOPLE_PER_SITE",
    "PEOPLE_PER_SITE_SOURCE",
    "SOURCE",
    "TARGET_TRIAL",
    "Comparison",
    "EventRate",
    "Plan",
    "PlannedComparison",
    "PlannedOutcome",
    "PlannedStudy",
    "Trial",
    "event_rate",
    "expected_power",
    "minimum_detectable_change_pct",
    "months_needed",
    "people_needed",
    "plan",
    "power",
    "sites_needed",
    "target_trial",
]
