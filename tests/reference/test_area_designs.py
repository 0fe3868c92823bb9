"""Staggered adoption and synthetic control on the data sets on which they are usually demonstrated.

Minimum wages and teen employment (`mpdta`): group-time effects as the R package did prints them (Callaway and Sant'Anna
2021, without covariates), imputation as the extended two-way regression gives it. California's tobacco programme:
weights and gap from outcomes alone. Figures of the literature as far as they are printed.
"""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from evaluation.estimation.area_intervals import jackknife_by_area
from evaluation.estimation.area_panels import NEVER
from evaluation.estimation.staggered_adoption import Adoption, group_time_effects, imputed_effects
from evaluation.estimation.synthetic_control import synthetic_control
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


def california() -> tuple[pl.DataFrame, np.ndarray]:
    rows = read_california().pivot(on="State", index="Year", values="PacksPerCapita").sort("Year")
    return rows.drop("Year"), rows["Year"].to_numpy() >= 1989


def read_california() -> pl.DataFrame:
    one_column = read("08_synth_control/input_california.csv")
    (header,) = one_column.columns
    parts = one_column[header].str.split(";").list.to_struct(fields=header.split(";")).struct.unnest()
    return parts.with_columns(pl.col("Year").cast(pl.Int64), pl.col("PacksPerCapita").cast(pl.Float64))


def test_synthetic_california_is_mostly_utah_montana_and_nevada_and_smokes_twenty_packs_more() -> None:
    rows, after = california()
    donors = rows.drop("California")
    found = synthetic_control(rows["California"].to_numpy(), donors.to_numpy(), after)
    weights = dict(zip(donors.columns, found.weights, strict=True))
    largest = sorted(weights, key=lambda state: -weights[state])[:4]
    assert largest == ["Utah", "Montana", "Nevada", "Connecticut"]
    # Abadie, Diamond and Hainmueller (2010), with covariates beside outcomes: about 20 packs; -19.6 from outcomes alone
    # in Arkhangelsky et al. (2021), who add a small penalty.
    assert found.effect == pytest.approx(-19.6, abs=0.15)
    assert found.fit_error < 1.8
    assert found.p_value < 0.1
