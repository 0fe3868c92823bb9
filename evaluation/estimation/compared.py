"""The people of a controlled design as the design stage left them, and their counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.arms import DAYS_PER_YEAR
from evaluation.estimation.metrics import Metric
from evaluation.regression import Floats


@dataclass(frozen=True, kw_only=True)
class ComparedPeople:
    """Cases and comparison people of one design, a row each (in matched sets a row for each use), n rows.

    `weights` of the cases are 1, but where the `estimand` is `ato`, the effect in the overlap population, they are
    everyone's probability of being in the other arm; `covariates` (n x p) are the columns that weights balance, or that
    the regression in matched sets adjusts for, without intercept; `set_ids` number matched sets. `record_person_id`
    says whose records a row's are, where that is not `person_id`: who enrols later stands in both arms, as one cluster.
    """

    person_id: pl.Series
    is_treated: NDArray[np.bool_]
    weights: Floats
    covariates: Floats
    set_ids: NDArray[np.int64] | None = None
    record_person_id: pl.Series | None = None
    estimand: str = "att"

    @cached_property
    def person_numbers(self) -> NDArray[np.int64]:
        """People as whole numbers from 0 (n), in the order of their ids; one number for who is in both arms."""
        ids = self.person_id if self.record_person_id is None else self.record_person_id
        return ids.rank("dense").cast(pl.Int64).to_numpy() - 1

    def people_among(self, rows: NDArray[np.bool_]) -> int:
        """How many people, each once, stand in the rows that n flags mark."""
        return int(np.count_nonzero(np.bincount(self.person_numbers[rows])))


@dataclass(frozen=True, kw_only=True)
class ComparedPopulation:
    """A population as the design stage left it; None where there are no weights or no pairs, the cautions say why.

    `pilot_people` are all its pilot people, whether or not they could be compared; of a subgroup those observed on the
    index date, since only of them it is known whether they belong to it. A subgroup (`is_subgroup`) is compared by
    weights alone, on the protocol's outcomes, as exploratory. `weighted_by` names the covariates that its weights
    balance, `matched_by` those that its pairs were made alike or equal in.
    """

    population: str
    pilot_people: int
    weighted: ComparedPeople | None
    matched: ComparedPeople | None
    weighting_caution: str
    matching_caution: str
    is_subgroup: bool = False
    weighted_by: tuple[str, ...] = ()
    matched_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Counts and person-years of n rows after the index date and in the earlier baseline; 0 years: not known.

    `years_observed` are person-years even where a once-only event is counted per person.
    """

    counts: Floats
    years: Floats
    years_observed: Floats
    counts_before: Floats
    years_before: Floats


def with_counts(
    people: ComparedPeople, follow_up: pl.DataFrame, earlier: pl.DataFrame, *, metrics: Sequence[Metric]
) -> pl.DataFrame:
    """A row per row of `people` with `person_days` and counts of `metrics`, and of the earlier baseline as `.._before`.

    No other columns: of several hundred thousand people each costs time and memory.
    """
    rows = people.person_id.rename("person_id").to_frame()
    for counts, suffix in ((follow_up, ""), (earlier, "_before")):
        wanted = [name for name in ("person_days", *(one.metric_id for one in metrics)) if name in counts.columns]
        named = counts.select("person_id", pl.col(wanted).name.suffix(suffix))
        rows = rows.join(named, on="person_id", how="left", maintain_order="left")
    return rows


def outcome_of(frame: pl.DataFrame, metric: Metric) -> Outcome:
    """One metric of a frame from `with_counts`; binary metrics count people, not years."""
    counts, observed = _numbers(frame, metric.metric_id), _numbers(frame, "person_days") / DAYS_PER_YEAR
    years = np.where(np.isnan(counts), 0.0, np.nan_to_num(observed))
    before, days_before = f"{metric.metric_id}_before", "person_days_before"
    counts_before = _numbers(frame, before) if before in frame.columns else np.full(frame.height, np.nan)
    years_before = np.where(np.isnan(counts_before), 0.0, np.nan_to_num(_numbers(frame, days_before) / DAYS_PER_YEAR))
    return Outcome(
        counts=np.where(years > 0, np.nan_to_num(counts), 0.0),
        years=(years > 0).astype(float) if metric.is_binary else years,
        years_observed=years,
        counts_before=np.where(years_before > 0, np.nan_to_num(counts_before), 0.0),
        years_before=years_before,
    )


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)
