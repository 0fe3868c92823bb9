"""What the protocol says of the designs that compare areas, held against the areas there are."""

import polars as pl

from evaluation.estimation import PILOT_ROLES
from pipelines.errors import StudyError
from pipelines.protocol import Protocol
from pipelines.strict_yaml import nearest


def excluded_donors(protocol: Protocol, area_months: pl.DataFrame) -> dict[str, str]:
    """The areas that the protocol keeps out of the synthetic control, with the reason.

    Raises `StudyError` for an area that no row of `area_months` has, or that is one of the pilot's.
    """
    areas = area_months.select("unit_code", "unit_role").unique().sort("unit_code")
    of_pilot = set(areas.filter(pl.col("unit_role").is_in(PILOT_ROLES))["unit_code"])
    known = areas["unit_code"].to_list()
    for one in protocol.area_designs.excluded_donors:
        if one.area not in known:
            raise StudyError(
                f"protocol.yaml: area_designs.excluded_donors: nobody lives in an area {one.area}",
                "expected an area as the population extract names it",
                *nearest(one.area, known),
            )
        if one.area in of_pilot:
            raise StudyError(
                f"protocol.yaml: area_designs.excluded_donors: {one.area} is an area of a site",
                "pilot areas are never donors: take the line out",
            )
    return {one.area: one.reason for one in protocol.area_designs.excluded_donors}
