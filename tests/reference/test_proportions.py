"""Shares that two groups of the Copenhagen housing survey differ by, and their ratio, beside statsmodels.

Madsen (1976), Scandinavian Journal of Statistics 3 (MASS's `housing`): 1,681 tenants, how content they are, by contact
with neighbours. What is published of shares here are differences (questionnaires) and risk ratios (deaths): no
interval of a single share is published, so none is checked. Sources: Wald's interval of a difference; Katz, Baptista,
Azen and Pike (1978), Biometrics 34, for a ratio, which errors by person give exactly (Zou 2004).
"""

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from evaluation.estimation.matched_cohort import matched_cohort
from evaluation.surveys.change import change_in_mean
from evaluation.surveys.design import Sample
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test
NORMAL = 1.959963984540054


@pytest.fixture(scope="module")
def tenants() -> tuple[np.ndarray, np.ndarray]:
    """A row per tenant: whether content, whether much in contact."""
    rows = read("12_proportion_intervals/input_housing.csv")
    each = rows.select(pl.all().repeat_by("Freq").explode())
    return (each["Sat"] == "High").to_numpy().astype(float), (each["Cont"] == "High").to_numpy()


def counts(tenants: tuple[np.ndarray, np.ndarray]) -> tuple[int, int, int, int]:
    content, close = tenants
    return int(content[close].sum()), int(close.sum()), int(content[~close].sum()), int((~close).sum())


def test_the_survey_is_the_one_that_is_published(tenants):
    assert counts(tenants)[1::2] == (968, 713)


def test_a_difference_of_shares_has_the_error_of_two_binomial_samples(tenants):
    content, close = tenants
    alone = Sample(
        weights=np.ones(content.size), strata=np.zeros(content.size, dtype=np.int64), clusters=np.arange(content.size)
    )
    found = change_in_mean(content, baseline=~close, follow_up=close, sample=alone)
    low, high = confint_proportions_2indep(*counts(tenants), compare="diff", method="wald")
    error = (high - low) / 2 / NORMAL * np.sqrt(content.size / (content.size - 1))
    assert found.change == pytest.approx((low + high) / 2, abs=1e-9)
    assert found.standard_error == pytest.approx(error, rel=1e-6)


def test_a_ratio_of_shares_has_katz_logarithmic_interval(tenants):
    content, close = tenants
    ones, people = np.ones(content.size), np.arange(content.size)
    found = matched_cohort(
        counts=content,
        person_years=ones,
        is_treated=close,
        weights=ones,
        covariates=np.empty((content.size, 0)),
        person_ids=people,
    )
    low, high = np.log(confint_proportions_2indep(*counts(tenants), compare="ratio", method="log"))
    assert found.log_rate_ratio == pytest.approx((low + high) / 2, abs=1e-9)
    error = (high - low) / 2 / NORMAL * np.sqrt(content.size / (content.size - 1))
    assert found.standard_error == pytest.approx(error, rel=1e-6)
