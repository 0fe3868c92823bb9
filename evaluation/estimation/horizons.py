"""The table `estimates_by_horizon`: the weighted effect up to each follow-up horizon, with the same weights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from evaluation.estimation.brackets import with_brackets
from evaluation.estimation.cautions import NOT_FROZEN, SHORT_FOLLOW_UP_MONTHS
from evaluation.estimation.compared import ComparedPopulation
from evaluation.estimation.controlled import MATCHED_DID, WEIGHTED, controlled_estimates
from evaluation.estimation.interim import LOOK
from evaluation.estimation.metrics import Metric

_EFFECT = ("relative_change_pct", "relative_low_pct", "relative_high_pct")
_ABSOLUTE = ("change", "change_low", "change_high")
_SECOND = ("matched_did_change_pct", "matched_did_low_pct", "matched_did_high_pct")
_TEXT, _NUMBER, _COUNT, _FLAG = pl.String(), pl.Float64(), pl.Int64(), pl.Boolean()
ESTIMATES_BY_HORIZON: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "population", "design"), _TEXT),
    "horizon_months": _COUNT,
    **dict.fromkeys(("is_primary_horizon", "is_early"), _FLAG),
    **dict.fromkeys(_EFFECT, _NUMBER),
    **dict.fromkeys(("n_pilot", "n_comparator"), _COUNT),
    **dict.fromkeys(("person_years_pilot", "person_years_comparator"), _NUMBER),
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
    **dict.fromkeys(_ABSOLUTE, _NUMBER),
    **dict.fromkeys(_SECOND, _NUMBER),
    "designs_agree": _FLAG,
}


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """A length of follow-up with what was counted in it: `person_id`, `person_days` and a column per metric.

    `is_reached`: the data hold the whole of it for at least one pilot person.
    """

    months: int
    is_primary: bool
    is_reached: bool
    follow_up: pl.DataFrame


def estimates_by_horizon(
    compared: Iterable[ComparedPopulation],
    *,
    horizons: Sequence[Horizon],
    earlier: pl.DataFrame,
    metrics: Sequence[Metric],
    protocol_hash: str,
    run_id: str,
    design_state: str = NOT_FROZEN,
) -> pl.DataFrame:
    """One row per metric, population and horizon, as `controlled_estimates` has `weighted_cohort`; no subgroups.

    `change` is the absolute change per person-year (of a once-only event: in the share of people) up to the horizon.
    Beside it `matched_did` up to the same horizon, of the matched people of `compared` and their use in months -24 to
    -7 (`earlier`), and whether the two agree (see `bracket`): null where one of them has no interval.
    The weights are those of the design at every horizon. Whoever was not followed to a horizon counts with the time
    that was observed. A horizon that nobody reached has no estimate; the caution says so. Below twelve months a
    result is early (`is_early`, and in the caution). Horizons hold the same events, the longer ones those of the
    shorter: they are no independent findings.
    """
    found = [
        _labelled(
            controlled_estimates(
                [one],
                follow_up=horizon.follow_up,
                earlier=earlier,
                metrics=metrics,
                follow_up_months=horizon.months,
                protocol_hash=protocol_hash,
                run_id=run_id,
                design_state=design_state,
                designs=(WEIGHTED, MATCHED_DID),
            ),
            horizon,
        )
        for one in compared
        if not one.is_subgroup
        for horizon in horizons
    ]
    nothing = pl.DataFrame(schema=ESTIMATES_BY_HORIZON)
    return pl.concat([nothing, *found]).sort("metric_id", "population", "horizon_months", maintain_order=True)


def _labelled(estimates: pl.DataFrame, horizon: Horizon) -> pl.DataFrame:
    weighted = _with_second(estimates).with_columns(
        pl.lit(horizon.months, dtype=pl.Int64).alias("horizon_months"),
        pl.lit(horizon.is_primary).alias("is_primary_horizon"),
        pl.lit(horizon.months < SHORT_FOLLOW_UP_MONTHS).alias("is_early"),
    )
    if not horizon.is_reached:
        reason = f"No estimate: the data end before anybody's {horizon.months} months are over. "
        weighted = weighted.with_columns(
            *(pl.lit(None, dtype=pl.Float64).alias(name) for name in (*_EFFECT, *_ABSOLUTE, *_SECOND)),
            pl.lit(None, dtype=pl.Boolean).alias("designs_agree"),
            (pl.lit(reason) + pl.col("caution")).alias("caution"),
        )
    return weighted.select(pl.col(name).cast(dtype) for name, dtype in ESTIMATES_BY_HORIZON.items())


def _with_second(estimates: pl.DataFrame) -> pl.DataFrame:
    """The rows of `weighted_cohort` with the effect of `matched_did` beside them, and whether the two agree."""
    second = estimates.filter(pl.col("design") == MATCHED_DID).select(
        "metric_id", "population", *(pl.col(own).alias(name) for own, name in zip(_EFFECT, _SECOND, strict=True))
    )
    agreeing = with_brackets(estimates.with_columns(is_default=pl.col("design") == WEIGHTED))
    weighted = agreeing.filter(pl.col("design") == WEIGHTED)
    return weighted.join(second, on=["metric_id", "population"], how="left", maintain_order="left")
