"""Rows of `area_months` for tests: as drawn from known rates, or as a simulated study's people lived."""

from datetime import date

import numpy as np
import polars as pl

from evaluation.estimation.area_panels import AreaPanel
from evaluation.simulation.history import History, draw_history
from evaluation.simulation.plans import Streams
from evaluation.simulation.settings import SimulationSettings

NEVER = np.iinfo(np.int64).max
EPOCH = date(1970, 1, 1)


def panel(
    counts: list[list[float]], first_month: list[int | None], *, years: float = 1.0, months: list[int] | None = None
) -> AreaPanel:
    """A panel of areas (rows) by months 0, 1, ...; `first_month` None for a comparison area."""
    values = np.array(counts, dtype=float)
    return AreaPanel(
        codes=tuple(f"a{number}" for number in range(len(counts))),
        first_month=np.array([NEVER if month is None else month for month in first_month]),
        months=np.array(months or range(values.shape[1])),
        counts=values,
        person_years=np.full(values.shape, years),
        enrolled_years=np.zeros(values.shape),
    )


def drawn_panel(
    rng: np.random.Generator, *, pilots: int, others: int, log_ratio: float = 0.0, shocks: float = 0.1
) -> AreaPanel:
    """49 months of Poisson counts, about 20 a month: levels of areas, season, shocks of areas (first-order
    autoregressive, 0.6) and of all together; pilot areas start in month 24 to 33, rates times exp(`log_ratio`) from
    then on."""
    areas, months = pilots + others, np.arange(49)
    first = np.full(areas, NEVER)
    first[:pilots] = rng.integers(24, 34, pilots)
    years = np.repeat(rng.uniform(50, 110, areas)[:, None], months.size, axis=1)
    own, common = _autoregressive(rng, areas, months.size, shocks), _autoregressive(rng, 1, months.size, 0.05)
    level = np.log(0.25) + rng.normal(0, 0.15, areas)[:, None] + 0.1 * np.sin(2 * np.pi * months / 12)
    is_after = months[None, :] >= first[:, None]
    return AreaPanel(
        codes=tuple(f"a{number:02d}" for number in range(areas)),
        first_month=first,
        months=months,
        counts=rng.poisson(years * np.exp(level + own + common + log_ratio * is_after)).astype(float),
        person_years=years,
        enrolled_years=np.zeros_like(years),
    )


def _autoregressive(rng: np.random.Generator, rows: int, columns: int, deviation: float) -> np.ndarray:
    values = np.zeros((rows, columns))
    values[:, 0] = rng.normal(0, deviation, rows)
    for column in range(1, columns):
        values[:, column] = 0.6 * values[:, column - 1] + rng.normal(0, 0.8 * deviation, rows)
    return values


class SimulatedAreas:
    """Emergency admissions of a simulated study's areas by month, in the worlds with and without the pilot."""

    def __init__(self, settings: SimulationSettings, *, seed: int) -> None:
        self.settings = settings
        self.history: History = draw_history(settings, Streams.of(np.random.default_rng(seed)))
        self.go_live = {number: site.go_live_date for number, site in enumerate(settings.sites)}
        people = self.history.people.join(self.history.pilots.select("person", "index_day"), on="person", how="left")
        last = settings.last_day + 1
        self.people = people.with_columns(
            from_day=pl.max_horizontal("dob", "reg_start", pl.lit(settings.first_day)),
            until_day=pl.min_horizontal(pl.col("death") + 1, pl.col("reg_end") + 1, pl.lit(last)),
        )
        self.months = pl.date_range(
            pl.lit(EPOCH).dt.offset_by(f"{settings.first_day}d"), settings.data_until, "1mo", eager=True
        )

    def area_months(self) -> pl.DataFrame:
        """Rows of `area_months` at the level `area`, in the world with the pilot."""
        counted = self._admissions(~pl.col("is_removed")).with_columns(
            pl.col("day").cast(pl.Date).dt.truncate("1mo").alias("month_start_date")
        )
        grid = self._days().join(
            counted.group_by("area", "month_start_date").len("emergency_admissions"),
            on=["area", "month_start_date"],
            how="left",
        )
        return grid.with_columns(
            pl.col("emergency_admissions").fill_null(0).cast(pl.Int64),
            unit_level=pl.lit("area"),
            unit_code=pl.format("area {}", pl.col("area").cast(pl.String).str.zfill(2)),
            unit_role=pl.when(pl.col("area") < len(self.go_live)).then(pl.lit("pilot")).otherwise(pl.lit("comparison")),
            go_live_date=pl.col("area").replace_strict(self.go_live, default=None, return_dtype=pl.Date),
            other_programme_start_date=pl.lit(None, dtype=pl.Date),
        )

    def true_ratio(self) -> float:
        """Admissions of the pilot areas' residents from the month of go-live on, with the pilot over without it."""
        start = {area: (day.replace(day=1) - EPOCH).days for area, day in self.go_live.items()}
        since = pl.col("day") >= pl.col("area").replace_strict(start, default=NEVER, return_dtype=pl.Int64)
        with_pilot, without = (
            self._admissions(~pl.col(flag)).filter(since).height for flag in ("is_removed", "is_added")
        )
        return with_pilot / without

    def _admissions(self, world: pl.Expr) -> pl.DataFrame:
        spans = self.people.select("person", "area", "from_day", "until_day")
        return (
            self.history.stays.filter(world, kind="emergency")
            .join(spans, on="person")
            .filter(pl.col("start").is_between("from_day", "until_day", closed="left"))
            .select("area", day=pl.col("start").cast(pl.Int32))
        )

    def _days(self) -> pl.DataFrame:
        starts = (self.months - EPOCH).dt.total_days().to_numpy()
        ends = np.append(starts[1:], self.settings.last_day + 1)
        people = self.people.filter(pl.col("from_day") < pl.col("until_day"))
        begin, end, area, index = (
            people[name].fill_null(NEVER).to_numpy() for name in ("from_day", "until_day", "area", "index_day")
        )
        parts = []
        for first, last, month in zip(starts, ends, self.months, strict=True):
            days = np.maximum(np.minimum(end, last) - np.maximum(begin, first), 0)
            enrolled = np.maximum(np.minimum(end, last) - np.maximum(np.maximum(begin, first), index), 0)
            sums = [np.bincount(area, weights=values).astype(np.int64) for values in (days, enrolled)]
            parts.append(
                pl.DataFrame({"area": np.arange(sums[0].size), "person_days": sums[0], "enrolled_person_days": sums[1]})
                .with_columns(month_start_date=pl.lit(month))
            )  # fmt: skip
        return pl.concat(parts)
