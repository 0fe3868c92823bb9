"""The table `subgroup_interactions`: whether the effect differs between the values of a subgroup."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import chi2

from evaluation.estimation.cautions import join
from evaluation.estimation.interim import LOOK
from evaluation.estimation.intervals import log_standard_error, quantile

POPULATION = re.compile(r"^subgroup:(?P<name>[^=]+)=(?P<value>.+)$")
EXPLORATORY = (
    "Exploratory: the protocol names no subgroups. One in twenty such tests has a p value below 0.05 by chance, and "
    "one without such a value is no evidence that the effect is the same."
)
FEWER_THAN_TWO = "No test: fewer than two values have an estimate with an interval."
SOME_LEFT_OUT = "Values with too few people for an interval are left out."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
SUBGROUP_INTERACTIONS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "subgroup", "design"), _TEXT),
    **dict.fromkeys(("subgroup_values", "subgroup_values_used"), _COUNT),
    "chi_square": _NUMBER,
    "degrees_of_freedom": _COUNT,
    "p_value": _NUMBER,
    **dict.fromkeys(("lowest_value", "highest_value"), _TEXT),
    **dict.fromkeys(("difference_pct", "difference_low_pct", "difference_high_pct"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}


@dataclass(frozen=True, kw_only=True)
class _Value:
    """A value of a subgroup with its log rate ratio and the error of that."""

    name: str
    log_ratio: float
    error: float


def subgroup_interactions(estimates: pl.DataFrame, *, protocol_hash: str, run_id: str) -> pl.DataFrame:
    """One row per metric and subgroup, from the rows `subgroup:<name>=<value>` of `metric_estimates`.

    Log rate ratios of the values against their inverse-variance mean: the sum of squares over variances is chi-square
    with values less 1 degrees of freedom if the effect is the same in all (Cochran 1954); for two values this is the
    squared difference over the sum of variances. With two values the difference is given as a ratio of rate ratios,
    later over earlier name, in percent. Values share neither pilot nor comparison people, so their errors are
    independent; each effect is one if what its design assumes holds. Values without an interval are left out; with
    fewer than two there is no test.

    By hand: log ratios 0 and 0.3 with errors 0.1: chi-square 0.09 / 0.02 = 4.5 on 1, p 0.034; difference 35%.
    """
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in estimates.rows(named=True):
        if found := POPULATION.match(row["population"]):
            key = (row["metric_id"], found["name"], row["design"])
            groups.setdefault(key, []).append(row | {"value": found["value"]})
    rows = [_row(subgroup, members) | run for (_, subgroup, _), members in groups.items()]
    return pl.DataFrame(rows, schema=SUBGROUP_INTERACTIONS, orient="row")


def _row(subgroup: str, members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    used = _used(members)
    left_out = SOME_LEFT_OUT if len(used) < len(members) else ""
    return {
        **{name: members[0][name] for name in ("metric_id", "label", "design")},
        "subgroup": subgroup,
        "subgroup_values": len(members),
        "subgroup_values_used": len(used),
        **(_test(used) if len(used) > 1 else {}),
        **(_difference(used) if len(used) == 2 else {}),
        "caution": join(EXPLORATORY, FEWER_THAN_TWO if len(used) < 2 else "", left_out),
    }


def _used(members: Sequence[dict[str, Any]]) -> list[_Value]:
    found = []
    for row in sorted(members, key=lambda row: str(row["value"])):
        error = log_standard_error(row["relative_low_pct"], row["relative_high_pct"])
        if error is not None:
            log_ratio = math.log1p(row["relative_change_pct"] / 100)
            found.append(_Value(name=row["value"], log_ratio=log_ratio, error=error))
    return found


def _test(used: Sequence[_Value]) -> dict[str, Any]:
    y, w = np.array([one.log_ratio for one in used]), np.array([one.error**-2 for one in used])
    statistic, freedom = float(w @ (y - w @ y / w.sum()) ** 2), len(used) - 1
    return {
        "chi_square": statistic,
        "degrees_of_freedom": freedom,
        "p_value": float(chi2.sf(statistic, freedom)),
        "lowest_value": used[int(y.argmin())].name,
        "highest_value": used[int(y.argmax())].name,
    }


def _difference(used: Sequence[_Value]) -> dict[str, Any]:
    first, second = used
    difference = second.log_ratio - first.log_ratio
    margin = quantile() * math.hypot(first.error, second.error)
    limits = {"": difference, "_low": difference - margin, "_high": difference + margin}
    return {f"difference{part}_pct": 100 * math.expm1(value) for part, value in limits.items()}
