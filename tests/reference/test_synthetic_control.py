"""Synthetic control on the two data sets with which the method was published.

California's tobacco programme (Abadie, Diamond and Hainmueller 2010) and the Basque Country (Abadie and Gardeazabal
2003). Ours fits outcomes before alone; the optimum, the gaps and the placebos are sought a second time by a general
optimiser (SciPy's SLSQP). The published weights of the Basque Country rest on covariates, whose importance is fitted
too: that search is written out here around our weights (Abadie, Diamond and Hainmueller 2011, Journal of Statistical
Software 42(13), for the covariates).
"""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from evaluation.estimation.synthetic_control import simplex_weights, synthetic_control
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test
BASQUE = "Basque Country (Pais Vasco)"
SECTORS = ("agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa")


def california() -> tuple[pl.DataFrame, str, int]:
    one_column = read("08_synth_control/input_california.csv")
    (header,) = one_column.columns
    parts = one_column[header].str.split(";").list.to_struct(fields=header.split(";")).struct.unnest()
    typed = parts.with_columns(pl.col("Year").cast(pl.Int64), pl.col("PacksPerCapita").cast(pl.Float64))
    return typed.pivot(on="State", index="Year", values="PacksPerCapita").sort("Year"), "California", 1989


def regions() -> pl.DataFrame:
    return read("08_synth_control/input_basque.csv").filter(pl.col("regionname") != "Spain (Espana)")


def basque_country() -> tuple[pl.DataFrame, str, int]:
    by_year = regions().pivot(on="regionname", index="year", values="gdpcap").sort("year")
    return by_year.rename({"year": "Year"}), BASQUE, 1970


STUDIES = pytest.mark.parametrize("study", [california, basque_country])


def optimum(target: np.ndarray, donors: np.ndarray) -> tuple[float, np.ndarray]:
    """Least sum of squares over weights of zero or more that sum to one, and the weights."""
    scale = float((target**2).sum())
    found = minimize(
        lambda w: ((target - donors @ w) ** 2).sum() / scale,
        np.full(donors.shape[1], 1 / donors.shape[1]),
        jac=lambda w: -2 * donors.T @ (target - donors @ w) / scale,
        bounds=[(0, 1)] * donors.shape[1],
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 5000},
    )
    return float(found.fun) * scale, found.x


@STUDIES
def test_weights_are_the_optimum_that_another_optimiser_finds(study) -> None:
    rows, treated, first = study()
    outcomes, after = rows[treated].to_numpy(), rows["Year"].to_numpy() >= first
    donors = rows.drop("Year", treated).to_numpy()
    found = synthetic_control(outcomes, donors, after)
    least, weights = optimum(outcomes[~after], donors[~after])
    assert found.fit_error**2 * (~after).sum() == pytest.approx(least, rel=1e-6)
    assert found.gaps == pytest.approx(outcomes - donors @ weights, abs=1e-3)
    assert found.effect == pytest.approx(float((outcomes - donors @ weights)[after].mean()), abs=1e-3)


@STUDIES
def test_the_p_value_ranks_every_donor_put_in_the_place_of_the_treated(study) -> None:
    rows, treated, first = study()
    after, donors = rows["Year"].to_numpy() >= first, rows.drop("Year", treated)

    def ratio(name: str, others: pl.DataFrame) -> float:
        target, mix = rows[name].to_numpy(), others.to_numpy()
        gaps = target - mix @ optimum(target[~after], mix[~after])[1]
        return float(np.sqrt((gaps[after] ** 2).mean() / (gaps[~after] ** 2).mean()))

    own = ratio(treated, donors)
    as_large = sum(ratio(donor, donors.drop(donor)) >= own for donor in donors.columns)
    found = synthetic_control(rows[treated].to_numpy(), donors.to_numpy(), after)
    assert found.p_value == pytest.approx((1 + as_large) / (1 + donors.width), abs=1e-12)


def test_synthetic_california_is_mostly_utah_montana_and_nevada_and_smokes_twenty_packs_more() -> None:
    rows, treated, first = california()
    donors = rows.drop("Year", treated)
    found = synthetic_control(rows[treated].to_numpy(), donors.to_numpy(), rows["Year"].to_numpy() >= first)
    weights = dict(zip(donors.columns, found.weights, strict=True))
    largest = sorted(weights, key=lambda state: -weights[state])[:4]
    assert largest == ["Utah", "Montana", "Nevada", "Connecticut"]
    # Abadie, Diamond and Hainmueller (2010), with covariates beside outcomes: about 20 packs; -19.6 from outcomes alone
    # in Arkhangelsky et al. (2021), who add a small penalty.
    assert found.effect == pytest.approx(-19.6, abs=0.15)
    assert found.fit_error < 1.8
    assert found.p_value < 0.1


def test_with_covariates_the_basque_country_is_the_published_mix_of_catalonia_and_madrid() -> None:
    names = regions()["regionname"].unique(maintain_order=True).to_list()
    covariates = basque_covariates()
    donors = [place for place, name in enumerate(names) if name != BASQUE]
    treated = names.index(BASQUE)
    rows, _, _ = basque_country()
    sixties = rows.filter(pl.col("Year").is_between(1960, 1969)).select(names).to_numpy()

    def weights(importance: np.ndarray) -> np.ndarray:
        scaled = covariates * np.sqrt(np.abs(importance) / np.abs(importance).sum())[:, None]
        return simplex_weights(scaled[:, treated], scaled[:, donors])

    def error(importance: np.ndarray) -> float:
        return float(((sixties[:, treated] - sixties[:, donors] @ weights(importance)) ** 2).mean())

    options = {"maxiter": 4000, "maxfev": 4000}
    found = minimize(error, np.full(13, 1 / 13), method="Nelder-Mead", options=options)
    mix = {names[place]: weight for place, weight in zip(donors, weights(found.x), strict=True)}
    published = dict.fromkeys(mix, 0.0) | {"Cataluna": 0.8508, "Madrid (Comunidad De)": 0.1492}
    assert mix == pytest.approx(published, abs=5e-5)
    assert found.fun == pytest.approx(0.00886, abs=5e-6)  # as the R package Synth prints it


def basque_covariates() -> np.ndarray:
    """The 13 covariates by region in units of their standard deviation: schooling in shares, highest two together."""
    schooling = [mean_of(f"school.{level}", 1964) for level in ("illit", "prim", "med", "high", "post.high")]
    levels = np.array([*schooling[:3], schooling[3] + schooling[4]])
    others = [mean_of("invest", 1964), mean_of("gdpcap", 1960), *(mean_of(f"sec.{name}", 1961) for name in SECTORS)]
    covariates = np.array([*(100 * levels / levels.sum(axis=0)), *others, mean_of("popdens", 1969)])
    return covariates / covariates.std(axis=1, ddof=1, keepdims=True)


def mean_of(column: str, first: int) -> np.ndarray:
    years = regions().filter(pl.col("year").is_between(first, 1969))
    return years.group_by("regionname", maintain_order=True).agg(pl.col(column).mean())[column].to_numpy()
