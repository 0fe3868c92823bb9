"""The tables `site_pooling` and `site_effects`: one effect across sites, and each site beside the others."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from evaluation.estimation.cautions import BY_DESIGN, NOT_FROZEN, join
from evaluation.estimation.interim import LOOK
from evaluation.estimation.intervals import log_standard_error
from evaluation.estimation.metrics import ALL_SITES, Metric
from evaluation.estimation.pooling import FEWEST_FOR_PREDICTION, LeftOut, PooledEffect, leave_one_out, pooled_effect
from evaluation.estimation.site_ratios import EnteredRatio, SiteCount, entered_ratios

CONTROLLED_DESIGNS = ("weighted_cohort", "matched_did")
SITE = "site:"
FEW_SITES = 5
NO_PEOPLE = "Too few people for a comparison of its own"
NO_ESTIMATE = "No estimate could be computed"
TOO_LITTLE = "Too little is expected of so few people"
NOT_CONTROLLED = "Nothing is pooled: the estimate to read first has no comparison people like the pilot's."
FEWER_THAN_TWO = "Nothing is pooled: fewer than two sites have an estimate of enough people."
SHARED = (
    "Sites are compared with people from the same pool, so their estimates are not quite independent, which the "
    "intervals across sites leave out."
)
MANY_LEFT_OUT = "Most sites are too small for an estimate of their own: this speaks for the others alone."
FEW = f"Fewer than {FEW_SITES} sites: how far sites differ is hardly known."

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
_RUN = dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT)
SITE_POOLING: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "design"), _TEXT),
    **dict.fromkeys(("sites", "sites_used", "pilot_people", "pilot_people_used"), _COUNT),
    **dict.fromkeys(("random_change_pct", "random_low_pct", "random_high_pct", "random_p_value"), _NUMBER),
    **dict.fromkeys(("prediction_low_pct", "prediction_high_pct"), _NUMBER),
    **dict.fromkeys(("fixed_change_pct", "fixed_low_pct", "fixed_high_pct"), _NUMBER),
    **dict.fromkeys(("tau2", "tau2_low", "tau2_high", "i2_pct", "q", "q_p_value"), _NUMBER),
    **dict.fromkeys(("without_one_lowest_pct", "without_one_highest_pct"), _NUMBER),
    "left_out": _TEXT,
    **_RUN,
    **LOOK,
}
SITE_EFFECTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "site_id", "design"), _TEXT),
    "is_used": pl.Boolean(),
    **dict.fromkeys(("entered_change_pct", "entered_log_error"), _NUMBER),
    **dict.fromkeys(("relative_change_pct", "relative_low_pct", "relative_high_pct"), _NUMBER),
    **dict.fromkeys(("shrunken_change_pct", "shrunken_low_pct", "shrunken_high_pct"), _NUMBER),
    **dict.fromkeys(("without_site_change_pct", "without_site_low_pct", "without_site_high_pct"), _NUMBER),
    "without_site_tau2": _NUMBER,
    "left_out_reason": _TEXT,
    **_RUN,
    **LOOK,
}


@dataclass(frozen=True, kw_only=True)
class AcrossSites:
    """`pooling`: `SITE_POOLING`, a row per metric; `sites`: `SITE_EFFECTS`, a row per metric and site."""

    pooling: pl.DataFrame
    sites: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Site:
    """A site's row of the design, and its ratio as it enters the mean, or the reason why it is left out."""

    row: dict[str, Any]
    entered: EnteredRatio | None = None
    reason: str = ""

    @property
    def site_id(self) -> str:
        return str(self.row["population"]).removeprefix(SITE)


@dataclass(frozen=True, kw_only=True)
class _Pooled:
    """One metric: who is in, who is not, the mean and the same without each site; None where nothing is pooled."""

    metric: Metric
    everyone: dict[str, Any]
    sites: tuple[_Site, ...]
    effect: PooledEffect | None
    without: tuple[LeftOut, ...]

    @property
    def used(self) -> tuple[_Site, ...]:
        return tuple(site for site in self.sites if not site.reason)


