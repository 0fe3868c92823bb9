"""The table `expected_power`: what the comparison that was designed can be expected to find, before it is looked."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from evaluation.planning.power import POWER, Comparison, minimum_detectable_change_pct, power
from evaluation.planning.rates import EventRate, event_rate

DAYS_PER_YEAR = 365.25
FEWEST_PEOPLE_WITH_EVENTS = 10
EXPECTED_POWER: dict[str, pl.DataType] = {
    **dict.fromkeys(("population", "metric_id", "label", "priority", "design"), pl.String()),
    **dict.fromkeys(("pilot_people", "comparison_people", "follow_up_years", "rate", "dispersion"), pl.Float64()),
    **dict.fromkeys(("minimum_detectable_change_pct", "smallest_worthwhile_change_pct", "power"), pl.Float64()),
    "is_evaluable": pl.Boolean(),
    "reason": pl.String(),
    "years_before": pl.Float64(),
    "sites": pl.Int64(),
    "site_spread_pct": pl.Float64(),
}
NOT_COUNTED = "Not a count of events: its power is not known before outcomes are read."
NOBODY = "No comparison people like the pilot's were found."
NO_FOLLOW_UP = "The data end before any follow-up."
NOT_KNOWN = "Use in months -24 to -7 is not known of any pilot person."
FEW_EVENTS = "Too few pilot people had any event in months -24 to -7."
NO_FALL = "No fall, however large, would be found."
NO_SIZE = "The protocol states no smallest worthwhile change."


@dataclass(frozen=True, kw_only=True)
class PlannedOutcome:
    """An outcome of the protocol; `is_count` if it is a count of events, known before the index date too."""

    metric_id: str
    label: str
    priority: str
    is_count: bool
    smallest_worthwhile_change_pct: float | None


@dataclass(frozen=True, kw_only=True)
class PlannedComparison:
    """A population as the design stage left it: its people, and the design that its default estimate will have.

    `pilot_ids` are those whose earlier use counts; `pilot_people` and `comparison_people` those compared, the latter in
    effect; `design` None where there is nobody to compare with. `follow_up_years` is what the calendar allows on
    average. `sites` and `site_spread_pct` are as in `Comparison`: None where the effect in question is the one in these
    pilots.
    """

    population: str
    pilot_ids: pl.Series
    design: str | None
    pilot_people: float
    comparison_people: float
    follow_up_years: float
    sites: int | None = None
    site_spread_pct: float = 0.0


def expected_power(
    comparisons: Sequence[PlannedComparison], *, outcomes: Sequence[PlannedOutcome], earlier: pl.DataFrame
) -> pl.DataFrame:
    """One row per population and outcome, columns `EXPECTED_POWER`; nothing after any index date is read.

    `earlier` (months -24 to -7): `person_id`, `person_days` and a column per metric, null where not known. Rate and
    dispersion are those of the population's pilot people then. Where the power can't be known, it is null and
    `reason` says why.
    """
    ordered = earlier.sort("person_id")  # sums of fractions do not depend on the order of rows
    rows = [_row(one, outcome, ordered) for one in comparisons for outcome in outcomes]
    return pl.DataFrame(rows, schema=EXPECTED_POWER, orient="row")


def _row(one: PlannedComparison, outcome: PlannedOutcome, earlier: pl.DataFrame) -> dict[str, object]:
    row: dict[str, object] = {
        "population": one.population,
        "metric_id": outcome.metric_id,
        "label": outcome.label,
        "priority": outcome.priority,
        "design": one.design,
        "pilot_people": one.pilot_people,
        "comparison_people": one.comparison_people,
        "follow_up_years": one.follow_up_years,
        "smallest_worthwhile_change_pct": outcome.smallest_worthwhile_change_pct,
        "reason": "",
        "sites": one.sites,
        "site_spread_pct": one.site_spread_pct if one.sites else None,
    }
    if not outcome.is_count:
        return row | {"reason": NOT_COUNTED}
    if one.design is None:
        return row | {"reason": NOBODY}
    if one.follow_up_years <= 0:
        return row | {"reason": NO_FOLLOW_UP}
    known = earlier.filter(
        pl.col("person_id").is_in(one.pilot_ids.implode()),
        pl.col(outcome.metric_id).is_not_null(),
        pl.col("person_days") > 0,
    )
    if known.is_empty():
        return row | {"reason": NOT_KNOWN}
    if known.filter(pl.col(outcome.metric_id) > 0).height < FEWEST_PEOPLE_WITH_EVENTS:
        return row | {"reason": FEW_EVENTS}
    years = known["person_days"].cast(pl.Float64).to_numpy() / DAYS_PER_YEAR
    rate = event_rate(known[outcome.metric_id].cast(pl.Float64).to_numpy(), years)
    return row | _power_columns(one, outcome, rate, years_before=float(years.mean()))


def _power_columns(
    one: PlannedComparison, outcome: PlannedOutcome, rate: EventRate, *, years_before: float
) -> dict[str, object]:
    comparison = Comparison(
        pilot_people=one.pilot_people,
        comparison_people=one.comparison_people,
        years=one.follow_up_years,
        years_before=years_before if one.design == "matched_did" else None,
        sites=one.sites,
        site_spread_pct=one.site_spread_pct,
    )
    detectable, worthwhile = minimum_detectable_change_pct(rate, comparison), outcome.smallest_worthwhile_change_pct
    reached = power(rate, comparison, change_pct=worthwhile) if worthwhile else None
    return {
        "years_before": comparison.years_before,
        "rate": rate.per_year,
        "dispersion": rate.dispersion,
        "minimum_detectable_change_pct": detectable,
        "power": reached,
        "is_evaluable": None if reached is None else reached >= POWER,
        "reason": " ".join(filter(None, (NO_FALL if detectable is None else "", "" if worthwhile else NO_SIZE))),
    }
