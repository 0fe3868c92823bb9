"""Which months before the index date a comparison used, and what a month of an event study can be evidence of."""

import re
from collections.abc import Iterable

from evaluation.estimation.metrics import Metric

CRISIS_MONTHS = 6
FOLLOW_UP, CRISIS, USED, HELD_OUT = "follow_up", "crisis_window", "used_for_matching", "held_out"
FLAT = (
    "Flat by construction, not evidence: comparison people were weighted to have the same use over months that "
    "include this one. Single months of such a window may differ."
)
IN_CRISIS = "In the bad spell of some months after which people join."
OUT_OF_SIGHT = (
    "Held out: no covariate of the weights looks at this use in this month, so a difference is one that they did not "
    "remove."
)
_ADMISSIONS = ("emergency_admissions", "elective_admissions")
# Covariates that are made of use without naming it: of which use, and how many months before the index date.
OTHER_WINDOWS: dict[str, tuple[tuple[str, ...], int]] = {
    "emergency_discharge_class": (("emergency_admissions",), 24),
    "emergency_bed_days_12_months": (("emergency_admissions",), 12),
    "is_in_hospital": (_ADMISSIONS, 1),
    **dict.fromkeys(
        (
            *("charlson_score", "charlson_score_updated", "elixhauser_score", "long_term_conditions"),
            *("hospital_frailty_score", "diagnoses_per_episode", "episodes_24_months", "diagnoses_24_months"),
        ),
        (_ADMISSIONS, 24),
    ),
}
# Use that is a part of other use, or made of it: where that was balanced, it is no evidence any more.
PART_OF = {
    **dict.fromkeys(
        (
            *("emergency_admissions_zero_night", "emergency_admissions_overnight", "emergency_bed_days"),
            *("emergency_readmissions_30_days", "ambulatory_care_sensitive_admissions"),
        ),
        "emergency_admissions",
    ),
    **dict.fromkeys(("elective_admissions_excluding_chemotherapy", "elective_bed_days"), "elective_admissions"),
    "outpatient_tele_attendances": "outpatient_attendances",
}
NO_USE = (
    *("pool", "age_at_index", "age_band", "sex", "imd_quintile", "ethnic_group", "is_care_home_resident"),
    *("index_day", "index_month", "index_quarter", "days_registered_24_months"),
)
# A predictive risk is made of all use that is known, whichever outcome it is of.
RISKS = "predictive_risk_"
USE_IN_RISKS = ((*_ADMISSIONS, "outpatient_attendances", "ae_attendances"), 24)
WINDOW = re.compile(r"^(?P<use>.+)_(?P<months>\d+)_months?$")


def months_used(metric: Metric, covariates: Iterable[str]) -> int:
    """How many months before the index date some covariate of the weights looks at this use; 0 for none.

    Use in a window of m months counts for all m. Diagnoses come from admissions, so what is made of them uses the
    months of emergency and of elective admissions. Use that is part of other use has the months of both.

    By hand: with `outpatient_attendances_12_months` and `charlson_score`, 12 of outpatient attendances, 24 of
    admissions.
    """
    return max((_months(metric.metric_id, name) for name in covariates), default=0)


def role_of_month(month: int, *, used: int) -> str:
    """What a month is: of the follow-up, the crisis window (-6 to -1), one the weights used, or one held out."""
    if month >= 0:
        return FOLLOW_UP
    if month >= -CRISIS_MONTHS:
        return CRISIS
    return USED if month >= -used else HELD_OUT


def words_of_month(month: int, *, used: int) -> tuple[str, ...]:
    """What to know of a month before the index date."""
    is_used = -used <= month < 0
    by_role = {CRISIS: IN_CRISIS, HELD_OUT: OUT_OF_SIGHT}
    return FLAT if is_used else "", by_role.get(role_of_month(month, used=used), "")


def _months(metric_id: str, covariate: str) -> int:
    if covariate in NO_USE:
        return 0
    uses, months = OTHER_WINDOWS.get(covariate) or _named(covariate)
    return months if {metric_id, PART_OF.get(metric_id)} & set(uses) else 0


def _named(covariate: str) -> tuple[tuple[str, ...], int]:
    if covariate.startswith(RISKS):
        return USE_IN_RISKS
    window = WINDOW.match(covariate)
    if window is None:
        raise ValueError(f"covariate {covariate}: it is not known which months it looks at; add it to month_roles")
    return (window["use"],), int(window["months"])
