"""Staggered adoption on the data set on which it is usually demonstrated.

Minimum wages and teen employment (`mpdta`): group-time effects as the R package did prints them (Callaway and Sant'Anna
2021, without covariates), and to the last digits as differences of four means written out; imputation as the extended
two-way regression gives it; errors beside those of influence functions.
"""

import numpy as np
import pytest
import statsmodels.api as sm

from evaluation.estimation.area_intervals import jackknife_by_area
from evaluation.estimation.area_panels import NEVER
from evaluation.estimation.staggered_adoption import Adoption, group_time_effects, imputed_effects
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test


def minimum_wages() -> Adoption:
    rows = read("05_did_staggered_mpdta/input.csv").sort("countyreal", "year")
    counties = rows["countyreal"].n_unique()
    first = rows["first.treat"].to_numpy().reshape(counties, -1)[:, 0]
    return Adoption(
        outcomes=rows["lemp"].to_numpy().reshape(counties, -1),
        times=rows["year"].unique().sort().to_numpy(),
        first_treated=np.where(first == 0, NEVER, first),
        weights=np.ones(counties),
    )


def test_group_time_effects_are_those_that_are_printed() -> None:
    cells = group_time_effects(minimum_wages(), comparison="never_treated")
    by_group = cells.effects.reshape(3, 5)
    assert by_group[0, 1:].tolist() == pytest.approx([-0.0105, -0.0704, -0.1373, -0.1008], abs=5e-5)  # 2004
    assert by_group[1, 3:].tolist() == pytest.approx([-0.0046, -0.0412], abs=5e-5)  # 2006
    assert by_group[2, 4] == pytest.approx(-0.0261, abs=5e-5)  # 2007
    assert cells.overall == pytest.approx(-0.0400, abs=5e-5)
    by_time = cells.by_event_time(np.arange(4)).tolist()
    assert by_time == pytest.approx([-0.0199, -0.0510, -0.1373, -0.1008], abs=5e-5)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_group_time_effects_are_differences_of_four_means(comparison) -> None:
    panel = minimum_wages()
    found = group_time_effects(panel, comparison=comparison).effects.reshape(3, 5)
    for row, group in enumerate(panel.groups):
        base = int(np.flatnonzero(panel.times == group - 1)[0])
        for column in np.flatnonzero(panel.times >= group):
            changes = panel.outcomes[:, column] - panel.outcomes[:, base]
            until = panel.times[column] if comparison == "not_yet_treated" else NEVER - 1
            difference = changes[panel.first_treated == group].mean() - changes[panel.first_treated > until].mean()
            assert found[row, column] == pytest.approx(difference, abs=1e-12)


def test_against_those_not_yet_treated_the_overall_effect_is_much_the_same() -> None:
    cells = group_time_effects(minimum_wages(), comparison="not_yet_treated")
    assert cells.overall == pytest.approx(-0.0398, abs=5e-5)


def test_errors_by_county_are_near_those_that_are_printed() -> None:
    panel = minimum_wages()

    def overall(kept: np.ndarray) -> np.ndarray:
        cells = group_time_effects(panel.of(kept), comparison="never_treated")
        return np.array([cells.overall, *cells.by_event_time(np.arange(2))])

    errors = jackknife_by_area(overall, panel.first_treated < NEVER).standard_errors
    assert errors == pytest.approx([0.0117, 0.0118, 0.0169], rel=0.05)  # theirs by multiplier bootstrap


def test_the_error_of_a_group_time_effect_is_that_of_its_influence_function() -> None:
    # One group and the counties never treated: the influence of a county is its change less the mean of its kind, over
    # their number (Callaway and Sant'Anna 2021, section 4); squares divided by n - 1 in place of n in each kind.
    whole = minimum_wages()
    for group in whole.groups:
        panel = whole.of((whole.first_treated == group) | (whole.first_treated == NEVER))
        treated = panel.first_treated == group

        def effects(kept: np.ndarray, panel: Adoption = panel) -> np.ndarray:
            return group_time_effects(panel.of(kept), comparison="never_treated").effects

        found = jackknife_by_area(effects, treated).standard_errors
        changes = panel.outcomes - panel.outcomes[:, [int(np.flatnonzero(panel.times == group - 1)[0])]]
        analytic = sum(changes[kind].var(axis=0, ddof=1) / kind.sum() for kind in (treated, ~treated))
        assert found == pytest.approx(np.sqrt(analytic), abs=1e-9)


def test_the_error_of_the_overall_effect_is_that_of_influence_functions_with_estimated_weights() -> None:
    panel = minimum_wages()
    treated = panel.first_treated < NEVER

    def overall(kept: np.ndarray) -> np.ndarray:
        return np.array([group_time_effects(panel.of(kept), comparison="never_treated").overall])

    cells = [(int(g), int(t)) for g in panel.groups for t in panel.times if t >= g]
    sizes = np.array([(panel.first_treated == g).sum() for g, _ in cells])
    shares = sizes / sizes.sum()
    effects, influences = zip(*(cell_influence(panel, group, time) for group, time in cells), strict=True)
    mean = float(shares @ np.array(effects))
    weighting = sum(
        (panel.first_treated == group) * (effect - mean) for (group, _), effect in zip(cells, effects, strict=True)
    )
    influence = shares @ np.array(influences) + (weighting - weighting[treated].mean() * treated) / sizes.sum()
    found = float(jackknife_by_area(overall, treated).standard_errors[0])
    assert found == pytest.approx(np.sqrt((influence**2).sum()), rel=0.01)  # a county in 500 left out, or none


def cell_influence(panel: Adoption, group: int, time: int) -> tuple[float, np.ndarray]:
    """A group-time effect and what each county adds to it, squares of which sum to its variance."""
    base, after = (int(np.flatnonzero(panel.times == year)[0]) for year in (group - 1, time))
    changes = panel.outcomes[:, after] - panel.outcomes[:, base]
    own, never = panel.first_treated == group, panel.first_treated == NEVER
    means = changes[own].mean(), changes[never].mean()
    return means[0] - means[1], own * (changes - means[0]) / own.sum() - never * (changes - means[1]) / never.sum()


def test_imputation_is_the_extended_two_way_regression() -> None:
    panel = minimum_wages()
    cells = imputed_effects(panel)
    assert cells.overall == pytest.approx(-0.0477, abs=5e-5)
    unit, time = np.indices(panel.outcomes.shape).reshape(2, -1)
    first, year = panel.first_treated[unit], panel.times[time]
    treated = [(g, t) for g in panel.groups for t in panel.times if t >= g]
    cohorts = [first == g for g in panel.groups]
    design = np.column_stack(
        [np.ones(unit.size), *cohorts, *(year == t for t in panel.times[1:])]
        + [(first == g) & (year == t) for g, t in treated]
    ).astype(float)
    theirs = sm.OLS(panel.outcomes.ravel(), design).fit().params[-len(treated) :]
    groups = panel.first_treated[panel.first_treated < NEVER]
    sizes = np.array([np.count_nonzero(groups == g) for g, _ in treated])
    assert cells.overall == pytest.approx(float(theirs @ sizes / sizes.sum()), abs=1e-9)
