"""The table `target_trial`: the trial that the study would be, and how records stand in for each part of it.

After Hernan and Robins (2016, American Journal of Epidemiology 183:758-764); the elements are those that the TARGET
statement (2025) asks a report to name, with time zero as one of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from evaluation.planning.expected import FEWEST_PEOPLE_WITH_EVENTS as FEWEST_PEOPLE
from evaluation.planning.expected import PlannedOutcome

TARGET_TRIAL: dict[str, pl.DataType] = {
    "element_number": pl.Int64(),
    **dict.fromkeys(("element", "specification", "emulation"), pl.String()),
}
POOLS = {
    "outside": "people outside the pilot's areas and practices",
    "practice_unknown": "people outside the pilot's areas, of whom it is not known whether they use its practices",
    "unknown": "people of whom it is not known whether they live in the pilot's areas",
    "local": "people of the pilot's own areas",
    "pilot_practices": "people of the pilot's own practices",
}
METHODS = {
    "nearest": "the nearest in log odds of enrolment",
    "mahalanobis": "the nearest by Mahalanobis distance in the first covariates",
    "prognostic": "the nearest in the rate of the first primary outcome that an earlier cohort foretells",
    "optimal": "the least sum of differences in log odds of enrolment among people equal in the exact columns",
}
CALIPERS = {
    "pooled": "standard deviations of the log odds pooled over both groups",
    "everyone": "standard deviations of everybody's log odds",
}
OF_REGISTER = {"is_care_home_resident": "care home", "imd_quintile": "deprivation"}
TIME_ZERO = (
    "Pilot people: the first enrolment, not the referral or the day of eligibility. Only who enrolled is known as a "
    "pilot person, so whoever died, moved or got better while waiting is not among them: counted from referral, the "
    "wait would be time in which nothing could happen to them (immortal time)."
)
DRAWN = (
    "Comparison people: one of the pilot's dates, drawn by hash for each whether they enrol later or not; each is so "
    "in one of the trials that begin day by day, and covariates are those of their own date."
)
ASSUMPTIONS = (
    "Exchangeable given the covariates; somebody comparable for every pilot person; enrolment means one "
    "thing at a site; a person's use does not depend on who else enrols; leaving the data, or enrolling later as a "
    "comparison person, says nothing of the use that would have followed, given the covariates.",
    "None of these can be shown from the records. `covariate_balance` and `implied_bias` show what is recorded, "
    "`sensitivity_estimates` how strong a hidden difference would have to be; placebo index dates and negative "
    "controls can contradict, never confirm.",
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What the protocol settles, and what the data show before any outcome is read.

    `pools` are those of the design, none before anybody is compared; `exact_kept` is what pairs are equal in at last;
    `waits` by the name of a date (referral, eligibility) the days from it to the enrolment, one of each pilot person of
    whom it is known.
    """

    study: str
    follow_up_months: int
    horizons: Sequence[int]
    data_until: date
    outcomes: Sequence[PlannedOutcome]
    covariates: Sequence[str]
    exact: Sequence[str]
    ratio: int
    caliper: float
    sites_as: str
    analysis_dates: Sequence[date]
    pools: Sequence[str] = ()
    exact_kept: Sequence[str] = ()
    has_weights: bool = False
    method: str = "nearest"
    with_replacement: bool = False
    caliper_definition: str = "pooled"
    waits: Mapping[str, pl.Series] = field(default_factory=dict)


def target_trial(trial: Trial) -> pl.DataFrame:
    """One row per element, columns `TARGET_TRIAL`: what the trial asks for, and what the data do in its place."""
    elements = {
        "eligibility": _eligibility(trial),
        "time_zero": ("The day on which somebody is eligible and is assigned.", " ".join(_time_zero(trial))),
        "strategies": (
            "Join the pilot on day 0, whatever becomes of the enrolment; or not join it during follow-up.",
            "The date of leaving the pilot is not used: nobody's follow-up ends with it. A comparison person who "
            "enrols later is followed to the day before and censored then.",
        ),
        "assignment": _assignment(trial),
        "follow_up": _follow_up(trial),
        "outcomes": _outcomes(trial),
        "estimand": _estimand(),
        "assumptions": ASSUMPTIONS,
        "analysis": _analysis(trial),
    }
    rows = [(number, name, *words) for number, (name, words) in enumerate(elements.items(), start=1)]
    return pl.DataFrame(rows, schema=TARGET_TRIAL, orient="row")


