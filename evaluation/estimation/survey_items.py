"""Survey items as rows of `metric_estimates`, beside the measures of use and cost."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from evaluation.estimation.effects import DETECTABLE_ERRORS
from evaluation.estimation.estimates import ESTIMANDS, METRIC_ESTIMATES, metric_columns
from evaluation.estimation.metrics import Metric, population_words

DESIGN = "uncontrolled"


def survey_item_estimates(survey_estimates: pl.DataFrame, *, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Rows of `metric_estimates` for items of instruments: shares from 0 to 1, changes in shares.

    Takes the rows of `survey_estimates` that are items (in percent) and cover everyone who answered
    (`group_name` is `all`), for the items among `metrics`. `relative_*` are null, since a change of a share
    is stated in points; `minimum_detectable_change_pct` is therefore in percentage points too:
    (1.960 + 0.842) x standard error. `n_pilot` counts the people with a valid answer in either wave.

    Raises `ValueError` if two surveys of the study ask an item of the same name.
    """
    items = survey_estimates.filter((pl.col("measure_kind") == "item") & (pl.col("group_name") == "all"))
    _refuse_ambiguous(items)
    rows = [
        _row(metric, estimate)
        for metric in metrics
        for estimate in items.filter(pl.col("measure_id") == metric.metric_id).iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=METRIC_ESTIMATES, orient="row")


def _refuse_ambiguous(items: pl.DataFrame) -> None:
    surveys = items.group_by("measure_id").agg(pl.col("extract").n_unique())
    ambiguous = sorted(surveys.filter(pl.col("extract") > 1)["measure_id"])
    if ambiguous:
        raise ValueError(f"items of the same name in more than one survey: {', '.join(ambiguous)}")


def _row(metric: Metric, estimate: dict[str, Any]) -> dict[str, Any]:
    return {
        **metric_columns(metric),
        "population": estimate["population"],
        "design": DESIGN,
        "estimator": "taylor_linearisation",
        "is_default": True,
        "estimand": ESTIMANDS[DESIGN],
        "estimand_population": f"people who answered, {population_words(estimate['population'])}",
        "pilot_baseline": _share(estimate["baseline_level"]),
        "pilot_follow_up": _share(estimate["follow_up_level"]),
        "change": _share(estimate["change"]),
        "change_low": _share(estimate["change_low"]),
        "change_high": _share(estimate["change_high"]),
        "n_pilot": estimate["n_clusters"],
        "cluster_level": estimate["cluster_level"],
        "n_clusters": estimate["n_clusters"],
        "minimum_detectable_change_pct": _detectable(estimate["standard_error"]),
        **{name: estimate[name] for name in ("p_value", "caution", "protocol_hash", "run_id")},
    }


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _detectable(standard_error: float | None) -> float | None:
    return None if standard_error is None else DETECTABLE_ERRORS * standard_error
