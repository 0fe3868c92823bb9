"""Sensitivity of an estimate in plain words: what was changed, what that did, what it would take."""

from evaluation.estimation.sensitivity import EValue
from evaluation.estimation.variants import (
    AS_PLANNED,
    DOUBTFUL_DEATHS_LEFT_OUT,
    HIDDEN_GROUP,
    LATER_ENROLLED_REWEIGHTED,
    LATER_ENROLLED_UNCENSORED,
    LOCAL,
    LOCAL_POOL,
    OTHER_SPELL_RULE,
    PROVIDER_LEFT_OUT,
    SITE_LEFT_OUT,
    Shift,
)
from evaluation.estimation.words import NO_WORDS, effect_words, percent

BENCHMARK = "A benchmark from what is recorded: what nobody recorded may matter less or more."
PROVES_NOTHING = "That is no proof that nothing is hidden: such checks find hidden differences only rarely."
STILL_DIFFERENT = "The groups may still differ in something that is not recorded, or this is chance."
AT_PLACEBO = "At a placebo index date twelve months earlier, when nobody was treated"
PLACEBO_RISE = (
    "At a placebo index date the method finds a rise that nobody caused: the groups differ in something that is not "
    "recorded, or people joined because of their use in just those months, which looks the same."
)
PLACEBO_FALL = (
    "At a placebo index date the method finds a fall that nobody caused: the groups differ in something that is not "
    "recorded."
)
OVERLAP = (
    "Exploratory: another question than the plan's, and no part of the verdict. It is about people whose recorded "
    "history gave them something like even chances of being a pilot or a comparison person, who count most; those "
    "whose joining was likeliest, as a rule people in a crisis, count least."
)
USE_IN_OVERLAP = (
    "Weighted so, pilot people had {size} {how} emergency admissions in the three months before than all of them had."
)
CHANGED = {
    HIDDEN_GROUP: "With {variant} hidden from the weights",
    SITE_LEFT_OUT: "Without the pilot people of site {variant}",
    DOUBTFUL_DEATHS_LEFT_OUT: "Without people whose date of death is doubtful",
    PROVIDER_LEFT_OUT: "Without the people of providers whose recording changed ({variant})",
    OTHER_SPELL_RULE: "With stays joined by the rule {variant}",
    LOCAL_POOL: "Compared with people of the pilot's own areas and practices",
    LATER_ENROLLED_UNCENSORED: "With comparison people{variant} followed past their own enrolment",
    LATER_ENROLLED_REWEIGHTED: (
        "With comparison people{variant} who had not enrolled standing for those like them who had"
    ),
}


def signed(value: float) -> str:
    """A percentage with its sign, `percent` otherwise; no sign where it rounds to zero."""
    size = percent(value)
    return size if size == "0%" else f"{'-' if value < 0 else '+'}{size}"


def group_words(group: str) -> str:
    """A group of covariates as a reader knows it."""
    return group.replace("_", " ")


def effect_in_question(against_pct: float) -> str:
    """What a bound is held against: "no change" or "a change of -5%"."""
    return "no change" if against_pct == 0 else f"a change of {signed(against_pct)}"


def variant_words(analysis: str, variant: str, relative_change_pct: float | None, shift_pct: float | None) -> str:
    """What was done differently, the estimate it gave, and how far the rate ratio moved.

    By hand: rate ratio 1.02 as planned and 1.03 without a group: 100 x (1.03 / 1.02 - 1) = +1%.
    """
    if relative_change_pct is None:
        return NO_WORDS
    if analysis == AS_PLANNED:
        return f"As planned, the change is {signed(relative_change_pct)}."
    changed = CHANGED[analysis].format(variant=_variant_name(analysis, variant))
    moved = "" if shift_pct is None else f": a shift of {signed(shift_pct)}"
    return f"{changed}, the change is {signed(relative_change_pct)}{moved}."


def _variant_name(analysis: str, variant: str) -> str:
    if analysis == HIDDEN_GROUP:
        return group_words(variant)
    if analysis in (LATER_ENROLLED_UNCENSORED, LATER_ENROLLED_REWEIGHTED):
        return " of the pilot's own areas and practices" if variant == LOCAL else ""
    return variant


def negative_control_words(change_pct: float | None, low_pct: float | None, high_pct: float | None) -> str:
    """What a metric that the pilot can't have changed shows; never that nothing is hidden.

    By hand: 4 (1 to 7) excludes no change, so the groups differ; -1 (-5 to 3) does not, which proves nothing.
    """
    if change_pct is None or low_pct is None or high_pct is None:
        return f"A negative control. {effect_words(change_pct, low_pct, high_pct)}"
    interval = f"{signed(change_pct)} (95% interval {signed(low_pct)} to {signed(high_pct)})"
    if low_pct <= 0 <= high_pct:
        return f"A negative control, which the pilot can't have changed: {interval}. {PROVES_NOTHING}"
    return f"A negative control, which the pilot can't have changed, differs: {interval}. {STILL_DIFFERENT}"


