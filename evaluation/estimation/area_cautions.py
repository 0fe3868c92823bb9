"""What a reader must know of an estimate that compares areas, in plain sentences."""

import math
from collections.abc import Mapping

from evaluation.estimation.area_intervals import Interval
from evaluation.estimation.cautions import join, of_metric
from evaluation.estimation.few_clusters import FEW_CLUSTERS
from evaluation.estimation.metrics import Metric
from evaluation.estimation.synthetic_control import SyntheticControl
from evaluation.estimation.words import percent

AREA_DID, ITS, SYNTHETIC = "area_did", "its", "synthetic_control"
BY_AREA_DESIGN = {
    AREA_DID: (
        "Everyone in the pilot areas from go-live on, by the change since before, against areas without a site: "
        "assumes that without the pilot both would have moved alike."
    ),
    ITS: (
        "Everyone in the pilot areas, month by month before and after go-live, beside areas without a site: assumes "
        "that nothing else changed for the pilot areas alone."
    ),
    SYNTHETIC: (
        "Everyone in the pilot areas after go-live, against a weighted mix of areas without a site that went the same "
        "way before: assumes that both would have gone on alike."
    ),
}
DILUTED = (
    "Enrolled people make up {share} of the pilot areas' person-time since go-live, so an effect on them is diluted: "
    "not to be read beside effects on enrolled people."
)
GO_LIVE_MONTH = "The month of go-live counts as after, and enrolment took its time."
FEW_AREAS = f"{FEW_CLUSTERS} areas of a kind or fewer: the interval rests on few."
NO_INTERVAL = "No interval: it takes two pilot areas and two others."
NO_RELATIVE_INTERVAL = (
    "No interval of the relative change: without one of the areas, no use would be expected where the pilot is."
)
OTHER_PROGRAMME = "A pilot area has another programme as well: its effect is in this estimate."
LEFT_OUT = (
    "Pilot areas without a go-live date, without months before and after it, or without people in some month are left "
    "out."
)
SITES_WITHOUT_AREA = "Some sites name no area: areas counted as comparison may hold pilot people."
DONORS_LEFT_OUT = "Left out of the mix by the protocol: {donors}."
TREND = (
    "Level at go-live {level}, then {slope} a month; the change is the mean over the months after. One month's "
    "residual goes with the next by {lag_1:.2f}; errors by area allow for that."
)
FIT = (
    "Before go-live the mix missed the pilot areas' monthly rate by {error} on average; after, by {ratio:.1f} times as "
    "much. The p value is the share of areas, each put in the pilot's place, whose ratio is as large: it can't fall "
    "below {lowest:.3f}. No interval: placebos give none."
)
POOR_FIT = "The mix is a poor likeness before go-live: don't read the change as an effect."
WORST_FIT = 0.10


def area_cautions(
    metric: Metric, *, design: str, enrolled_share: float | None, found: str, of_study: tuple[str, ...]
) -> str:
    """All cautions on an estimate of an area design; `found` is what the estimate itself says, or why there is none."""
    diluted = "" if enrolled_share is None else DILUTED.format(share=_share(enrolled_share))
    return join(BY_AREA_DESIGN[design], diluted, found, GO_LIVE_MONTH, *of_study, *of_metric(metric))


def trend_words(level: Interval, slope: Interval, *, lag_1_correlation: float) -> str:
    """Level and slope on the log scale with their limits, and how far neighbouring months go together."""
    return TREND.format(level=_with_interval(level), slope=_with_interval(slope), lag_1=lag_1_correlation)


def fit_words(found: SyntheticControl, *, mean_before: float) -> str:
    """How near the mix came before go-live, and how the placebos are to be read."""
    error = found.fit_error / mean_before if mean_before > 0 else math.inf
    words = FIT.format(error=percent(100 * error), ratio=found.ratio, lowest=1 / (1 + found.weights.size))
    return join(words, POOR_FIT if error > WORST_FIT else "")


def donor_words(excluded: Mapping[str, str]) -> str:
    """Which areas the protocol keeps out of the mix, with its reasons; empty where it names none.

    By hand: {"Anytown": "its hospital closed."} is "Left out of the mix by the protocol: Anytown (its hospital
    closed)."
    """
    donors = "; ".join(f"{area} ({reason.strip().rstrip('.')})" for area, reason in excluded.items())
    return DONORS_LEFT_OUT.format(donors=donors) if excluded else ""


def _with_interval(change: Interval) -> str:
    """By hand: -0.105 (-0.223 to 0) on the log scale: "-10% (-20% to +0%)"."""
    estimate, low, high = (_signed(100 * math.expm1(value)) for value in (change.estimate, change.low, change.high))
    return f"{estimate} ({low} to {high})" if math.isfinite(change.low) else estimate


def _signed(value: float) -> str:
    if not math.isfinite(value):
        return ""
    size = percent(value)
    return size if size == percent(0) else f"{'-' if value < 0 else '+'}{size}"


def _share(share: float) -> str:
    return "less than 1%" if share < 0.01 else percent(100 * share)
