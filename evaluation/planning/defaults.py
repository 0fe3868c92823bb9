"""Rates for a study that has no data yet: published, of other people, and said to be so wherever they are used."""

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.planning.rates import EventRate

SOURCE = (
    "people of 66 and over in the United States, 1987-88 (National Medical Expenditure Survey; Deb and Trivedi 1997, "
    "Journal of Applied Econometrics 12, 313-336): hospital stays of any kind and emergency-room visits"
)
DEFAULT_RATES: Mapping[str, EventRate] = MappingProxyType(
    {
        "emergency_admissions": EventRate(per_year=0.296, dispersion=2.98),
        "ae_attendances": EventRate(per_year=0.264, dispersion=3.33),
    }
)
PEOPLE_PER_SITE = 540
PEOPLE_PER_SITE_SOURCE = "the Integrated Care Pilots: 8,691 people at 16 sites (Community Care 2012; HSJ 2012)"
