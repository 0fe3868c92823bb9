"""The table `effect_statements`: what the default estimate of a protocol outcome says, in a sentence and in odds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from evaluation.estimation.brackets import NO_SECOND, Bracket, bracket_columns, brackets
from evaluation.estimation.cautions import join
from evaluation.estimation.headline import RANDOM, SitesAs, with_headlines
from evaluation.estimation.interim import LOOK
from evaluation.estimation.intervals import log_standard_error
from evaluation.estimation.metrics import Metric
from evaluation.estimation.probability import Prior, probabilities, sceptical_prior
from evaluation.estimation.words import POINTS, effect_words

PROTOCOL = ("primary", "secondary")
WITH_PROBABILITIES = ("weighted_cohort", "matched_did")
NOT_AN_EFFECT: Mapping[str, str] = {
    "uncontrolled": "This is a change over time, not the effect of the pilot.",
    "unmatched_did": "This is beside people unlike the pilot's, so it is not the effect of the pilot.",
}
UNBIASED = "The probabilities take the estimate as unbiased: hidden confounding is not in them."
NOT_FOR_A_CHANGE = "No probabilities: they would be taken for the pilot's effect, which this design does not show."
NO_INTERVAL = "No probabilities: there is no interval."
IN_THESE_PILOTS = "Of these pilots, all people together, not of the mean: "
IN_POINTS = "No probabilities: they are of rates, and this is a share."

_TEXT, _NUMBER = pl.String(), pl.Float64()
EFFECT_STATEMENTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "population", "design", "sites_as"), _TEXT),
    **dict.fromkeys(("relative_change_pct", "relative_low_pct", "relative_high_pct"), _NUMBER),
    **dict.fromkeys(("change_points", "change_low_points", "change_high_points"), _NUMBER),
    "smallest_worthwhile_change_pct": _NUMBER,
    "statement": _TEXT,
    "designs_agree": pl.Boolean(),
    **dict.fromkeys(("bracket_low_pct", "bracket_high_pct"), _NUMBER),
    "bracket": _TEXT,
    **dict.fromkeys(("probability_fell", "probability_worthwhile", "probability_rose"), _NUMBER),
    **dict.fromkeys(("prior", "caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}


def effect_statements(
    estimates: pl.DataFrame,
    *,
    metrics: Sequence[Metric],
    pooling: pl.DataFrame,
    sites_as: SitesAs,
    largest_likely_change_pct: float,
    protocol_hash: str,
    run_id: str,
) -> pl.DataFrame:
    """A row per population and protocol outcome of `metrics`: the default row of `metric_estimates` in plain words.

    Rates in percent, with the smallest worthwhile change where the protocol names one and the design has comparison
    people like the pilot's; shares of answers in percentage points, without it. `nominal_level` is that of the
    estimate: what it does not count as a finding is not stated as one. Probabilities that the rate fell, moved by the
    worthwhile change or more, and rose, with the stated prior (see `probabilities`; `largest_likely_change_pct` is its
    spread, see `sceptical_prior`), for those designs alone: for others, without an interval and for shares they are
    null, and the caution says why. `bracket` holds it against `matched_did`, see `bracket`.

    What `all_sites` says is the effect in these pilots (`sites_as` `fixed`) or the mean across sites from `pooling`
    (`random`), see `with_headlines`; the error behind the probabilities is then the width of Hartung and Knapp's
    interval over that of a normal one, which is larger than the error itself.

    By hand: -10% (-14 to -6), worthwhile -5: "A fall of about 10% (95% interval 6% to 14%). A fall of at least 5%, the
    smallest that is worth while, is shown."; the probability of a fall is close to 1.
    """
    run = {"protocol_hash": protocol_hash, "run_id": run_id}
    prior = sceptical_prior(largest_likely_change_pct)
    outcomes = {metric.metric_id: metric for metric in metrics if metric.priority in PROTOCOL}
    is_planned = pl.col("metric_id").is_in(list(outcomes)) & pl.col("priority").is_in(PROTOCOL)
    chosen = estimates.filter("is_default", is_planned)
    beside = brackets(estimates)
    rows = [
        _row(row, outcomes[row["metric_id"]], prior, beside.get((row["metric_id"], row["population"])), across) | run
        for row, across in with_headlines(chosen, pooling=pooling, sites_as=sites_as)
    ]
    return pl.DataFrame(rows, schema=EFFECT_STATEMENTS, orient="row")


def _row(row: Mapping[str, Any], metric: Metric, prior: Prior, beside: Bracket | None, across: str) -> dict[str, Any]:
    relative = tuple(row[f"relative_{part}_pct"] for part in ("change", "low", "high"))
    points = tuple(_points(row[name]) if metric.is_item else None for name in ("change", "change_low", "change_high"))
    worth = None if metric.is_item else metric.smallest_worthwhile_change_pct
    error = log_standard_error(row["relative_low_pct"], row["relative_high_pct"])
    reason = _why_none(row, metric, error)
    return {
        **{name: row[name] for name in ("metric_id", "label", "priority", "population", "design", "sites_as")},
        **{name: row[name] for name in ("relative_change_pct", "relative_low_pct", "relative_high_pct")},
        **dict(zip(("change_points", "change_low_points", "change_high_points"), points, strict=True)),
        "smallest_worthwhile_change_pct": worth,
        "statement": join(_words(row, metric, relative, points), across, _not_an_effect(row)),
        **bracket_columns(beside),
        "bracket": _bracket(row, beside),
        **({} if reason or error is None else _probabilities(row, error, worth, prior)),
        "caution": join(str(row["caution"]), reason or UNBIASED),
        **{name: row[name] for name in LOOK},
    }


def _words(
    row: Mapping[str, Any], metric: Metric, relative: tuple[float | None, ...], points: tuple[float | None, ...]
) -> str:
    if metric.is_item:
        return effect_words(*points, unit=POINTS)
    worth = metric.smallest_worthwhile_change_pct if row["design"] in WITH_PROBABILITIES else None
    return effect_words(
        *relative,
        smallest_worthwhile_change_pct=worth,
        nominal_level=row["nominal_level"],
        degrees_of_freedom=row["degrees_of_freedom"],
    )


def _bracket(row: Mapping[str, Any], beside: Bracket | None) -> str:
    if beside is None:
        return NO_SECOND
    return f"{IN_THESE_PILOTS}{beside.words}" if row["sites_as"] == RANDOM else beside.words


def _not_an_effect(row: Mapping[str, Any]) -> str:
    is_stated = row["relative_change_pct"] is not None or row["change"] is not None
    return NOT_AN_EFFECT.get(str(row["design"]), "") if is_stated else ""


def _why_none(row: Mapping[str, Any], metric: Metric, error: float | None) -> str:
    if metric.is_item:
        return IN_POINTS
    if row["design"] not in WITH_PROBABILITIES:
        return NOT_FOR_A_CHANGE
    return NO_INTERVAL if error is None else ""


def _probabilities(row: Mapping[str, Any], error: float, worth: float | None, prior: Prior) -> dict[str, Any]:
    log_ratio = math.log1p(row["relative_change_pct"] / 100)
    found = probabilities(log_ratio, error, prior=prior, smallest_worthwhile_change_pct=worth or None)
    return {
        "probability_fell": found.fell,
        "probability_worthwhile": found.worthwhile,
        "probability_rose": found.rose,
        "prior": prior.words,
    }


def _points(share: float | None) -> float | None:
    return None if share is None else 100 * share
