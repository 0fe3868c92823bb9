"""Who joins the pilot, where and when: often people who have just been in hospital in an emergency.

People are invited at moments that follow an admission, an A&E attendance or their practice's going through its list.
Whether they join then depends on what the extracts show up to that day (admissions, age, deprivation, area) and on
chance, on nothing hidden and on nothing to come. So comparison people with the same history, who live where there is
no pilot, have the same future; a plain before-after comparison is wrong by regression to the mean. Those in the pilot
areas who never joined are no fair comparison: had they fallen ill, they might have joined.
"""

import numpy as np
import polars as pl

from evaluation.simulation.calendar import IntArray, epoch_day, shift_month
from evaluation.simulation.people import SHARE_OPTED_OUT, areas
from evaluation.simulation.settings import ENROLMENT_MONTHS, SimulationSettings

WEIGHT_AFTER_ADMISSION = 0.075
WEIGHT_AFTER_ATTENDANCE = 0.04
WEIGHT_FROM_PRACTICE_LIST = 0.04
DAYS_TO_ENROLMENT = (5, 60)
_APART = 1_000_000
_COLUMNS = ("person", "site", "index_day", "route")


def enrol(
    people: pl.DataFrame,
    stays: pl.DataFrame,
    attendances: pl.DataFrame,
    settings: SimulationSettings,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Pilot people, one row each: `person site index_day route`, `site` a position in `settings.sites`.

    `settings.people` of them, and beside them a few who opted out of the use of their data. `stays` and `attendances`
    are those of a world without a pilot, free of overlaps. Raises ValueError where too few people live in the
    pilot areas.
    """
    moments = pl.concat(
        [
            _after_admission(stays, rng),
            _after_attendance(attendances, rng),
            _from_list(people, stays, settings, rng),
        ]
    )
    invited = _invited(moments, people, settings, rng).sort("threshold", "person", "index_day")
    quotas = _quotas(settings, rng)
    joined = [
        first_joining(invited.filter(~pl.col("is_opted_out"), site=site), int(quota))
        for site, quota in enumerate(quotas)
    ]
    opted_out = first_joining(invited.filter("is_opted_out"), round(settings.people * SHARE_OPTED_OUT))
    if sum(part.height for part in joined) < settings.people:
        raise ValueError("too few people live in the pilot areas: simulate more people or fewer sites")
    return pl.concat([*joined, opted_out]).sort("person")


def first_joining(invited: pl.DataFrame, quota: int) -> pl.DataFrame:
    """The first moment at which each person joins, if a site joins everyone below the threshold that fills its quota.

    Everyone's chance at a moment depends on that moment alone; later moments do not compete with earlier ones.
    """
    order_of_people = invited.unique("person", keep="first", maintain_order=True)
    if quota == 0 or order_of_people.is_empty():
        return invited.clear().select(_COLUMNS)
    threshold = order_of_people["threshold"][min(quota, order_of_people.height) - 1]
    joining = invited.filter(pl.col("threshold") <= threshold).sort("person", "index_day", "threshold")
    return joining.unique("person", keep="first", maintain_order=True).select(_COLUMNS)


def _after_admission(stays: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    emergencies = stays.filter(kind="emergency")
    earlier = _admissions_before(emergencies, emergencies["person"].to_numpy(), emergencies["start"].to_numpy())
    return emergencies.select(
        "person",
        index_day=pl.col("end") + pl.Series(rng.integers(*DAYS_TO_ENROLMENT, emergencies.height)),
        weight=pl.Series(WEIGHT_AFTER_ADMISSION * (1 + earlier)),
        route=pl.lit("after_admission"),
    )


def _admissions_before(emergencies: pl.DataFrame, person: IntArray, day: IntArray) -> IntArray:
    """Emergency admissions of each person in the two years before each day."""
    starts = np.sort(emergencies["person"].to_numpy() * _APART + emergencies["start"].to_numpy())
    key = person * _APART + day
    counts: IntArray = np.searchsorted(starts, key) - np.searchsorted(starts, key - 730)
    return counts


def _after_attendance(attendances: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return attendances.select(
        "person",
        index_day=pl.col("day") + pl.Series(rng.integers(*DAYS_TO_ENROLMENT, attendances.height)),
        weight=pl.lit(WEIGHT_AFTER_ATTENDANCE),
        route=pl.lit("after_attendance"),
    )


def _from_list(
    people: pl.DataFrame, stays: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """Case finding: practices go through their lists by age, deprivation and earlier admissions."""
    first = min(epoch_day(site.go_live_date) for site in settings.sites)
    day = rng.integers(first, settings.last_index_day + 1, people.height)
    earlier = _admissions_before(stays.filter(kind="emergency"), people["person"].to_numpy(), day)
    return people.select(
        "person",
        index_day=pl.Series(day),
        weight=WEIGHT_FROM_PRACTICE_LIST * pl.col("need") * pl.Series(1 + 2.0 * earlier),
        route=pl.lit("practice_list"),
    )


def _invited(
    moments: pl.DataFrame, people: pl.DataFrame, settings: SimulationSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """Moments of people who live in a pilot area, while its site enrols, alive and registered, with a threshold each.

    A moment leads to joining where its threshold, exponential at the rate of its weight, is low enough.
    """
    person = moments["person"].to_numpy()
    site = _sites_of(people["area"].to_numpy(), settings, rng)[person]
    go_live = np.array([epoch_day(site.go_live_date) for site in settings.sites])
    close = np.array([min(shift_month(int(day), ENROLMENT_MONTHS), settings.last_index_day) for day in go_live])
    day = moments["index_day"].to_numpy()
    columns = ("death", "reg_start", "reg_end", "is_listed", "is_opted_out")
    death, registered, left, is_listed, is_opted_out = (people[name].to_numpy()[person] for name in columns)
    possible = (site >= 0) & (day >= go_live[site]) & (day <= close[site]) & is_listed
    possible &= (day < death) & (day >= registered) & (day <= left)
    threshold = rng.exponential(1 / moments["weight"].to_numpy())
    return moments.with_columns(
        site=pl.Series(site), threshold=pl.Series(threshold), is_opted_out=pl.Series(is_opted_out)
    ).filter(pl.Series(possible))


def _sites_of(area: IntArray, settings: SimulationSettings, rng: np.random.Generator) -> IntArray:
    """The site that each person could join, -1 outside the pilot areas; sites of one area share its people."""
    site = np.full(len(area), -1, dtype=np.int64)
    for number, code in enumerate(areas(settings)):
        there = [position for position, place in enumerate(settings.sites) if place.area == code]
        if there:
            lives_there = area == number
            site[lives_there] = rng.choice(there, int(lives_there.sum()))
    return site


def _quotas(settings: SimulationSettings, rng: np.random.Generator) -> IntArray:
    """Pilot people per site: unequal sizes that add up."""
    shares = np.cumsum(rng.uniform(0.6, 1.4, len(settings.sites)))
    bounds = np.round(settings.people * shares / shares[-1]).astype(np.int64)
    sizes: IntArray = np.diff(bounds, prepend=0)
    return sizes