def excludes_no_change(low_pct: float | None, high_pct: float | None) -> bool:
    """Whether an interval in percent lies on one side of no change; False without one."""
    return low_pct is not None and high_pct is not None and not low_pct <= 0 <= high_pct


def overlap_words(relative_change_pct: float | None) -> str:
    """What the effect in the overlap population is, without a shift: it is that of other people, not of another method.

    By hand: +3 is "Among the people whose chances of being enrolled were nearest to even, the change is +3%."
    """
    if relative_change_pct is None:
        return NO_WORDS
    return (
        "Among the people whose chances of being enrolled were nearest to even, the change is "
        f"{signed(relative_change_pct)}: the answer to another question."
    )


def overlap_caution(share: float | None) -> str:
    """Whom the effect in the overlap population speaks for; `share` is the effective number of cases over their number.

    By hand: 0.62 is "In effect it speaks for 62% of the pilot people."
    """
    return (
        OVERLAP if share is None else f"{OVERLAP} In effect it speaks for {percent(100 * share)} of the pilot people."
    )


def use_in_overlap(weighted_mean: float, mean: float) -> str:
    """How the pilot people whom overlap weights count most differ in use from all of them; nothing without any use.

    By hand: 0.39 emergency admissions against 0.54 are 28% fewer.
    """
    if not mean > 0:
        return ""
    difference = 100 * (weighted_mean / mean - 1)
    return USE_IN_OVERLAP.format(size=percent(difference), how="fewer" if difference < 0 else "more")


def placebo_caution(low_pct: float | None, high_pct: float | None) -> str:
    """What to know where the interval at a placebo index date excludes no change; empty where it doesn't."""
    if not excludes_no_change(low_pct, high_pct):
        return ""
    return PLACEBO_RISE if low_pct is not None and low_pct > 0 else PLACEBO_FALL


def placebo_words(change_pct: float | None, low_pct: float | None, high_pct: float | None) -> str:
    """What the method finds where nothing can have happened.

    By hand: -1 (-6 to 4) is nothing; -8 (-12 to -3) is a fall that it invents.
    """
    if change_pct is None or low_pct is None or high_pct is None:
        return NO_WORDS
    interval = f"{signed(change_pct)} (95% interval {signed(low_pct)} to {signed(high_pct)})"
    if not excludes_no_change(low_pct, high_pct):
        return f"{AT_PLACEBO}: {interval}, no evidence of a change that the method invents."
    kind = "rise" if change_pct > 0 else "fall"
    return f"{AT_PLACEBO}: {interval}, a {kind} that the pilot can't have caused."


def widened_words(low_pct: float, high_pct: float, shift: Shift) -> str:
    """The widened interval, and whose hiding widened it."""
    return (
        f"Widened on both sides by as much as hiding {group_words(shift.group)} moved the estimate, the 95% interval "
        f"is {signed(low_pct)} to {signed(high_pct)}. {BENCHMARK}"
    )


def needed_bias_words(against_pct: float, bias_pct: float, shift: Shift | None) -> str:
    """Which hidden bias would make `against_pct` the truth, beside what hiding a recorded group did.

    `bias_pct`: 100 x (estimated ratio over the ratio in question - 1).
    """
    if percent(bias_pct) == "0%":
        return f"The estimate is {effect_in_question(against_pct)}: no hidden difference is needed for that to be true."
    direction = "high" if bias_pct > 0 else "low"
    needed = (
        f"For {effect_in_question(against_pct)} to be the truth, what is not recorded must make the pilot people's "
        f"rate look {percent(bias_pct)} too {direction}"
    )
    if shift is None:
        return f"{needed}."
    most = f"hiding {group_words(shift.group)}, the recorded group that matters most, did {percent(shift.pct)}"
    return f"{needed}; {most}."


def e_value_words(against_pct: float, strength: EValue, shift_strength: float | None) -> str:
    """What a confounder would have to be like for `against_pct` to be the truth; one decimal of its strength."""
    question, times = effect_in_question(against_pct), f"{strength.of_estimate:.1f}"
    words = (
        f"For {question} to be the truth, something that is not recorded would have to be {times} times as likely in "
        f"one group as in the other and to change the rate {times}-fold, beyond all that is recorded"
    )
    if shift_strength is not None:
        words = f"{words}; with {shift_strength:.1f} it would match the recorded group that matters most"
    return f"{words}."


def e_value_of_limit_words(against_pct: float, strength: float) -> str:
    """The same for the interval to reach `against_pct`."""
    question = effect_in_question(against_pct)
    if strength == 1:
        return f"The 95% interval covers {question} without any hidden difference."
    return f"For the 95% interval to reach {question}, {strength:.1f} times and {strength:.1f}-fold would be enough."


def tipping_words(against_pct: float, shift_pct: float, *, covers: bool) -> str:
    """The least hidden bias that changes whether the interval covers `against_pct`."""
    question = effect_in_question(against_pct)
    now, then = ("covers", "exclude it") if covers else ("excludes", "cover it")
    return f"The 95% interval {now} {question}; a hidden bias of {percent(shift_pct)} would make it {then}."
