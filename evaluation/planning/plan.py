"""What a study needs for one outcome, beside what it has."""

from dataclasses import dataclass

from evaluation.planning.needs import months_needed, people_needed, sites_needed
from evaluation.planning.power import POWER, Comparison, minimum_detectable_change_pct, power
from evaluation.planning.rates import EventRate


@dataclass(frozen=True, kw_only=True)
class PlannedStudy:
    """What is there or planned: people in effect (None: nobody yet), months of follow-up, people per site.

    `comparison_per_pilot` are comparison people in effect for each pilot person; `site_spread_pct` is the standard
    deviation of the sites' own effects around the common one.
    """

    pilot_people: float | None
    comparison_per_pilot: float
    months: float
    people_per_site: float
    site_spread_pct: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """People at the months that are planned, months with the people there are, and sites that it takes.

    `power` and `minimum_detectable_change_pct` are of the people there are, None where there is nobody yet.
    `months` is None also where no follow-up up to ten years is long enough, `sites` where a thousand are too few.
    """

    power: float | None
    minimum_detectable_change_pct: float | None
    people: int
    months: int | None
    sites: int | None

    @property
    def is_evaluable(self) -> bool:
        """Whether the people there are find the change with 80% power or more."""
        return self.power is not None and self.power >= POWER


def plan(rate: EventRate, study: PlannedStudy, *, change_pct: float) -> Plan:
    """What it takes to find a change of `change_pct` percent with 80% power at 5% two-sided.

    People are compared after the index date alone; see `people_needed`, `months_needed`, `sites_needed` for the
    arithmetic. Raises `ValueError` for no change, or where there are no months.
    """
    if study.months <= 0:
        raise ValueError("a plan needs months of follow-up")
    found, detectable, months = None, None, None
    if study.pilot_people:
        others = study.pilot_people * study.comparison_per_pilot
        comparison = Comparison(pilot_people=study.pilot_people, comparison_people=others, years=study.months / 12)
        found = power(rate, comparison, change_pct=change_pct)
        detectable = minimum_detectable_change_pct(rate, comparison)
        months = months_needed(rate, change_pct=change_pct, pilot_people=study.pilot_people, comparison_people=others)
    return Plan(
        power=found,
        minimum_detectable_change_pct=detectable,
        people=people_needed(
            rate, change_pct=change_pct, months=study.months, comparison_per_pilot=study.comparison_per_pilot
        ),
        months=months,
        sites=sites_needed(
            rate,
            change_pct=change_pct,
            months=study.months,
            people_per_site=study.people_per_site,
            comparison_per_pilot=study.comparison_per_pilot,
            site_spread_pct=study.site_spread_pct,
        ),
    )