def wait_words(name: str, days: pl.Series) -> str:
    """How long people waited for the enrolment: median and 90th percentile (nearest rank); nothing of few people.

    By hand: of 1 to 20 days the median is the 10th, the 90th percentile the 18th.
    """
    known = days.drop_nulls()
    if known.len() < FEWEST_PEOPLE:
        return ""
    ordered = known.sort()
    half, most = (int(ordered[-(-share * known.len() // 10) - 1]) for share in (5, 9))
    return f"From {name} to enrolment half waited {half} days or less, nine in ten {most} or less."


def _eligibility(trial: Trial) -> tuple[str, str]:
    theirs = " and ".join(POOLS.get(pool, pool) for pool in trial.pools) or "nobody, so far"
    return (
        "On day 0: born, alive, registered and in the population of the study; not enrolled in the pilot before; no "
        "opt-out from the use of their records; able to join.",
        f"The same is asked of both arms on their index date, which lies within the data; `attrition` counts who is "
        f"lost at which step. Comparison people: {theirs}; nobody whose follow-up, up to the longest horizon, reaches "
        f"into another programme that the study lists. Nobody is left out for an enrolment to come. The pilot's own "
        f"criteria are not in the data.",
    )


def _time_zero(trial: Trial) -> list[str]:
    waits = [wait_words(name, days) for name, days in trial.waits.items()]
    return [TIME_ZERO, *(words for words in waits if words), DRAWN, *_months(trial)]


def _months(trial: Trial) -> list[str]:
    if "index_month" not in trial.exact or not trial.exact_kept:
        return []
    if "index_month" in trial.exact_kept:
        return ["The dates of a pair lie in one month."]
    return ["The dates of a pair may lie months apart: equality of the month was given up for want of people."]


def _registers(trial: Trial) -> str:
    """What is taken from the population file, which knows one day alone, is not known to be as of day 0."""
    used = [words for name, words in OF_REGISTER.items() if name in (*trial.covariates, *trial.exact)]
    if not used:
        return ""
    named = f"{' and '.join(used).capitalize()} {'is' if len(used) == 1 else 'are'}"
    return (
        f" {named} as in the latest population file that is not later than day 0, else as in the latest of all: then, "
        "as `comparison_designs` says, a change since day 0, which may be an effect of the pilot, is balanced away."
    )


def _assignment(trial: Trial) -> tuple[str, str]:
    equal, alike = ", ".join(trial.exact), ", ".join(trial.covariates)
    return (
        "At random, known to those who are assigned.",
        f"By care staff and people themselves. Taken as random given what was recorded before day 0: {alike}; pairs "
        f"are looked for among people equal in {equal}.{_registers(trial)}",
    )


def _follow_up(trial: Trial) -> tuple[str, str]:
    others = [str(months) for months in trial.horizons if months != trial.follow_up_months]
    beside = f" (beside it {', '.join(others)})" if others else ""
    return (
        f"From day 0 for {trial.follow_up_months} months{beside}.",
        f"Until the day of death, the last day of registration, the last complete day of the data "
        f"({trial.data_until.isoformat()}) or the end of these months; of comparison people until the day before they "
        f"enrol.",
    )


def _outcomes(trial: Trial) -> tuple[str, str]:
    named = "; ".join(f"{one.label} ({one.priority}{_worth(one)})" for one in trial.outcomes)
    return (
        f"{named}.",
        "Counted from routine records of hospital care and from questionnaires, on observed days, the same way in both "
        "arms; by people who did not know of the study, whose recording may differ between providers "
        "(`record_quality`). Null where an extract does not cover a month.",
    )


def _worth(one: PlannedOutcome) -> str:
    change = one.smallest_worthwhile_change_pct
    return "" if change is None else f", smallest worthwhile change {change:+g}%"


def _estimand() -> tuple[str, str]:
    return (
        "Of the people who join: the rate per person-year alive and observed after day 0, over the rate had they not "
        "joined (average effect on the treated, of joining whatever becomes of it).",
        "The same, of the pilot people observed on their index date; in pairs, of those who found one. Not joining is "
        "held to during follow-up by censoring, joining is not.",
    )


def _analysis(trial: Trial) -> tuple[str, str]:
    planned = ", ".join(day.isoformat() for day in trial.analysis_dates) or "not stated"
    reuse = "somebody may be in several" if trial.with_replacement else "nobody in two"
    spread = CALIPERS[trial.caliper_definition]
    pairs = f"up to {trial.ratio} to one, caliper {trial.caliper:g} {spread}, {METHODS[trial.method]}, {reuse}"
    scope = "these pilots" if trial.sites_as == "fixed" else "the mean over sites such as these"
    default = "weights" if trial.has_weights else "pairs, since no weights were found"
    return (
        f"As randomised, of {scope}; analysis dates: {planned}.",
        f"By entropy balancing weights after the index date, beside it pairs ({pairs}) and their change from before; "
        f"default: {default}. Errors are by person, and who stands in both arms is one person in them. Settled before "
        f"outcomes are read.",
    )
