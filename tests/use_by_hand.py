"""Twenty cases, forty others and what they used, small enough to be counted by hand, and the tables over time."""

import numpy as np
import polars as pl

from evaluation.estimation import ComparedPeople, ComparedPopulation, Metric, PersonMonths, UseAfterIndex, over_time
from evaluation.estimation.cumulative_counts import COUNTED, IN_HOSPITAL

CASES, OTHERS = 20, 40
IDS = pl.Series([f"case{n:02d}" for n in range(CASES)] + [f"other{n:02d}" for n in range(OTHERS)])
IS_CASE = np.arange(CASES + OTHERS) < CASES
PEOPLE = ComparedPeople(
    person_id=IDS,
    is_treated=IS_CASE,
    weights=np.where(IS_CASE, 1.0, 0.5),
    covariates=np.zeros((CASES + OTHERS, 0)),
)
EVERYONE = ComparedPopulation(
    population="all_sites",
    pilot_people=CASES,
    weighted=PEOPLE,
    matched=None,
    weighting_caution="Weights are odd.",
    matching_caution="No pairs.",
    weighted_by=("outpatient_attendances_12_months", "emergency_discharge_class"),
)
METRICS = [
    Metric(metric_id=name, label=name.replace("_", " "), domain="utilisation", unit="per person-year")
    for name in (*COUNTED, "emergency_bed_days")
] + [Metric(metric_id="died", label="Died", domain="outcome", unit="share of people", is_binary=True)]
MONTHS = np.arange(-24, 2)
# 12 of 20 cases have an emergency admission on day 10 and 24 of 40 others on days 10 and 40; 10 and 10 spend two
# nights in hospital; nobody dies within two months (60 days)
FIRST_CASES, FIRST_OTHERS = IDS[:12], IDS[CASES : CASES + 24]


def by_day() -> pl.DataFrame:
    admitted = [
        *((person, 10, 1, 0) for person in FIRST_CASES),
        *((person, day, 1, 0) for person in FIRST_OTHERS for day in (10, 40)),
        *((person, day, 0, 1) for person in [*IDS[:10], *IDS[CASES : CASES + 10]] for day in (50, 51)),
    ]
    names = ("person_id", "day_from_index", "emergency_admissions", IN_HOSPITAL)
    none = {"elective_admissions": pl.lit(0), "outpatient_attendances": pl.lit(0)}
    return pl.DataFrame(admitted, schema=names, orient="row").with_columns(**none)


def use(**changes: pl.DataFrame) -> UseAfterIndex:
    frame = pl.DataFrame({"person_id": IDS, "days_observed": 400, "died": False})
    known = pl.DataFrame({"person_id": IDS, **dict.fromkeys((*COUNTED, "emergency_bed_days"), 0)})
    return UseAfterIndex(**({"observed": frame, "by_day": by_day(), "known": known} | changes))


def months(**counts: np.ndarray) -> PersonMonths:
    """Everyone has 30 days in each month; nobody has any event where `counts` does not say so."""
    shape = (IDS.len(), MONTHS.size)
    none = {name: np.zeros(shape, dtype=np.int16) for name in COUNTED}
    return PersonMonths(
        person_id=IDS, months=MONTHS, days=np.full(shape, 30, dtype=np.uint8), counts=none | dict(counts)
    )


def tables(one: ComparedPopulation = EVERYONE, *, after: UseAfterIndex | None = None, by_month=None):
    return over_time(
        [one],
        use=after or use(),
        months=by_month or months(),
        metrics=METRICS,
        follow_up_months=2,
        protocol_hash="hash",
        run_id="run",
    )


def counts_of(found, metric: str = "emergency_admissions") -> list[dict]:
    return found.mean_cumulative_counts.filter(metric_id=metric).rows(named=True)


def days_alive(found) -> dict[str, dict]:
    return {row["measure"]: row for row in found.days_alive_out_of_hospital.iter_rows(named=True)}
