"""What happened to compared people day by day after the index date, as arrays in the order of their design."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from evaluation.estimation.compared import ComparedPeople
from evaluation.estimation.terminal_events import (
    CumulativeMeans,
    DatedEvents,
    FollowedUp,
    Whole,
    followed_up,
    mean_cumulative_counts,
    mean_days_alive,
)
from evaluation.estimation.weighted_cohort import WeightedDesign

DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True, kw_only=True)
class UseAfterIndex:
    """Compared people after their index date, which is day 0.

    `observed`: `person_id`, `days_observed` from day 0 on, `died` (on the last of them). `by_day`: `person_id`,
    `day_from_index` and a column per kind of use, rows of days with any. `known`: `person_id` and a column per kind of
    use, null where it is not known of the person.
    """

    observed: pl.DataFrame
    by_day: pl.DataFrame
    known: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class PeopleAfterIndex:
    """The rows of a design in its order: days observed and deaths (n), and the use of whom it is known."""

    design: WeightedDesign
    days: Whole
    died: NDArray[np.bool_]
    known: pl.DataFrame
    by_day: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class ArmAfterIndex:
    """The rows of one arm (`people`), and their events of one kind."""

    people: FollowedUp
    events: DatedEvents

    def counts(self, until: Whole) -> CumulativeMeans:
        """Mean cumulative counts before each of the days `until`."""
        return mean_cumulative_counts(self.people, self.events, until=until)

    def days_alive(self, until: Whole) -> CumulativeMeans:
        """Mean days alive before each of the days `until`."""
        return mean_days_alive(self.people, until=until)

    def people_with_events(self, until: Whole) -> NDArray[np.int64]:
        """How many people had any event before each of the days `until` (T)."""
        return _people_before(self.events.person, self.events.day, self.people, until)

    def people_with_events_or_dead(self, until: Whole) -> NDArray[np.int64]:
        """How many people had any event or died before each of the days `until` (T)."""
        dead = np.flatnonzero(self.people.died)
        person = np.concatenate([self.events.person, dead])
        return _people_before(person, np.concatenate([self.events.day, self.people.days[dead] - 1]), self.people, until)

    def people_dead(self, until: Whole) -> NDArray[np.int64]:
        """How many people died before each of the days `until` (T)."""
        dead = np.flatnonzero(self.people.died)
        return _people_before(dead, self.people.days[dead] - 1, self.people, until)


def days_in_months(months: int) -> int:
    """Whole days in so many months of 30.4375 days: six months are 182 days, twelve are 365."""
    return int(months * DAYS_PER_MONTH)


def people_after_index(people: ComparedPeople, design: WeightedDesign, use: UseAfterIndex) -> PeopleAfterIndex:
    """`use` of the people of a design; whoever has no row in `observed` is not observed on any day."""
    rows = people.person_id.rename("person_id").gather(design.order).to_frame().with_row_index("row")
    observed = rows.join(use.observed, on="person_id", how="left", maintain_order="left")
    return PeopleAfterIndex(
        design=design,
        days=observed["days_observed"].fill_null(0).cast(pl.Int64).to_numpy(),
        died=observed["died"].fill_null(value=False).to_numpy(),
        known=rows.join(use.known, on="person_id", how="left", maintain_order="left"),
        by_day=rows.join(use.by_day, on="person_id", how="inner").sort("row", "day_from_index"),
    )


def arms_after_index(
    people: PeopleAfterIndex, *, kind: str, known_by: str, horizon: int
) -> tuple[ArmAfterIndex, ArmAfterIndex]:
    """Cases and comparison people with their use of one kind; whose `known_by` is not known is not observed.

    Raises `NotEstimableError` where nobody of an arm is observed until the horizon.
    """
    days = np.where(people.known[known_by].is_not_null().to_numpy(), people.days, 0)
    is_any = people.by_day[kind] > 0
    row = people.by_day.filter(is_any)["row"].cast(pl.Int64).to_numpy()
    day = people.by_day.filter(is_any)["day_from_index"].cast(pl.Int64).to_numpy()
    count = people.by_day.filter(is_any)[kind].cast(pl.Float64).to_numpy()
    weights = people.design.weights
    first_case = people.design.comparison_rows
    arms = []
    for start, end in ((first_case, days.size), (0, first_case)):
        theirs = (row >= start) & (row < end)
        arms.append(
            ArmAfterIndex(
                people=followed_up(
                    days_observed=days[start:end],
                    died=people.died[start:end],
                    weights=weights[start:end],
                    horizon=horizon,
                ),
                events=DatedEvents(person=row[theirs] - start, day=day[theirs], count=count[theirs]),
            )
        )
    return arms[0], arms[1]


def _people_before(person: Whole, day: Whole, people: FollowedUp, until: Whole) -> NDArray[np.int64]:
    first = np.full(people.days.size, people.at_risk.size, dtype=np.int64)
    counts = (day < people.days[person]) & (people.weights[person] > 0)
    np.minimum.at(first, person[counts], day[counts])
    found: NDArray[np.int64] = np.count_nonzero(first[:, None] < until, axis=0)
    return found
