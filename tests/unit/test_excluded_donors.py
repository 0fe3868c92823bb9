"""Areas that the protocol keeps out of the synthetic control must be areas that could be in it."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.area_designs import excluded_donors
from pipelines.errors import StudyError
from pipelines.protocol import Protocol, load_protocol

AREAS = pl.DataFrame(
    {
        "unit_code": ["Northtown", "Southtown", "Westtown", "Easttown"],
        "unit_role": ["comparison", "pilot", "pilot_undated", "other_programme"],
    }
)


def protocol(folder: Path, *areas: str) -> Protocol:
    donors = ", ".join(f"{{area: {area}, reason: its hospital closed}}" for area in areas)
    path = folder / "protocol.yaml"
    path.write_text(
        f"""
study: a_pilot
extracts:
  admissions: {{contract: hes_apc}}
  population: {{contract: population}}
  enrolments: {{contract: pilot_enrolment}}
periods: {{baseline_months: 6, follow_up_months: 6, data_until: 2011-06-30}}
outcomes:
  - {{metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}}
area_designs: {{excluded_donors: [{donors}]}}
"""
    )
    return load_protocol(path)


def test_areas_without_a_site_may_be_excluded_with_their_reason(tmp_path):
    found = excluded_donors(protocol(tmp_path, "Northtown", "Easttown"), AREAS)
    assert found == {"Northtown": "its hospital closed", "Easttown": "its hospital closed"}
    assert excluded_donors(protocol(tmp_path), AREAS) == {}


def test_an_area_that_nobody_lives_in_is_an_error_with_the_nearest_known_one(tmp_path):
    with pytest.raises(StudyError, match="nobody lives in an area Norhtown") as refused:
        excluded_donors(protocol(tmp_path, "Norhtown"), AREAS)
    assert refused.value.exit_code == 2
    assert "did you mean: Northtown" in str(refused.value)


@pytest.mark.parametrize("area", ["Southtown", "Westtown"])
def test_a_pilot_area_is_never_a_donor_and_naming_it_is_an_error(tmp_path, area):
    with pytest.raises(StudyError, match=f"{area} is an area of a site"):
        excluded_donors(protocol(tmp_path, area), AREAS)
