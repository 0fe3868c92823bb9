"""Day numbers (days since 1970-01-01), months and financial years."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

DAYS_PER_YEAR = 365.25
NEVER = 100_000  # a day number in the year 2243: later than any day that is simulated


@dataclass(frozen=True)
class FinancialYear:
    """A 1 April to 31 March, or its first months; `fyear` as 0910, `partyear` as 200999 or 201106."""

    first_day: int
    last_day: int
    fyear: str
    partyear: str


def epoch_day(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def shift_months(days: IntArray, months: int) -> IntArray:
    """The same day of the month `months` later (negative: earlier), or that month's last day where it is shorter.

    Example: 2010-08-31 less six months is 2010-02-28.
    """
    months_of = days.astype("datetime64[D]").astype("datetime64[M]")
    day_of_month = days - months_of.astype("datetime64[D]").astype(np.int64)
    first = (months_of + months).astype("datetime64[D]").astype(np.int64)
    length = (months_of + months + 1).astype("datetime64[D]").astype(np.int64) - first
    shifted: IntArray = first + np.minimum(day_of_month, length - 1)
    return shifted


def shift_month(day: int, months: int) -> int:
    """`shift_months` for one day."""
    return int(shift_months(np.array([day], dtype=np.int64), months)[0])


def weekday(days: IntArray) -> IntArray:
    """0 for Monday to 6 for Sunday."""
    weekdays: IntArray = (days + 3) % 7
    return weekdays


def next_working_day(days: IntArray) -> IntArray:
    """Saturdays and Sundays moved to the Monday after."""
    moved: IntArray = days + np.maximum(0, 7 - weekday(days)) * (weekday(days) >= 5)
    return moved


def financial_years(first_day: int, last_day: int) -> tuple[FinancialYear, ...]:
    """The financial years from the one that holds `first_day` to `last_day`; the last one may be cut short."""
    first, last = (date.fromordinal(day + date(1970, 1, 1).toordinal()) for day in (first_day, last_day))
    years = range(first.year - (first.month < 4), last.year - (last.month < 4) + 1)
    return tuple(_financial_year(year, last_day, last) for year in years)


def _financial_year(year: int, last_day: int, last: date) -> FinancialYear:
    year_end = epoch_day(date(year + 1, 3, 31))
    fyear = f"{year % 100:02d}{(year + 1) % 100:02d}"
    partyear = f"{year}99" if last_day >= year_end else f"{last:%Y%m}"
    return FinancialYear(epoch_day(date(year, 4, 1)), min(year_end, last_day), fyear, partyear)
