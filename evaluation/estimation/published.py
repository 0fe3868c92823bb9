"""Published results beside this run's own, in the published unit; never of another population or design."""

from typing import Any

import polars as pl

from evaluation.estimation.area_cautions import AREA_DID
from evaluation.estimation.area_effects import NEVER_TREATED

PERCENT, MONTHS_PER_YEAR, PER_THOUSAND = 100.0, 12.0, 1000.0
OUR_COLUMNS: dict[str, pl.DataType] = {
    "our_design": pl.String(),
    "our_estimator": pl.String(),
    **dict.fromkeys(("our_baseline", "our_follow_up"), pl.Float64()),
    **dict.fromkeys(("our_change", "our_change_low", "our_change_high"), pl.Float64()),
    "our_n_pilot": pl.Int64(),
    "our_caution": pl.String(),
    "run_id": pl.String(),
}
SAME = ("metric_id", "population", "design")
# Where a design has several estimators: the one that decision 20 names first, whatever the order of rows.
STANDS_FOR = {AREA_DID: NEVER_TREATED}
ONE_OF_SEVERAL = "Of the estimators of {design}, {estimator} stands here."
NONE_CHOSEN = (
    "This run has several {design} estimates of this metric in this population, and none stands for the others."
)
RELATIVE_UNITS = ("pct_change", "rate_ratio")
_LEVELS = {"our_baseline": "pilot_baseline", "our_follow_up": "pilot_follow_up"}
_ABSOLUTE = {"our_change": "change", "our_change_low": "change_low", "our_change_high": "change_high"}
_RELATIVE = {
    "our_change": "relative_change_pct",
    "our_change_low": "relative_low_pct",
    "our_change_high": "relative_high_pct",
}


def comparison_with_published(
    published_results: pl.DataFrame, metric_estimates: pl.DataFrame, *, follow_up_months: int, run_id: str
) -> pl.DataFrame:
    """Each published result with our estimate of the same metric, population and design: a left join.

    Metric, population and design are all the same, never the nearest. `our_*` are null, with the reason in
    `our_caution`, where the mapping says that the results are not comparable, where this run has no such
    estimate, and where the published follow-up is longer or shorter than `follow_up_months`. Of several estimators of
    a design that of `STANDS_FOR` is taken, and `our_caution` says so; without one, none is.

    Units: relative changes as they are (`pct_change`) or as ratio (`rate_ratio`); `gbp_change` and
    `per_person_change` per person over the published months, from change per person-year x months / 12;
    `rate_change` per 1,000 people a month; shares as percentages and points (`pp_change`, `pct`,
    `direction_only`). By hand: 0.6 per person-year less over six months is -0.3 per person.
    """
    estimates = metric_estimates.rows(named=True)
    rows = [
        {**published, **_ours(published, estimates, follow_up_months), "run_id": run_id}
        for published in published_results.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=dict(published_results.schema) | OUR_COLUMNS, orient="row")


def _ours(published: dict[str, Any], estimates: list[dict[str, Any]], follow_up_months: int) -> dict[str, Any]:
    if not published["comparable"]:
        return {"our_caution": f"Not comparable: {published['why_not']}"}
    months = published["horizon_months"]
    if months is not None and months != follow_up_months:
        return {"our_caution": f"Published over {months} months; this run follows people for {follow_up_months}."}
    same = [row for row in estimates if all(row[name] == published[name] for name in SAME)]
    if not same:
        design = published["design"]
        return {"our_caution": f"This run has no {design} estimate of this metric in this population."}
    ours = same[0] if len(same) == 1 else _standing_for(same)
    if ours is None:
        return {"our_caution": NONE_CHOSEN.format(design=published["design"])}
    chosen = ONE_OF_SEVERAL.format(**ours) if len(same) > 1 else ""
    return _in_published_unit(ours, unit=published["unit"], months=months) | {
        "our_design": ours["design"],
        "our_estimator": ours["estimator"],
        "our_n_pilot": ours["n_pilot"],
        "our_caution": f"{chosen} {ours['caution']}".strip() if chosen else ours["caution"],
    }


def _standing_for(several: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The one of several estimates of a design that is set beside what others published."""
    chosen = [row for row in several if row["estimator"] == STANDS_FOR.get(row["design"])]
    return chosen[0] if len(chosen) == 1 else None


def _in_published_unit(estimate: dict[str, Any], *, unit: str, months: int | None) -> dict[str, Any]:
    factor, shift = _conversion(unit, months)
    level_factor = 1.0 if unit in RELATIVE_UNITS else factor
    changes = _RELATIVE if unit in RELATIVE_UNITS else _ABSOLUTE
    return {name: _scaled(estimate[ours], level_factor) for name, ours in _LEVELS.items()} | {
        name: _scaled(estimate[ours], factor, shift) for name, ours in changes.items()
    }


def _conversion(unit: str, months: int | None) -> tuple[float | None, float]:
    """Factor and shift from our unit to the published one; no factor where there is no conversion."""
    fixed = {
        "pct_change": (1.0, 0.0),
        "rate_ratio": (1 / PERCENT, 1.0),
        "rate_change": (PER_THOUSAND / MONTHS_PER_YEAR, 0.0),
        **dict.fromkeys(("pp_change", "pct", "direction_only"), (PERCENT, 0.0)),
    }
    if unit in fixed:
        return fixed[unit]
    return (months / MONTHS_PER_YEAR if months and unit in ("gbp_change", "per_person_change") else None), 0.0


def _scaled(value: float | None, factor: float | None, shift: float = 0.0) -> float | None:
    return None if value is None or factor is None else value * factor + shift
