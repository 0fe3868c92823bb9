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
# The log of the expected rate of an outcome without the pilot; one column for each outcome it is of (`risk_of`).
PREDICTIVE_RISK = "predictive_risk"
CASES_PER_COLUMN = 5
KEPT_OF_COVARIATES = 0.75
MOST_COLUMNS_IN_PAIRS = 20


def risk_of(metric: str) -> str:
    """The column with the predictive risk of an outcome.

    >>> risk_of("emergency_admissions")
    'predictive_risk_emergency_admissions'
    """
    return f"{PREDICTIVE_RISK}_{metric}"


def is_risk(covariate: str) -> bool:
    """Whether a covariate is the predictive risk of an outcome: made of the other covariates, of any of them."""
    return covariate.startswith(risk_of(""))


def is_risk_of_planned_care(covariate: str) -> bool:
    """Whether a covariate is the predictive risk of planned care: made of planned care of a year above all."""
    return covariate.startswith(tuple(risk_of(use) for use in PLANNED_CARE))


def form_of(covariate: str) -> str:
    """In which form a covariate enters models; a predictive risk as it stands, it is a logarithm already.

    Raises `KeyError` for a name that is none.
    """
    return "linear" if is_risk(covariate) else FORMS[covariate]


def terms_of(covariates: Sequence[str], *, interactions: bool = True) -> Terms:
    """The covariates in their forms: use of care as log(1 + x) and its square, categories by indicator.

    With the key interactions of those that are there. Raises `KeyError` for a name that is no covariate.
    """
    forms: dict[str, list[str]] = {form: [] for form in ("counts", "squared", "linear", "categories")}
    for name in covariates:
        forms[form_of(name)].append(name)
    pairs = tuple(pair for pair in INTERACTIONS if interactions and set(pair) <= set(covariates))
    return Terms(interactions=pairs, **{form: tuple(names) for form, names in forms.items()})


def in_order(covariates: Sequence[str], terms: Terms) -> list[str]:
    """The covariates that are among `terms`, in their own order; `terms.covariates` has them form by form."""
    return [name for name in covariates if name in terms.covariates]


def known_covariates(cohort: pl.DataFrame, covariates: Sequence[str]) -> tuple[str, ...]:
    """The covariates that are known of anybody: a missing extract leaves its own out for everyone."""
    return tuple(name for name in covariates if cohort[name].null_count() < cohort.height)


def covariates_of_pairs(covariates: Sequence[str]) -> tuple[str, ...]:
    """The covariates that pairs are made alike in: all but planned care of the last 12 and 24 months, and its risk.

    Equal in the outcome's own baseline, pairs leave a difference-in-differences nothing to take away: a lasting
    difference that no record shows then biases it as much as the comparison after the index date (Daw and Hatfield
    2018, Health Services Research 53). Emergency care stays in: people join for it, and pairs of another history of
    it would get better at another pace.
    """
    return tuple(name for name in covariates if name not in NOT_IN_PAIRS and not is_risk_of_planned_care(name))


def affordable_terms(people: pl.DataFrame, covariates: Sequence[str], *, most_columns: int) -> Terms:
    """As many of the covariates, in their order, as `most_columns` columns hold; interactions last.

    A rule of design: it knows covariates and numbers of people, never outcomes. Columns are counted before constant
    and collinear ones are dropped: two for a number with its square, one fewer than values for a category, one more
    for a number that is unknown of some.

    By hand: three columns hold use of care (two) and a flag (one); a category with three values does not fit.
    """
    kept, left = list[str](), most_columns
    for name in covariates:
        left -= _columns(people[name], form_of(name))
        if left < 0:
            break
        kept.append(name)
    pairs = terms_of(kept).interactions
    return terms_of(kept, interactions=len(kept) == len(covariates) and left >= len(pairs))


def fewer_terms(terms: Terms, covariates: Sequence[str]) -> Terms:
    """The first three quarters of `terms`, in the order of `covariates`; the interactions go first of all.

    By hand: of four covariates without interactions three are left, of one none.
    """
    if terms.interactions:
        return terms_of(terms.covariates, interactions=False)
    kept = in_order(covariates, terms)
    return terms_of(kept[: int(len(kept) * KEPT_OF_COVARIATES)], interactions=False)


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
