"""What a reader must know before using an estimate, in plain sentences without counts."""

from evaluation.estimation.arms import Arm
from evaluation.estimation.effects import FEWEST_PEOPLE_WITH_EVENTS, varies
from evaluation.estimation.metrics import Metric

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
}
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
    return join(*sentences, *_of_metric(metric))


def share_cautions(metric: Metric, *, design: str, arms: list[Arm]) -> str:
    """All cautions on the share of people to whom a once-only event happened."""
    left_out = LEFT_OUT if any(arm.people_left_out for arm in arms) else ""
    none = "No pilot people." if not arms[0].people else ""
    return join(BY_DESIGN[design], ONCE_ONLY, none, left_out, *_of_metric(metric))


def join(*sentences: str) -> str:
    """The sentences that say something, in one line."""
    return " ".join(sentence for sentence in sentences if sentence)


def _of_metric(metric: Metric) -> tuple[str, ...]:
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
