"""Areas by calendar month as arrays, and the same centred on go-live: what the area designs are estimated on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.regression import Floats, NotEstimableError

Integers = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
MONTHS_PER_YEAR = 12
PILOT, COMPARISON = "pilot", "comparison"
NO_PILOT = "no pilot area with a go-live date has months before and after it"
NO_COMPARISON = "there are no comparison areas: areas without a site, another programme or enrolled residents"
NOT_COVERED = "its extract covers no month for all areas"


@dataclass(frozen=True, kw_only=True)
class AreaPanel:
    """One metric of n areas over T months that are known for all of them: pilot areas first, then by code.

    `first_month` (n) is the month of go-live, `NEVER` for comparison areas, and `months` (T, rising) are months since
    year 0. `counts`, `person_years` and `enrolled_years` are n x T; every area has person-years in every month.
    """

    codes: tuple[str, ...]
    first_month: Integers
    months: Integers
    counts: Floats
    person_years: Floats
    enrolled_years: Floats

    def of(self, kept: NDArray[np.bool_]) -> "AreaPanel":
        """The panel of some of the areas (n flags)."""
        return AreaPanel(
            codes=tuple(code for code, is_kept in zip(self.codes, kept, strict=True) if is_kept),
            first_month=self.first_month[kept],
            months=self.months,
            counts=self.counts[kept],
            person_years=self.person_years[kept],
            enrolled_years=self.enrolled_years[kept],
        )

    @property
    def is_pilot(self) -> NDArray[np.bool_]:
        """Which areas have a site (n)."""
        return self.first_month < NEVER

    @property
    def is_after(self) -> NDArray[np.bool_]:
        """Which area-months are of pilot areas from go-live on (n x T)."""
        return self.months[None, :] >= self.first_month[:, None]

    @property
    def rates(self) -> Floats:
        """Counts per person-year (n x T)."""
        return self.counts / self.person_years

    @property
    def weights(self) -> Floats:
        """Mean person-years of a month, by area (n)."""
        means: Floats = self.person_years.mean(axis=1)
        return means

    @property
    def enrolled_share(self) -> float:
        """Share of the pilot areas' person-years from go-live on that is of enrolled people."""
        after = self.is_after
        return float(self.enrolled_years[after].sum() / self.person_years[after].sum())


@dataclass(frozen=True, kw_only=True)
class CentredPanel:
    """The pilot areas together, and each comparison area, by month from go-live (K months, the first after is 0).

    Every pilot area is in every month. A comparison area stands in for each pilot area at that one's calendar months;
    its counts and person-years are the mean over them, weighted by the pilot areas' person-years, so that both have
    the same mixture of calendar months and seasons. `comparison_*` are areas x K.
    """

    event_months: Integers
    pilot_counts: Floats
    pilot_years: Floats
    comparison_codes: tuple[str, ...]
    comparison_counts: Floats
    comparison_years: Floats

    def between(self, event_months: Integers) -> "CentredPanel":
        """The panel in those of its months that are among some others."""
        kept = np.isin(self.event_months, event_months)
        return CentredPanel(
            event_months=self.event_months[kept],
            pilot_counts=self.pilot_counts[kept],
            pilot_years=self.pilot_years[kept],
            comparison_codes=self.comparison_codes,
            comparison_counts=self.comparison_counts[:, kept],
            comparison_years=self.comparison_years[:, kept],
        )


def area_panel(area_months: pl.DataFrame, metric_id: str) -> AreaPanel:
    """One metric of the pilot and comparison areas, from rows of `area_months` at the level `area`.

    Months in which the metric is unknown for any area are left out, and so are areas that have nobody in some month,
    and pilot areas that went live before the first month or after the last. Raises `NotEstimableError` where no pilot
    or no comparison area is left, or no month.

    By hand: go-live on 20 July 2010 is month 2010 x 12 + 6 = 24126, and July counts as after it.
    """
    used = area_months.filter(pl.col("unit_level") == "area", pl.col("unit_role").is_in([PILOT, COMPARISON]))
    known = used.filter(pl.col(metric_id).is_not_null().all().over("month_start_date")).with_columns(
        month=_month_number("month_start_date"), first_month=_month_number("go_live_date").fill_null(NEVER)
    )
    if known.is_empty():
        raise NotEstimableError(NOT_COVERED if used.height else NO_PILOT)
    first, last = known["month"].min(), known["month"].max()
    is_within = (pl.col("first_month") > first) & (pl.col("first_month") <= last)
    kept = known.filter(
        (pl.col("person_days") > 0).all().over("unit_code"), (pl.col("unit_role") == COMPARISON) | is_within
    ).sort(pl.col("unit_role") != PILOT, "unit_code", "month")
    areas = kept.unique("unit_code", maintain_order=True)
    for role, reason in ((PILOT, NO_PILOT), (COMPARISON, NO_COMPARISON)):
        if role not in areas["unit_role"]:
            raise NotEstimableError(reason)
    return AreaPanel(
        codes=tuple(areas["unit_code"]),
        first_month=areas["first_month"].to_numpy(),
        months=kept["month"].unique().sort().to_numpy(),
        counts=_by_area(kept, metric_id, areas.height),
        person_years=_by_area(kept, "person_days", areas.height) / DAYS_PER_YEAR,
        enrolled_years=_by_area(kept, "enrolled_person_days", areas.height) / DAYS_PER_YEAR,
    )


def centred_on_go_live(panel: AreaPanel) -> CentredPanel:
    """The panel by month from go-live: the months that are known for every pilot area.

    By hand: two pilot areas alike in size, live from months 5 and 7; month 0 of a comparison area is the mean of its
    months 5 and 7.
    """
    pilots, others = np.flatnonzero(panel.is_pilot), np.flatnonzero(~panel.is_pilot)
    place = {int(month): position for position, month in enumerate(panel.months)}
    starts = panel.first_month[pilots]
    possible = range(int(panel.months[0] - starts.min()), int(panel.months[-1] - starts.min()) + 1)
    event_months = [k for k in possible if all(int(start) + k in place for start in starts)]
    at = np.array([[place[int(start) + k] for k in event_months] for start in starts], dtype=np.int64)
    at = at.reshape(pilots.size, len(event_months))
    share = panel.weights[pilots] / panel.weights[pilots].sum()
    return CentredPanel(
        event_months=np.array(event_months, dtype=np.int64),
        pilot_counts=panel.counts[pilots[:, None], at].sum(axis=0),
        pilot_years=panel.person_years[pilots[:, None], at].sum(axis=0),
        comparison_codes=tuple(panel.codes[position] for position in others),
        comparison_counts=np.einsum("p,jpk->jk", share, panel.counts[others][:, at]),
        comparison_years=np.einsum("p,jpk->jk", share, panel.person_years[others][:, at]),
    )


def _month_number(column: str) -> pl.Expr:
    day = pl.col(column)
    return day.dt.year().cast(pl.Int64) * MONTHS_PER_YEAR + day.dt.month().cast(pl.Int64) - 1


def _by_area(rows: pl.DataFrame, column: str, areas: int) -> Floats:
    values: Floats = rows[column].cast(pl.Float64).to_numpy().reshape(areas, -1)
    return values