def across_sites(
    estimates: pl.DataFrame,
    *,
    metrics: Sequence[Metric],
    protocol_hash: str,
    run_id: str,
    design_state: str = NOT_FROZEN,
) -> AcrossSites:
    """For each metric the mean of the sites' effects and how they differ; rows of `metric_estimates` in, tables out.

    Pooled are the log rate ratios of the design that is the default of `all_sites`, so that all sites are compared in
    the same way, as `entered_ratios` has them: by what is expected of a site, not by what happened there. A site for
    which that design found no people, no estimate, or of which too little is expected is left out, and which reason it
    was is said. `random_*`: mean over sites such as these, REML and Hartung-Knapp; `fixed_*`: inverse-variance mean of
    these sites; see `pooled_effect`. Without one site in turn from three sites on. Values are null where fewer than two
    sites are left, or the default has no comparison people like the pilot's. Assumes sites independent; they share a
    pool, and the caution says so.

    By hand: 80 and 120 admissions where 100 are expected at each: entered at -0.2 and 0.2, mean 0.
    """
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    rows = estimates.filter(
        pl.col("metric_id").is_in([metric.metric_id for metric in metrics]),
        (pl.col("population") == ALL_SITES) | pl.col("population").str.starts_with(SITE),
    ).rows(named=True)
    pooled = [one for metric in metrics for one in _of_metric(metric, rows)]
    sites = [row | run for one in pooled for row in _site_rows(one)]
    return AcrossSites(
        pooling=pl.DataFrame(
            [_pooling_row(one, design_state) | run for one in pooled], schema=SITE_POOLING, orient="row"
        ),
        sites=pl.DataFrame(sites, schema=SITE_EFFECTS, orient="row"),
    )


def _of_metric(metric: Metric, rows: Sequence[dict[str, Any]]) -> Iterator[_Pooled]:
    ours = [row for row in rows if row["metric_id"] == metric.metric_id]
    for everyone in (row for row in ours if row["population"] == ALL_SITES and row["is_default"]):
        design = everyone["design"]
        sites = _entering([row for row in ours if row["population"] != ALL_SITES and row["design"] == design])
        used = [site for site in sites if not site.reason]
        is_pooled = design in CONTROLLED_DESIGNS and len(used) > 1
        effect, without = _pool(used) if is_pooled else (None, ())
        yield _Pooled(metric=metric, everyone=everyone, sites=sites, effect=effect, without=without)


def _entering(rows: Sequence[dict[str, Any]]) -> tuple[_Site, ...]:
    counts = [_count(row) for row in rows]
    entered = iter(entered_ratios([count for count in counts if isinstance(count, SiteCount)]))
    return tuple(
        _site(row, count if isinstance(count, str) else next(entered)) for row, count in zip(rows, counts, strict=True)
    )


def _site(row: dict[str, Any], entered: EnteredRatio | str | None) -> _Site:
    if isinstance(entered, EnteredRatio):
        return _Site(row=row, entered=entered)
    return _Site(row=row, reason=entered or TOO_LITTLE)


def _count(row: dict[str, Any]) -> SiteCount | str:
    """What happened at a site and what was expected; or why that is not known."""
    if not row["n_pilot"]:
        return NO_PEOPLE
    if row["relative_change_pct"] is None:
        return NO_ESTIMATE
    observed = row["pilot_follow_up"] * (row["person_years_pilot"] or row["n_pilot"])
    ratio = 1 + row["relative_change_pct"] / 100
    error = log_standard_error(row["relative_low_pct"], row["relative_high_pct"])
    return SiteCount(observed=observed, expected=observed / ratio, error=error) if ratio > 0 else NO_ESTIMATE


def _pool(used: Sequence[_Site]) -> tuple[PooledEffect | None, tuple[LeftOut, ...]]:
    entered = [site.entered for site in used if site.entered]
    ratios, errors = [one.log_ratio for one in entered], [one.error for one in entered]
    names = [site.site_id for site in used]
    without = leave_one_out(ratios, errors, sites=names) if len(used) >= FEWEST_FOR_PREDICTION else ()
    return pooled_effect(ratios, errors, sites=names), without


