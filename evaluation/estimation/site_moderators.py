"""The table `site_moderators`: effects by what sites are like; a regression only where there are sites enough."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from evaluation.estimation.across_sites import FEW_SITES, SHARED
from evaluation.estimation.cautions import BY_DESIGN, join
from evaluation.estimation.interim import LOOK
from evaluation.estimation.meta_regression import (
    FEWEST_SITES_PER_COEFFICIENT,
    Coefficient,
    MetaRegression,
    enough_sites,
    meta_regression,
)
from evaluation.estimation.pooling import reml_tau2
from evaluation.regression import Floats

STRATUM, COEFFICIENT = "stratum", "coefficient"
TRUE, FALSE = "true", "false"
AMOUNTS = ("depth", "breadth")
KINDS = ("leutz_level", "social_care_role")
NOT_ASSIGNED = (
    "Exploratory: sites were not assigned what they are like, so this is a difference between sites, not an effect of "
    "it; several are looked at, and nothing is adjusted for that."
)
DESCRIBED = "Described only: the sites' own effects, lowest and highest, which chance alone spreads."
NO_SITES = "No site with this has an estimate with an interval."
TOO_FEW = f"No regression: fewer than {FEWEST_SITES_PER_COEFFICIENT} sites a coefficient."
FEW_ALIKE = f"Fewer than {FEW_SITES} sites are alike on one side: this may be of those sites, whatever else they are."
ALL_ALIKE = "No regression: the sites that have an estimate are all alike in this."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
SITE_MODERATORS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "design", "moderator", "row_kind", "value"), _TEXT),
    **dict.fromkeys(("sites", "sites_used"), _COUNT),
    **dict.fromkeys(("lowest_change_pct", "highest_change_pct"), _NUMBER),
    **dict.fromkeys(("difference_pct", "difference_low_pct", "difference_high_pct", "p_value"), _NUMBER),
    **dict.fromkeys(("tau2", "tau2_without"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}


@dataclass(frozen=True, kw_only=True)
class _Moderator:
    """What sites are like in one respect, by site: an amount, or one of several values."""

    name: str
    values: Mapping[str, Any]

    @property
    def is_amount(self) -> bool:
        return self.name in AMOUNTS


def site_moderators(
    site_effects: pl.DataFrame, *, sites: pl.DataFrame, protocol_hash: str, run_id: str
) -> pl.DataFrame:
    """For each protocol outcome and each thing that sites.csv says of sites: strata, and a coefficient where possible.

    `site_effects` as `SITE_EFFECTS`; `sites` has `site_id`, `case_management`, `models` (separated by semicolons),
    `leutz_level`, `depth`, `breadth`, `social_care_role`, null where not known: those sites are left out. One at a
    time is looked at, never several together. A `stratum` row describes the sites with a value: how many, and the
    lowest and highest of their own effects. A `coefficient` row is the ratio of rate ratios, in percent, per unit of an
    amount, or of a value against the most frequent one (`true` against `false`); see `meta_regression`. With fewer than
    ten sites a coefficient, or sites all alike, it has no numbers and the caution says why. `tau2` is the variance
    between sites left then, `tau2_without` that of the same sites without the regression. Sites enter as in the mean
    across sites (`entered_change_pct`, `entered_log_error`).

    By hand: five sites at 0 and five at log ratio 0.2, errors 0.1: a difference of 100 x (exp(0.2) - 1) = 22.1%.
    """
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    moderators = _moderators(sites)
    outcomes = site_effects.filter(pl.col("priority") != "exploratory")
    rows = [
        row | run
        for part in outcomes.partition_by("metric_id", maintain_order=True)
        for moderator in moderators
        for row in _rows(part.rows(named=True), moderator)
    ]
    return pl.DataFrame(rows, schema=SITE_MODERATORS, orient="row")


def _moderators(sites: pl.DataFrame) -> list[_Moderator]:
    rows = sites.sort("site_id").rows(named=True)
    models = {row["site_id"]: _names(row["models"]) for row in rows if row["models"] is not None}
    flags = {row["site_id"]: _flag(row["case_management"]) for row in rows if row["case_management"] is not None}
    found = [_Moderator(name="case_management", values=flags)]
    for model in sorted({model for named in models.values() for model in named}):
        values = {site: _flag(model in named) for site, named in models.items()}
        found.append(_Moderator(name=f"model:{model}", values=values))
    for name in (*KINDS, *AMOUNTS):
        found.append(_Moderator(name=name, values={r["site_id"]: r[name] for r in rows if r[name] is not None}))
    return [moderator for moderator in found if moderator.values]


def _rows(effects: Sequence[Mapping[str, Any]], moderator: _Moderator) -> Iterator[dict[str, Any]]:
    known = [row for row in effects if row["site_id"] in moderator.values]
    used = [row for row in known if row["is_used"]]
    if not known:
        return
    head = {name: known[0][name] for name in ("metric_id", "label", "priority", "design")}
    head |= {"moderator": moderator.name}
    for value in sorted({moderator.values[row["site_id"]] for row in known}):
        yield head | _stratum(value, known, used, moderator)
    for row in _coefficients(used, moderator):
        caution = join(BY_DESIGN[head["design"]], NOT_ASSIGNED, SHARED, row["caution"])
        yield head | row | {"row_kind": COEFFICIENT, "sites": len(known), "sites_used": len(used), "caution": caution}


def _stratum(
    value: Any, known: Sequence[Mapping[str, Any]], used: Sequence[Mapping[str, Any]], moderator: _Moderator
) -> dict[str, Any]:
    alike = [row for row in used if moderator.values[row["site_id"]] == value]
    changes = [row["relative_change_pct"] for row in alike if row["relative_change_pct"] is not None]
    return {
        "row_kind": STRATUM,
        "value": _word(value),
        "sites": sum(moderator.values[row["site_id"]] == value for row in known),
        "sites_used": len(alike),
        "lowest_change_pct": min(changes, default=None),
        "highest_change_pct": max(changes, default=None),
        "caution": join(BY_DESIGN[known[0]["design"]], NOT_ASSIGNED, DESCRIBED if changes else NO_SITES),
    }


def _coefficients(used: Sequence[Mapping[str, Any]], moderator: _Moderator) -> Iterator[dict[str, Any]]:
    values = [moderator.values[row["site_id"]] for row in used]
    names, columns = _columns(values, moderator)
    if len(set(values)) < 2:
        yield {"value": "any", "caution": ALL_ALIKE}
    elif not enough_sites(len(used), len(names)):
        yield from ({"value": name, "caution": TOO_FEW} for name in names)
    else:
        y = np.array([math.log1p(row["entered_change_pct"] / 100) for row in used])
        errors = np.array([row["entered_log_error"] for row in used], dtype=float)
        found, without = meta_regression(y, errors, columns, names=names), reml_tau2(y, errors**2)
        caution = "" if moderator.is_amount or min(Counter(values).values()) >= FEW_SITES else FEW_ALIKE
        yield from (_coefficient(one, found, without, caution) for one in found.coefficients)


def _columns(values: Sequence[Any], moderator: _Moderator) -> tuple[list[str], Floats]:
    """Names and columns: the amount itself, or a flag for each value but `false` or the most frequent one."""
    if moderator.is_amount:
        return ["per unit"], np.array(values, dtype=float)[:, None]
    counts = Counter(sorted(values))
    reference = FALSE if FALSE in counts else max(counts, key=lambda value: counts[value], default="")
    others = [value for value in counts if value != reference]
    columns = np.array([[value == other for other in others] for value in values], dtype=float)
    return [f"{other} against {reference}" for other in others], columns


def _coefficient(one: Coefficient, found: MetaRegression, without: float, caution: str) -> dict[str, Any]:
    limits = {"": one.estimate, "_low": one.low, "_high": one.high}
    return {
        "value": one.name,
        **{f"difference{part}_pct": 100 * math.expm1(value) for part, value in limits.items()},
        "p_value": one.p_value,
        "tau2": found.tau2,
        "tau2_without": without,
        "caution": caution,
    }


def _names(models: str) -> set[str]:
    return {name.strip() for name in models.split(";")} - {""}


def _flag(value: bool) -> str:
    return TRUE if value else FALSE


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
