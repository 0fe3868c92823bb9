"""What a reader must know before using an estimate, in plain sentences without counts."""

from dataclasses import dataclass

from evaluation.estimation.arms import Arm
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS, varies
from evaluation.estimation.metrics import Metric
from evaluation.estimation.rate_ratios import Sample

FEW_PEOPLE = 30
FEW_EVENTS = 20
SHORT_FOLLOW_UP_MONTHS = 12

BY_DESIGN = {
    "uncontrolled": (
        "Pilot people before and after, with no comparison: people join after a crisis and would have improved "
        "anyway (regression to the mean), so this change is not the effect of the pilot."
    ),
    "unmatched_did": (
        "Compared with people who were not matched to the pilot's: they differ in level of use and did not join "
        "after a crisis, so regression to the mean is still in this change."
    ),
    "weighted_cohort": (
        "Compared after the index date with people who are weighted to have the same recorded history; what no "
        "record shows may still differ."
    ),
    "matched_cohort": (
        "Compared after the index date with matched people of much the same recorded history; what no record shows "
        "may still differ."
    ),
    "matched_did": (
        "Compared by the change since months -24 to -7 before the index date with matched people: a lasting hidden "
        "difference cancels out, a passing one that led people to join does not."
    ),
}
NOT_FROZEN = "The design was not frozen before outcomes were read."
NO_DID_OF_ONCE_ONLY = "Everyone is alive at the index date: there is no change from before it to compare."
UNBALANCED = "No estimate: the weights do not make the groups alike."
UNKNOWN_AFTERWARDS = "People whose count is not known are left out."
BORROWED_DATES = "Comparison people have index dates drawn from all pilot people, not from this population's alone."
ONCE_ONLY = (
    "Everyone is alive at the index date, so the share at baseline is zero by construction and no change is "
    "stated; the follow-up shares of unmatched groups are not comparable either."
)
LEFT_OUT = "People whose count is not known in both periods are left out of both."
SHORT = f"Follow-up is shorter than {SHORT_FOLLOW_UP_MONTHS} months: an early result."
OPPOSITE = (
    "The absolute and the relative change point in different directions, because the groups start from "
    "different levels."
)


def rate_cautions(
    metric: Metric, *, design: str, pilot: Arm, comparator: Arm | None, is_part: bool, follow_up_months: int
) -> str:
    """All cautions on one estimate of a rate; `is_part` if the population is not all pilot people."""
    arms = {"pilot people": pilot} if comparator is None else {"pilot people": pilot, "comparison people": comparator}
    sentences = [
        BY_DESIGN[design],
        BORROWED_DATES if comparator is not None and is_part else "",
        *(_why_unknown(arm, who=who) for who, arm in arms.items()),
        _left_out(arms),
        SHORT if follow_up_months < SHORT_FOLLOW_UP_MONTHS else "",
    ]
    return join(*sentences, *of_metric(metric))


def share_cautions(metric: Metric, *, design: str, arms: list[Arm]) -> str:
    """All cautions on the share of people to whom a once-only event happened."""
    left_out = LEFT_OUT if any(arm.people_left_out for arm in arms) else ""
    none = "No pilot people." if not arms[0].people else ""
    return join(BY_DESIGN[design], ONCE_ONLY, none, left_out, *of_metric(metric))


def controlled_cautions(
    metric: Metric,
    *,
    design: str,
    design_state: str,
    design_caution: str,
    reason: str,
    sample: Sample | None,
    some_unknown: bool,
    follow_up_months: int,
) -> str:
    """All cautions on an estimate with weighted or matched people; `reason` says why there is none.

    `design_state` says whether the design was frozen before outcomes were read; `sample` are those the estimate rests
    on, None where there is none.
    """
    return join(
        BY_DESIGN[design],
        design_state,
        design_caution,
        reason,
        few_people(sample.cases_with_events, sample.comparators_with_events) if sample else "",
        UNKNOWN_AFTERWARDS if some_unknown else "",
        SHORT if follow_up_months < SHORT_FOLLOW_UP_MONTHS else "",
        *of_metric(metric),
    )


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the cautions on all controlled estimates of a run share."""

    design_state: str
    follow_up_months: int

    def cautions(
        self,
        metric: Metric,
        *,
        design: str,
        design_caution: str,
        reason: str,
        sample: Sample | None = None,
        some_unknown: bool = False,
    ) -> str:
        """As `controlled_cautions` has them."""
        return controlled_cautions(
            metric,
            design=design,
            design_state=self.design_state,
            design_caution=design_caution,
            reason=reason,
            sample=sample,
            some_unknown=some_unknown,
            follow_up_months=self.follow_up_months,
        )


def no_estimate(reason: str) -> str:
    """A sentence of an error's message."""
    return f"No estimate: {reason}."


def few_people(cases_with_events: int, comparators_with_events: int) -> str:
    """That an interval is missing or approximate, where few people of an arm had any event."""
    fewest = min(cases_with_events, comparators_with_events)
    if fewest < FEWEST_PEOPLE_WITH_EVENTS:
        return "Too few people of an arm had any event: no interval."
    return "Few people of an arm had any event: the interval is approximate." if fewest < FEW_EVENTS else ""


def join(*sentences: str) -> str:
    """The sentences that say something, in one line."""
    return " ".join(sentence for sentence in sentences if sentence)


def of_metric(metric: Metric) -> tuple[str, ...]:
    """What every caution on the metric ends with: unverified code lists, and the metric's notes."""
    unverified = ", ".join(metric.unverified_code_lists)
    lists = f"Rests on code lists not yet checked against their source: {unverified}." if unverified else ""
    return (lists, *metric.notes)


def _why_unknown(arm: Arm, *, who: str) -> str:
    if not arm.people and not arm.people_left_out:
        return f"No {who}."
    if not arm.people:
        return f"No {who} whose count is known in both periods."
    if not arm.has_levels:
        return f"No person-time of {who} in one of the periods."
    if not arm.has_events:
        return f"No events among {who} in one of the periods: no ratio and no interval."
    if arm.people_with_events < FEWEST_PEOPLE_WITH_EVENTS:
        return f"Too few {who} had any event: no interval."
    if not varies(arm):
        return f"All {who} with the same counts: no interval."
    if arm.clusters < FEW_PEOPLE or min(arm.events_baseline, arm.events_follow_up) < FEW_EVENTS:
        return f"Few {who} or few events: the interval is approximate."
    return ""


def _left_out(arms: dict[str, Arm]) -> str:
    return LEFT_OUT if any(arm.people and arm.people_left_out for arm in arms.values()) else ""
