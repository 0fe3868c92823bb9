"""The table `robustness`: one row per outcome, and whether what the estimate says survives."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from evaluation.estimation.at_look import is_only_seen, limits_at_look
from evaluation.estimation.bounds import NEEDED_BIAS, WIDENED, WORTHWHILE
from evaluation.estimation.brackets import bracket
from evaluation.estimation.carried_forward import LIMITS
from evaluation.estimation.cautions import join
from evaluation.estimation.conclusions import Conclusion, concluded
from evaluation.estimation.interim import LOOK
from evaluation.estimation.robustness_words import Checks, verdict
from evaluation.estimation.sensitivity_words import excludes_no_change, placebo_caution
from evaluation.estimation.variants import (
    AS_PLANNED,
    DOUBTFUL_DEATHS_LEFT_OUT,
    LATER_ENROLLED_REWEIGHTED,
    LATER_ENROLLED_UNCENSORED,
    LOCAL,
    LOCAL_POOL,
    OTHER_SPELL_RULE,
    PLACEBO_INDEX_DATE,
    PROVIDER_LEFT_OUT,
    SITE_LEFT_OUT,
)

_TEXT, _NUMBER, _FLAG = pl.String(), pl.Float64(), pl.Boolean()
ROBUSTNESS: dict[str, pl.DataType] = {
    **dict.fromkeys(("metric_id", "label", "priority", "population", "design"), _TEXT),
    **dict.fromkeys(LIMITS, _NUMBER),
    **dict.fromkeys(("widened_low_pct", "widened_high_pct"), _NUMBER),
    "strongest_group": _TEXT,
    **dict.fromkeys(("largest_shift_pct", "masking_bias_pct"), _NUMBER),
    **dict.fromkeys(("smallest_worthwhile_change_pct", "minimum_detectable_change_pct"), _NUMBER),
    "conclusion": _TEXT,
    **dict.fromkeys(("survives_hidden_group", "designs_agree", "survives_sites_left_out"), _FLAG),
    **dict.fromkeys(("survives_doubtful_deaths_left_out", "survives_other_spell_rule", "survives_local_pool"), _FLAG),
    **dict.fromkeys(("survives_provider_left_out", "survives_later_enrolment"), _FLAG),
    "no_change_at_placebo": _FLAG,
    **dict.fromkeys(("verdict", "caution", "protocol_hash", "run_id"), _TEXT),
    **LOOK,
}
LATER_ENROLMENT = (LATER_ENROLLED_UNCENSORED, LATER_ENROLLED_REWEIGHTED)
NOT_AT_THIS_LOOK = "not_at_this_look"
SURVIVES = {
    "survives_sites_left_out": (SITE_LEFT_OUT,),
    "survives_doubtful_deaths_left_out": (DOUBTFUL_DEATHS_LEFT_OUT,),
    "survives_other_spell_rule": (OTHER_SPELL_RULE,),
    "survives_local_pool": (LOCAL_POOL,),
    "survives_provider_left_out": (PROVIDER_LEFT_OUT,),
    "survives_later_enrolment": LATER_ENROLMENT,
}


def robustness(
    sensitivity: pl.DataFrame,
    estimates: pl.DataFrame,
    *,
    worthwhile_pct: Mapping[str, float],
    published: pl.DataFrame,
) -> pl.DataFrame:
    """What each estimate of `sensitivity` (`SENSITIVITY_ESTIMATES`) concludes, and whether that survives the checks.

    `estimates` are rows of `metric_estimates`, `published` of `published_results`, whose changes in percent of the
    same metric and population serve as examples of what could have been detected. A conclusion is a fall, a rise or
    no evidence by the interval, and whether the smallest worthwhile change is shown or ruled out; it survives where
    every variant's interval concludes the same. A fall or rise that the interval shows, but not at the planned row's
    `nominal_level`, is published as `not_at_this_look`; survival is of what 95% intervals say. Flags are null where
    there is nothing to hold it against. Agreeing designs and surviving checks do not show that nothing is hidden.

    By hand: -1 (-3 to 1) is no evidence; without a site 3 (1 to 5) is a rise: it doesn't survive.
    """
    of_design = {(row["metric_id"], row["population"], row["design"]): row for row in estimates.iter_rows(named=True)}
    planned = sensitivity.filter(pl.col("analysis") == AS_PLANNED)
    rows = [
        _row(row, sensitivity, of_design, worthwhile_pct.get(row["metric_id"]), _published(row, published))
        for row in planned.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=ROBUSTNESS, orient="row")


def _row(
    planned: dict[str, Any],
    sensitivity: pl.DataFrame,
    of_design: Mapping[tuple[str, str, str], dict[str, Any]],
    worthwhile: float | None,
    published: Sequence[float],
) -> dict[str, Any]:
    key = (planned["metric_id"], planned["population"])
    theirs = sensitivity.filter(pl.col("metric_id") == key[0], pl.col("population") == key[1])
    widened = next(theirs.filter(pl.col("analysis") == WIDENED).iter_rows(named=True), None)
    conclusion = _concluded(planned, worthwhile)
    estimate = of_design.get((*key, planned["design"]))
    detectable = estimate["minimum_detectable_change_pct"] if estimate else None
    flags = {name: _survives(theirs, analyses, conclusion, worthwhile) for name, analyses in SURVIVES.items()}
    hidden_flag = _concluded(widened, worthwhile) == conclusion if widened and conclusion else None
    beside = bracket(estimate, of_design.get((*key, "matched_did"))) if estimate else None
    placebo = next(theirs.filter(pl.col("analysis") == PLACEBO_INDEX_DATE).iter_rows(named=True), None)
    low, high = (placebo[name] if placebo else None for name in LIMITS[1:])
    at_placebo = None if low is None else not excludes_no_change(low, high)
    masking = theirs.filter(pl.col("analysis") == NEEDED_BIAS, pl.col("variant") == WORTHWHILE)
    checks = Checks(
        planned=planned,
        widened=widened,
        widened_survives=hidden_flag,
        bracket=beside.words if beside else "",
        masking=masking["explanation"].item() if masking.height else "",
        sites=theirs.filter(pl.col("analysis") == SITE_LEFT_OUT)["relative_change_pct"].drop_nulls().to_list(),
        others=tuple(_others(theirs)),
        placebo=placebo["explanation"] if placebo and low is not None else "",
        survives=flags,
    )
    return {name: planned[name] for name in ("metric_id", "label", "priority", "population", "design", *LIMITS)} | {
        "widened_low_pct": widened["relative_low_pct"] if widened else None,
        "widened_high_pct": widened["relative_high_pct"] if widened else None,
        "strongest_group": widened["variant"] if widened else None,
        "largest_shift_pct": widened["shift_pct"] if widened else None,
        "masking_bias_pct": masking["value"].item() if masking.height else None,
        "smallest_worthwhile_change_pct": worthwhile,
        "minimum_detectable_change_pct": detectable,
        "conclusion": _published_conclusion(planned, conclusion),
        "survives_hidden_group": hidden_flag,
        "designs_agree": beside.is_agreed if beside else None,
        **flags,
        "no_change_at_placebo": at_placebo,
        "verdict": verdict(checks, worthwhile_pct=worthwhile, detectable_pct=detectable, published_pct=published),
        "caution": join(planned["caution"], placebo_caution(low, high)),
        "protocol_hash": planned["protocol_hash"],
        "run_id": planned["run_id"],
        **{name: planned[name] for name in LOOK},
    }


def _published_conclusion(planned: Mapping[str, Any], conclusion: Conclusion | None) -> str:
    if conclusion is None:
        return "not_known"
    change, low, high = (planned[name] for name in LIMITS)
    at_look = limits_at_look(change, low, high, nominal_level=planned["nominal_level"])
    return NOT_AT_THIS_LOOK if is_only_seen(low, high, at_look=at_look) else conclusion.effect


def _concluded(row: Mapping[str, Any], worthwhile: float | None) -> Conclusion | None:
    return concluded(row["relative_low_pct"], row["relative_high_pct"], worthwhile_pct=worthwhile)


def _survives(
    theirs: pl.DataFrame, analyses: Sequence[str], conclusion: Conclusion | None, worthwhile: float | None
) -> bool | None:
    """Whether every variant concludes the same; not known where none says otherwise but some have no interval.

    What differs from the local pool's estimate in one respect differs from the plan's in two, and counts for nothing.
    """
    in_two = pl.col("analysis").is_in(LATER_ENROLMENT) & (pl.col("variant") == LOCAL)
    rows = theirs.filter(pl.col("analysis").is_in(analyses), ~in_two).iter_rows(named=True)
    found = [_concluded(row, worthwhile) for row in rows]
    if conclusion is None or not found:
        return None
    if any(one is not None and one != conclusion for one in found):
        return False
    return None if None in found else True


def _others(theirs: pl.DataFrame) -> Iterator[str]:
    for analysis in (
        *(DOUBTFUL_DEATHS_LEFT_OUT, PROVIDER_LEFT_OUT, OTHER_SPELL_RULE, LOCAL_POOL),
        *LATER_ENROLMENT,
    ):
        rows = theirs.filter(pl.col("analysis") == analysis, pl.col("relative_change_pct").is_not_null())
        yield from rows["explanation"].to_list()


def _published(planned: dict[str, Any], published: pl.DataFrame) -> list[float]:
    """The published changes in percent of the same metric and population, each once, in their order."""
    same = published.filter(
        pl.col("comparable"),
        pl.col("metric_id") == planned["metric_id"],
        pl.col("population") == planned["population"],
        pl.col("unit") == "pct_change",
    )
    changes: list[float] = same["change"].drop_nulls().unique(maintain_order=True).to_list()
    return changes
