"""What lies between a placebo index date and the true one, and must be alike before the two arms are held together."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from evaluation.matching.terms import Terms

COUNTS_AT_INDEX: Mapping[str, str] = MappingProxyType(
    {
        f"{activity}_6_months": f"at_index_{activity}_6_months"
        for activity in ("emergency_admissions", "elective_admissions", "outpatient_attendances", "ae_attendances")
    }
)
CLASS_AT_INDEX = "at_index_emergency_discharge_class"
RECENT_CLASSES = ("0-7", "8-30", "31-90")


def with_gap(terms: Terms) -> Terms:
    """`terms` of a placebo date, and use in the last six months before the true index date.

    People join after a bad spell. Those who will are those who are going to have one, and a comparison that knew
    nothing of it would find them to be other people already. So comparison people come through the same gap: alive,
    registered, and with the same use in the months in which people are led to join; the tested months end before
    these. Discharges longer ago than 90 days are none here, since they fall into the tested months.

    By hand: age alone becomes age, four counts with their squares, and the class of the last discharge.
    """
    return replace(
        terms, counts=(*terms.counts, *COUNTS_AT_INDEX.values()), categories=(*terms.categories, CLASS_AT_INDEX)
    )
