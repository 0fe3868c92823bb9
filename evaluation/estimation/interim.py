"""Estimates seen before the day they were planned for: labelled, with the level that keeps all looks honest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from evaluation.estimation.cautions import join
from evaluation.estimation.spending import nominal_level, spending_boundaries

UNPLANNED = "An interim result: the protocol plans no analysis of data until {day}."
PLANNED = "Analysis {number} of {planned} that the protocol plans."
BOUNDARY = (
    "So that all looks together keep to 5%, this one counts as a finding only with a p-value up to {level} "
    "(O'Brien-Fleming type of alpha spending, {share:.0f}% of the information); intervals stay 95% intervals."
)
NOTHING_NEW = "No follow-up has come since the last look: nothing of the 5% is left for this one."
NO_FOLLOW_UP = "No follow-up is in the data yet: nothing of the 5% may be spent."


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the data: whether the protocol planned no analysis on its day, and what a reader must know of it."""

    is_interim: bool | None
    caution: str

    @property
    def of_answers(self) -> "Look":
        """The look at questionnaires: their waves are no follow-up, so nothing is said of what it may spend."""
        return Look(is_interim=self.is_interim, caution="")


def look_at(index_dates: pl.Series, *, analysis_dates: Sequence[date], data_until: date, follow_up_months: int) -> Look:
    """The look on `data_until`, where analyses are planned on `analysis_dates` (increasing; none: nothing is said).

    `index_dates` are the pilot people's. The information at a day is the person-time of follow-up that the calendar
    allows until then, out of that until the last analysis; no outcome has a say. Every planned analysis before the day
    is taken as done.
    """
    if not analysis_dates:
        return Look(is_interim=None, caution="")
    is_interim = data_until not in analysis_dates
    passed = [day for day in analysis_dates if day <= data_until]
    words = PLANNED.format(number=len(passed), planned=len(analysis_dates))
    if is_interim:
        words = UNPLANNED.format(day=data_until)
    days = [*passed, data_until] if is_interim else passed
    shares = information_shares(index_dates, days=days, last=analysis_dates[-1], follow_up_months=follow_up_months)
    return Look(is_interim=is_interim, caution=join(words, _boundary(shares)))


def information_shares(
    index_dates: pl.Series, *, days: Sequence[date], last: date, follow_up_months: int
) -> tuple[float, ...]:
    """For each day, the person-time of follow-up until its end over that until the end of `last`, 1 at most.

    By hand: two people from 1 January and 1 July, twelve months each; by 30 June 181 days of the first, by 31 December
    365 and 184: 181 / 549 = 0.33.
    """
    ends = index_dates.dt.offset_by(f"{follow_up_months}mo")

    def person_days(until: date) -> int:
        seen = (ends.clip(upper_bound=until + timedelta(days=1)) - index_dates).dt.total_days()
        return int(seen.clip(lower_bound=0).sum())

    whole = person_days(last)
    return tuple(min(person_days(day) / whole, 1.0) if whole else 0.0 for day in days)


def with_look(estimates: pl.DataFrame, look: Look) -> pl.DataFrame:
    """`estimates` with the column `interim`, and the caution on the look at the end of theirs."""
    caution = pl.concat_str(pl.col("caution"), pl.lit(look.caution), separator=" ", ignore_nulls=True)
    return estimates.with_columns(
        interim=pl.lit(look.is_interim, dtype=pl.Boolean),
        caution=caution.str.strip_chars() if look.caution else pl.col("caution"),
    )


def _boundary(shares: Sequence[float]) -> str:
    """What the last of several looks may spend; looks without new follow-up before it spend nothing."""
    now, former = shares[-1], sorted({share for share in shares[:-1] if share > 0})
    if now <= 0:
        return NO_FOLLOW_UP
    if former and now <= former[-1]:
        return NOTHING_NEW
    level = nominal_level(spending_boundaries([*former, now])[-1])
    return BOUNDARY.format(level=f"{level:.2g}", share=100 * now)
