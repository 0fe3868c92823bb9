"""What is left when a group of recorded covariates is hidden, and weights that balance exactly that."""

import numpy as np
import polars as pl
import pytest

from evaluation.matching import FORMS, Terms, terms_of
from evaluation.matching.hidden import GROUPS, groups_of, without_group
from evaluation.matching.weighted import weights_of


def test_every_covariate_belongs_to_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(FORMS)


def test_a_hidden_group_takes_its_covariates_and_their_interactions_along():
    terms = terms_of(("emergency_admissions_12_months", "age_at_index", "sex", "outpatient_attendances_12_months"))
    assert terms.interactions == (
        ("emergency_admissions_12_months", "age_at_index"),
        ("emergency_admissions_12_months", "outpatient_attendances_12_months"),
    )
    assert without_group(terms, "age_and_sex") == Terms(
        counts=("emergency_admissions_12_months", "outpatient_attendances_12_months"),
        interactions=(("emergency_admissions_12_months", "outpatient_attendances_12_months"),),
    )
    assert without_group(terms, "earlier_emergency_use").interactions == ()
    assert without_group(terms, "conditions_and_frailty") == terms


def test_only_groups_with_a_covariate_in_the_design_can_be_hidden():
    assert groups_of(terms_of(("sex", "index_day"))) == ("age_and_sex", "calendar_and_registration")
    assert groups_of(Terms()) == ()


def people(cases: int, others: int, *, gap: float = 0.5) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(5)
    n = cases + others
    frame = pl.DataFrame(
        {
            "person_id": [f"p{number:04d}" for number in range(n)],
            "is_treated": np.arange(n) < cases,
            "age_at_index": 70 + rng.normal(0, 8, n) + np.where(np.arange(n) < cases, 8 * gap, 0),
            "sex": rng.choice(["1", "2"], n),
        }
    )
    return frame.filter("is_treated"), frame.filter(~pl.col("is_treated"))


def test_weights_balance_the_terms_they_were_asked_for_and_nothing_else():
    cases, pool = people(100, 1000)
    found = weights_of(cases, pool, terms=terms_of(("sex",)))
    weighted = pool.join(found.weights, on="person_id")
    total = weighted["weight"].sum()
    assert total == pytest.approx(100)
    share = weighted.filter(pl.col("sex") == "2")["weight"].sum() / total
    assert share == pytest.approx((cases["sex"] == "2").mean())
    age = (weighted["age_at_index"] * weighted["weight"]).sum() / total
    assert cases["age_at_index"].mean() - age > 1
    both = pool.join(weights_of(cases, pool, terms=terms_of(("sex", "age_at_index"))).weights, on="person_id")
    assert (both["age_at_index"] * both["weight"]).sum() / 100 == pytest.approx(cases["age_at_index"].mean())


def test_where_no_weights_reach_the_cases_there_are_none_and_no_covariate_is_given_up_for_them():
    cases, pool = people(100, 1000, gap=30)
    found = weights_of(cases, pool, terms=terms_of(("age_at_index", "sex")))
    assert found.weights.is_empty()
    assert found.caution == "No weights make comparison people like these pilot people."


@pytest.mark.parametrize(("cases", "others"), [(0, 100), (100, 0)])
def test_without_people_or_terms_there_are_no_weights(cases, others):
    one, other = people(cases, others)
    assert weights_of(one, other, terms=terms_of(("sex",))).weights.is_empty()
    assert weights_of(*people(50, 100), terms=Terms()).weights.is_empty()
