"""Groups of recorded covariates, and what is left when one of them is hidden: a benchmark for what nobody recorded."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from evaluation.matching.covariates import is_risk
from evaluation.matching.terms import Terms

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "age_and_sex": ("age_at_index", "sex"),
        "place_and_background": ("imd_quintile", "is_care_home_resident", "ethnic_group"),
        "recent_emergency_use": (
            "emergency_discharge_class",
            "is_in_hospital",
            "emergency_admissions_1_month",
            "emergency_admissions_3_months",
            "ae_attendances_1_month",
            "ae_attendances_3_months",
        ),
        "earlier_emergency_use": (
            "emergency_admissions_6_months",
            "emergency_admissions_12_months",
            "emergency_admissions_24_months",
            "emergency_bed_days_12_months",
            "ae_attendances_6_months",
            "ae_attendances_12_months",
            "ae_attendances_24_months",
        ),
        "planned_use": (
            *(f"outpatient_attendances_{window}" for window in ("1_month", "3_months", "6_months")),
            *(f"outpatient_attendances_{window}" for window in ("12_months", "24_months")),
            *(f"elective_admissions_{window}" for window in ("1_month", "3_months", "6_months")),
            *(f"elective_admissions_{window}" for window in ("12_months", "24_months")),
        ),
        "conditions_and_frailty": (
            "charlson_score",
            "charlson_score_updated",
            "elixhauser_score",
            "hospital_frailty_score",
            "long_term_conditions",
            "diagnoses_per_episode",
            "diagnoses_24_months",
            "episodes_24_months",
        ),
        "calendar_and_registration": ("index_day", "index_quarter", "days_registered_24_months"),
    }
)


def without_group(terms: Terms, group: str) -> Terms:
    """`terms` less the covariates of a group and their interactions, the rest in the same forms.

    Hiding a group from the weights shows what would have been missed had nobody recorded it
    (Cinelli and Hazlett 2020 on benchmarking by recorded covariates). A predictive risk is made of all groups, so it is
    hidden with each. Raises `KeyError` for an unknown group.

    By hand: age and sex hidden of age, sex, admissions, and age x admissions: admissions alone is left.
    """
    return _without(terms, {*GROUPS[group], *filter(is_risk, terms.covariates)})


def without_risks(terms: Terms) -> Terms:
    """`terms` less every predictive risk: what is left at another date than it was made for."""
    return _without(terms, set(filter(is_risk, terms.covariates)))


def groups_of(terms: Terms) -> tuple[str, ...]:
    """The groups of which a covariate is in `terms`, in the fixed order."""
    return tuple(group for group, names in GROUPS.items() if set(names) & set(terms.covariates))


def _without(terms: Terms, hidden: set[str]) -> Terms:
    forms = ("counts", "squared", "splines", "linear", "categories")
    kept = {form: tuple(name for name in getattr(terms, form) if name not in hidden) for form in forms}
    pairs = tuple(pair for pair in terms.interactions if not hidden & set(pair))
    return replace(terms, interactions=pairs, **kept)