def _pooling_row(one: _Pooled, design_state: str) -> dict[str, Any]:
    reasons = Counter(site.reason for site in one.sites if site.reason)
    is_controlled = one.everyone["design"] in CONTROLLED_DESIGNS
    return {
        **_head(one),
        "sites": len(one.sites),
        "sites_used": len(one.used) if one.effect else 0,
        "pilot_people": one.everyone["n_pilot"],
        "pilot_people_used": sum(site.row["n_pilot"] for site in one.used) if one.effect else 0,
        **(_pooled_columns(one.effect, one.without) if one.effect else {}),
        "left_out": " ".join(f"{reason}: {_sites(number)}." for reason, number in reasons.items())
        if is_controlled
        else None,
        "caution": _caution(one, design_state),
    }


def _pooled_columns(effect: PooledEffect, without: Sequence[LeftOut]) -> dict[str, Any]:
    between = effect.heterogeneity
    others = [one.estimate for one in without]
    return {
        **_percents("random", effect.estimate, effect.low, effect.high),
        "random_p_value": effect.p_value,
        "prediction_low_pct": _percent(effect.prediction_low),
        "prediction_high_pct": _percent(effect.prediction_high),
        **_percents("fixed", effect.fixed_estimate, effect.fixed_low, effect.fixed_high),
        **{name: getattr(between, name) for name in ("tau2", "tau2_low", "tau2_high", "i2_pct", "q", "q_p_value")},
        "without_one_lowest_pct": _percent(min(others, default=None)),
        "without_one_highest_pct": _percent(max(others, default=None)),
    }


def _site_rows(one: _Pooled) -> Iterator[dict[str, Any]]:
    if one.everyone["design"] not in CONTROLLED_DESIGNS:
        return
    shrunken = {site.site: site for site in one.effect.sites} if one.effect else {}
    without = {left.site: left for left in one.without}
    for site in one.sites:
        own = {name: site.row[name] for name in ("relative_change_pct", "relative_low_pct", "relative_high_pct")}
        drawn, rest = shrunken.get(site.site_id), without.get(site.site_id)
        yield {
            **_head(one),
            "site_id": site.site_id,
            "is_used": drawn is not None,
            **(_entered(site.entered) if drawn and site.entered else {}),
            **({} if own["relative_low_pct"] is None else own),
            **(_percents("shrunken", drawn.shrunken, drawn.shrunken_low, drawn.shrunken_high) if drawn else {}),
            **(_percents("without_site", rest.estimate, rest.low, rest.high) if rest else {}),
            "without_site_tau2": rest.tau2 if rest else None,
            "left_out_reason": f"{site.reason}." if site.reason else None if drawn else FEWER_THAN_TWO,
            "caution": join(str(site.row["caution"]), SHARED if drawn else ""),
        }


def _entered(ratio: EnteredRatio) -> dict[str, float | None]:
    return {"entered_change_pct": _percent(ratio.log_ratio), "entered_log_error": ratio.error}


def _head(one: _Pooled) -> dict[str, Any]:
    names = {name: getattr(one.metric, name) for name in ("metric_id", "label", "priority")}
    return names | {"design": one.everyone["design"]}


def _caution(one: _Pooled, design_state: str) -> str:
    design = str(one.everyone["design"])
    if design not in CONTROLLED_DESIGNS:
        return join(BY_DESIGN[design], NOT_CONTROLLED)
    most = MANY_LEFT_OUT if 2 * len(one.used) < len(one.sites) else ""
    if one.effect is None:
        return join(BY_DESIGN[design], design_state, FEWER_THAN_TWO, *one.metric.notes)
    few = FEW if len(one.used) < FEW_SITES else ""
    return join(BY_DESIGN[design], design_state, SHARED, most, few, *one.metric.notes)


def _percents(name: str, estimate: float, low: float, high: float) -> dict[str, float | None]:
    values = {"change": estimate, "low": low, "high": high}
    return {f"{name}_{part}_pct": _percent(value) for part, value in values.items()}


def _percent(log_ratio: float | None) -> float | None:
    return None if log_ratio is None else 100 * math.expm1(log_ratio)


def _sites(number: int) -> str:
    return "1 site" if number == 1 else f"{number} sites"
