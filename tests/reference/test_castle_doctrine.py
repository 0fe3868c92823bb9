"""Staggered adoption on the American castle laws: group-time effects and imputation beside plain least squares.

Cheng and Hoekstra (2013), Journal of Human Resources 48(3), as Cunningham (2021, "Causal Inference: The Mixtape",
chapter 9) reads them: log homicide of 50 states, 2000 to 2010, 21 of them with a law from 2006 to 2010. He prints 0.069
for the two-way regression, which is what says that the file was read rightly. Ours is held against statsmodels: one
regression of two years and two kinds of state for each group and time, and one of all cells not treated yet.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.estimation.area_panels import NEVER
from evaluation.estimation.staggered_adoption import Adoption, group_time_effects, imputed_effects
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test
YEARS = np.arange(2000, 2011)


def castle_laws(*, by_population: bool) -> Adoption:
    rows = read("04_did_twfe_castle/input.csv").sort("sid", "year")
    first = rows.group_by("sid", maintain_order=True).agg(pl.col("year").filter(pl.col("post") == 1).min())["year"]
    population = rows.group_by("sid", maintain_order=True).agg(pl.col("popwt").first())["popwt"]
    return Adoption(
        outcomes=rows["l_homicide"].to_numpy().reshape(-1, YEARS.size),
        times=YEARS,
        first_treated=first.fill_null(NEVER).to_numpy(),
        weights=population.to_numpy().astype(float) if by_population else np.ones(first.len()),
    )


@pytest.fixture(params=[False, True], ids=["states alike", "states by population"])
def panel(request: pytest.FixtureRequest) -> Adoption:
    return castle_laws(by_population=request.param)


def coefficients(outcomes: np.ndarray, *columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return sm.WLS(outcomes, np.column_stack(columns).astype(float), weights=weights).fit().params


def test_the_two_way_regression_of_the_file_is_the_one_that_is_printed() -> None:
    panel = castle_laws(by_population=False)
    state, year = np.indices(panel.outcomes.shape).reshape(2, -1)
    law = panel.times[year] >= panel.first_treated[state]
    dummies = np.column_stack([np.eye(50)[state], np.eye(YEARS.size)[year][:, 1:]])
    found = coefficients(panel.outcomes.ravel(), law, dummies, weights=np.ones(law.size))
    assert found[0] == pytest.approx(0.069, abs=5e-4)


def test_each_group_time_effect_is_a_regression_on_two_years_and_two_kinds_of_state(panel: Adoption) -> None:
    cells = group_time_effects(panel, comparison="never_treated")
    found = cells.effects.reshape(-1, YEARS.size)
    for row, group in enumerate(panel.groups):
        for column in np.flatnonzero(group - 1 != YEARS):
            theirs = two_by_two(panel, others=panel.first_treated == NEVER, group=int(group), column=int(column))
            assert found[row, column] == pytest.approx(theirs, abs=1e-9)


def test_states_not_yet_treated_are_a_comparison_until_their_own_law(panel: Adoption) -> None:
    cells = group_time_effects(panel, comparison="not_yet_treated")
    found = cells.effects.reshape(-1, YEARS.size)
    for row, group in enumerate(panel.groups):
        for column in np.flatnonzero(group <= YEARS):
            others = panel.first_treated > YEARS[column]
            theirs = two_by_two(panel, others=others, group=int(group), column=int(column))
            assert found[row, column] == pytest.approx(theirs, abs=1e-9)


def two_by_two(panel: Adoption, *, others: np.ndarray, group: int, column: int) -> float:
    base = int(np.flatnonzero(group - 1 == YEARS)[0])
    states = np.flatnonzero((panel.first_treated == group) | others)
    treated = np.tile(panel.first_treated[states] == group, 2)
    after = np.repeat([False, True], states.size)
    outcomes = np.concatenate([panel.outcomes[states, base], panel.outcomes[states, column]])
    weights = np.tile(panel.weights[states], 2)
    return float(coefficients(outcomes, treated & after, treated, after, np.ones(after.size), weights=weights)[0])


def test_the_overall_effect_is_the_mean_of_group_time_effects_by_the_states_of_their_groups(panel: Adoption) -> None:
    cells = group_time_effects(panel, comparison="never_treated")
    total = weight = 0.0
    for group in panel.groups:
        share = panel.weights[panel.first_treated == group].sum()
        for column in np.flatnonzero(group <= YEARS):
            others = panel.first_treated == NEVER
            total += share * two_by_two(panel, others=others, group=int(group), column=int(column))
            weight += share
    assert cells.overall == pytest.approx(total / weight, abs=1e-9)


def test_imputation_is_what_a_regression_on_cells_without_a_law_leaves_of_the_others(panel: Adoption) -> None:
    state, year = np.indices(panel.outcomes.shape).reshape(2, -1)
    law = panel.times[year] >= panel.first_treated[state]
    dummies = np.column_stack([np.eye(50)[state], np.eye(YEARS.size)[year][:, 1:]])
    outcomes, weights = panel.outcomes.ravel(), panel.weights[state]
    expected = dummies @ coefficients(outcomes[~law], dummies[~law], weights=weights[~law])
    theirs = (outcomes - expected)[law]
    cells = imputed_effects(panel)
    assert cells.effects == pytest.approx(theirs, abs=1e-9)
    assert cells.overall == pytest.approx(np.average(theirs, weights=weights[law]), abs=1e-9)
