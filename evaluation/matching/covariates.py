"""What is known of a person before the index date, in the order in which a small study keeps it, and in which form."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from evaluation.matching.terms import Terms

POOL = "pool"
EXACT = (POOL, "sex", "age_band", "index_month", "is_in_hospital", "emergency_discharge_class")
FIRST_GIVEN_UP = ("index_month", "age_band", "is_in_hospital", "sex", "emergency_discharge_class")
EXACT_NAMES = (*EXACT, "imd_quintile", "ethnic_group", "is_care_home_resident", "index_quarter", "age_at_index")
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "emergency_admissions_12_months": "counts",
        "age_at_index": "squared",
        "emergency_discharge_class": "categories",
        "sex": "categories",
        "emergency_admissions_3_months": "counts",
        "outpatient_attendances_12_months": "counts",
        "elective_admissions_12_months": "counts",
        "index_day": "linear",
        "emergency_admissions_24_months": "counts",
        "ae_attendances_12_months": "counts",
        "emergency_admissions_1_month": "counts",
        "outpatient_attendances_3_months": "counts",
        "elective_admissions_3_months": "counts",
        "ae_attendances_3_months": "counts",
        "charlson_score": "counts",
        "imd_quintile": "categories",
        "is_in_hospital": "linear",
        "emergency_bed_days_12_months": "counts",
        "hospital_frailty_score": "counts",
        "long_term_conditions": "counts",
        "index_quarter": "categories",
        "is_care_home_resident": "linear",
        "outpatient_attendances_24_months": "counts",
        "elective_admissions_24_months": "counts",
        "ae_attendances_24_months": "counts",
        "emergency_admissions_6_months": "counts",
        "ethnic_group": "categories",
        "diagnoses_per_episode": "linear",
        "elixhauser_score": "linear",
        "days_registered_24_months": "linear",
        "outpatient_attendances_1_month": "counts",
        "outpatient_attendances_6_months": "counts",
        "elective_admissions_1_month": "counts",
        "elective_admissions_6_months": "counts",
        "ae_attendances_1_month": "counts",
        "ae_attendances_6_months": "counts",
        "episodes_24_months": "counts",
        "diagnoses_24_months": "counts",
        "charlson_score_updated": "counts",
    }
)
COVARIATES = tuple(FORMS)[:30]
INTERACTIONS = (
    ("emergency_admissions_12_months", "age_at_index"),
    ("emergency_admissions_12_months", "outpatient_attendances_12_months"),
    ("emergency_admissions_12_months", "emergency_admissions_3_months"),
)
PLANNED_CARE = ("outpatient_attendances", "elective_admissions")
# Planned care whose window reaches beyond six months: left for the designs with pairs to take away or to adjust for.
NOT_IN_PAIRS = frozenset(f"{use}_{months}_months" for use in PLANNED_CARE for months in (12, 24))
CASES_PER_COLUMN = 5
MOST_COLUMNS_IN_PAIRS = 20


def terms_of(covariates: Sequence[str], *, interactions: bool = True) -> Terms:
    """The covariates in their forms: use of care as log(1 + x) and its square, categories by indicator.

    With the key interactions of those that are there. Raises `KeyError` for a name that is not in `FORMS`.
    """
    forms: dict[str, list[str]] = {form: [] for form in ("counts", "squared", "linear", "categories")}
    for name in covariates:
        forms[FORMS[name]].append(name)
    pairs = tuple(pair for pair in INTERACTIONS if interactions and set(pair) <= set(covariates))
    return Terms(interactions=pairs, **{form: tuple(names) for form, names in forms.items()})


def in_order(covariates: Sequence[str], terms: Terms) -> list[str]:
    """The covariates that are among `terms`, in their own order; `terms.covariates` has them form by form."""
    return [name for name in covariates if name in terms.covariates]


def known_covariates(cohort: pl.DataFrame, covariates: Sequence[str]) -> tuple[str, ...]:
    """The covariates that are known of anybody: a missing extract leaves its own out for everyone."""
    return tuple(name for name in covariates if cohort[name].null_count() < cohort.height)


def covariates_of_pairs(covariates: Sequence[str]) -> tuple[str, ...]:
    """The covariates that pairs are made alike in: all but planned care of the last 12 and 24 months.

    Equal in the outcome's own baseline, pairs leave a difference-in-differences nothing to take away: a lasting
    difference that no record shows then biases it as much as the comparison after the index date (Daw and Hatfield
    2018, Health Services Research 53). Emergency care stays in: people join for it, and pairs of another history of
    it would get better at another pace.
    """
    return tuple(name for name in covariates if name not in NOT_IN_PAIRS)


def affordable_terms(people: pl.DataFrame, covariates: Sequence[str], *, most_columns: int) -> Terms:
    """As many of the covariates, in their order, as `most_columns` columns hold; interactions last.

    A rule of design: it knows covariates and numbers of people, never outcomes. Columns are counted before constant
    and collinear ones are dropped: two for a number with its square, one fewer than values for a category, one more
    for a number that is unknown of some.

    By hand: three columns hold use of care (two) and a flag (one); a category with three values does not fit.
    """
    kept, left = list[str](), most_columns
    for name in covariates:
        left -= _columns(people[name], FORMS[name])
        if left < 0:
            break
        kept.append(name)
    pairs = terms_of(kept).interactions
    return terms_of(kept, interactions=len(kept) == len(covariates) and left >= len(pairs))


def regression_terms(people: pl.DataFrame, covariates: Sequence[str], *, cases: int) -> Terms:
    """What the regression in matched sets adjusts for: the first of all known covariates, those not in pairs included.

    `people` are those in the pairs of `cases` matched cases. At most 20 columns, and one for every five cases, by the
    rule of `affordable_terms`.

    By hand: 60 cases carry twelve columns: use of care, age and a class of five values need eight of them.
    """
    return affordable_terms(people, covariates, most_columns=min(MOST_COLUMNS_IN_PAIRS, cases // CASES_PER_COLUMN))


def _columns(values: pl.Series, form: str) -> int:
    if form == "categories":
        return values.n_unique() - 1
    return (2 if form in ("counts", "squared") else 1) + bool(values.null_count())
