"""What a study needs for one outcome, beside what it has."""

from dataclasses import dataclass

from evaluation.planning.needs import months_needed, people_needed, sites_needed
from evaluation.planning.power import POWER, Comparison, minimum_detectable_change_pct, power
from evaluation.planning.rates import EventRate


@dataclass(frozen=True, kw_only=True)
class PlannedStudy:
    """What is there or planned: people in effect (None: nobody yet), months of follow-up, people per site.

    `comparison_per_pilot` are comparison people in effect for each pilot person; `site_spread_pct` is the standard
    deviation of the sites' own effects around the common one. `years_before` is as in `Comparison`; `sites` are the
    sites there are where the effect in question is the mean across them, None for the effect in these pilots.
    """

    pilot_people: float | None
    comparison_per_pilot: float
    months: float
    people_per_site: float
    site_spread_pct: float
    years_before: float | None = None
    sites: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """People at the months that are planned, months with the people there are, and sites that it takes.

    `power` and `minimum_detectable_change_pct` are of the people there are, None where there is nobody yet.
    `months` is None also where no follow-up up to ten years is long enough, `sites` where a thousand are too few,
    `people` where no number of people makes up for too few sites.
    """

    power: float | None
    minimum_detectable_change_pct: float | None
    people: int | None
    months: int | None
    sites: int | None

    @property
    def is_evaluable(self) -> bool:
        """Whether the people there are find the change with 80% power or more."""
        return self.power is not None and self.power >= POWER


def plan(rate: EventRate, study: PlannedStudy, *, change_pct: float) -> Plan:
    """What it takes to find a change of `change_pct` percent with 80% power at 5% two-sided.

    See `Comparison`, `people_needed`, `months_needed` and `sites_needed` for the arithmetic; what is found of the
    people there are is what `expected_power` says of the same ones. Raises `ValueError` for no change, or where there
    are no months.
    """
    if study.months <= 0:
        raise ValueError("a plan needs months of follow-up")
    found, detectable, months = None, None, None
    if study.pilot_people:
        comparison = _there(study, study.pilot_people)
        found = power(rate, comparison, change_pct=change_pct)
        detectable = minimum_detectable_change_pct(rate, comparison)
        months = months_needed(rate, comparison, change_pct=change_pct)
    return Plan(
        power=found,
        minimum_detectable_change_pct=detectable,
        people=people_needed(
            rate,
            change_pct=change_pct,
            months=study.months,
            comparison_per_pilot=study.comparison_per_pilot,
            years_before=study.years_before,
            sites=study.sites,
            site_spread_pct=study.site_spread_pct,
        ),
        months=months,
        sites=sites_needed(
            rate,
            change_pct=change_pct,
            months=study.months,
            people_per_site=study.people_per_site,
            comparison_per_pilot=study.comparison_per_pilot,
            site_spread_pct=study.site_spread_pct,
            years_before=study.years_before,
        ),
    )


def _there(study: PlannedStudy, pilot_people: float) -> Comparison:
    return Comparison(
        pilot_people=pilot_people,
        comparison_people=pilot_people * study.comparison_per_pilot,
        years=study.months / 12,
        years_before=study.years_before,
        sites=study.sites,
        site_spread_pct=study.site_spread_pct,
    )
