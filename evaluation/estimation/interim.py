"""Estimates seen before the day they were planned for: labelled, with the level that keeps all looks honest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from evaluation.estimation.added_cautions import with_caution
from evaluation.estimation.cautions import join
from evaluation.estimation.spending import nominal_level, spending_boundaries

UNPLANNED = "An interim result: the protocol plans no analysis of data until {day}."
PLANNED = "Analysis {number} of {planned} that the protocol plans."
BOUNDARY = (
    "So that all looks together keep to 5%, this one counts as a finding only with a p-value up to {level} "
    "(O'Brien-Fleming type of alpha spending, {share:.0f}% of the information); intervals stay 95% intervals."
)
NOTHING_NEW = "No follow-up has come since the last look: nothing of the 5% is left for this one."
UNPLANNED_BEFORE = "Earlier looks that the protocol does not plan count too: data until {days}."
SEEN_BEFORE = "Later data were analysed before: nothing of the 5% is left for this look."
NO_FOLLOW_UP = "No follow-up is in the data yet: nothing of the 5% may be spent."
LOOK: dict[str, pl.DataType] = {"interim": pl.Boolean(), "nominal_level": pl.Float64()}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the data: whether the protocol planned no analysis on its day, and what a reader must know of it.

    `nominal_level` is the p-value up to which a result counts as a finding at this look, 0 where none does; None where
    no looks are planned. `amended` is said where the days of the looks were amended, of every look.
    """

    is_interim: bool | None
    caution: str
    nominal_level: float | None = None
    amended: str = ""

    @property
    def of_answers(self) -> "Look":
        """The look at questionnaires: their waves are no follow-up, so nothing is said of what it may spend."""
        return Look(is_interim=self.is_interim, caution=self.amended)


def look_at(
    index_dates: pl.Series,
    *,
    analysis_dates: Sequence[date],
    data_until: date,
    follow_up_months: int,
    earlier_looks: Sequence[date] = (),
) -> Look:
    """The look on `data_until`, where analyses are planned on `analysis_dates` (increasing; none: nothing is said).

    `index_dates` are the pilot people's. The information at a day is the person-time of follow-up that the calendar
    allows until then, out of that until the last analysis; no outcome has a say. Every planned analysis before the day
    is taken as done, and so is every look in `earlier_looks`: the days until which data had been analysed, in the order
    of the analyses. The same day again is the same look, whatever was delivered in between. A look at fewer data than
    were seen before, on a day that is neither planned nor looked at, has nothing to spend, and counts for no later one.

    By hand: planned at the end of June and of December; a look at data until March counts as the first of two in June.
    """
    if not analysis_dates:
        return Look(is_interim=None, caution="")
    is_interim = data_until not in analysis_dates
    words = PLANNED.format(number=sum(day <= data_until for day in analysis_dates), planned=len(analysis_dates))
    if is_interim:
        words = UNPLANNED.format(day=data_until)
    taken = _with_new_data(earlier_looks)
    if is_interim and data_until not in taken and taken and taken[-1] > data_until:
        return Look(is_interim=True, caution=join(words, SEEN_BEFORE), nominal_level=0.0)
    former = sorted({day for day in (*analysis_dates, *taken) if day < data_until})
    others = ", ".join(day.isoformat() for day in former if day not in analysis_dates)
    shares = information_shares(
        index_dates, days=[*former, data_until], last=analysis_dates[-1], follow_up_months=follow_up_months
    )
    level, boundary = _boundary(shares)
    unplanned = UNPLANNED_BEFORE.format(days=others) if others else ""
    return Look(is_interim=is_interim, caution=join(words, unplanned, boundary), nominal_level=level)


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


def _with_new_data(days: Sequence[date]) -> list[date]:
    """Of looks in the order they were taken, those at more data than any before."""
    taken = list[date]()
    for day in days:
        if not taken or day > taken[-1]:
            taken.append(day)
    return taken


def with_look(estimates: pl.DataFrame, look: Look) -> pl.DataFrame:
    """`estimates` with the columns `LOOK`, and the caution on the look, once, at the end of theirs.

    Every published table whose numbers rest on what came after an index date goes through here, also those made of
    rows that say it already.
    """
    return with_caution(estimates, look.caution).with_columns(
        interim=pl.lit(look.is_interim, dtype=pl.Boolean),
        nominal_level=pl.lit(look.nominal_level, dtype=pl.Float64),
    )


def _boundary(shares: Sequence[float]) -> tuple[float, str]:
    """The p-value that counts at the last of several looks, in words too; looks without new follow-up spend nothing."""
    now, former = shares[-1], sorted({share for share in shares[:-1] if share > 0})
    if now <= 0:
        return 0.0, NO_FOLLOW_UP
    if former and now <= former[-1]:
        return 0.0, NOTHING_NEW
    level = nominal_level(spending_boundaries([*former, now])[-1])
    return level, BOUNDARY.format(level=f"{level:.2g}", share=100 * now)
