"""Comparison people of a frozen design are found again, whether they have enrolled since or not."""

import polars as pl
import pytest

from pipelines.frozen_people import with_ids_of_today
from pipelines.warehouse import Warehouse

# C and D were compared with the cases A and B; B stood beside A, too, before their own enrolment.
PEOPLE = pl.DataFrame(
    {
        "person_id": ["A", "B", "B before enrolment", "C", "D"],
        "record_person_id": ["A", "B", "B", "C", "D"],
        "is_treated": [True, True, False, False, False],
    }
)
PAIRS = pl.DataFrame({"pilot_person_id": ["A", "A", "B"], "comparison_person_id": ["B before enrolment", "C", "C"]})
WEIGHTS = pl.DataFrame({"person_id": ["B before enrolment", "C", "D"], "weight": [0.5, 0.3, 0.2]})
TABLES = {"design_people": PEOPLE, "matched_pairs": PAIRS, "comparison_weights": WEIGHTS}
AT_THE_FREEZE = {"A": "A before enrolment", "B": "B before enrolment", "C": "C", "D": "D"}


@pytest.fixture
def warehouse(tmp_path):
    with Warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        yield warehouse


def ids_of_today(warehouse, today):
    candidates = pl.DataFrame({"record_person_id": list(today), "person_id": list(today.values())})
    warehouse.write("comparison_candidates", candidates)
    found = with_ids_of_today(TABLES, warehouse)
    return [found["design_people"]["person_id"].to_list(), found["matched_pairs"]["comparison_person_id"].to_list(),
            found["comparison_weights"]["person_id"].to_list()]  # fmt: skip


def test_nobody_has_another_id_while_nobody_else_enrols(warehouse):
    assert ids_of_today(warehouse, AT_THE_FREEZE) == [
        PEOPLE["person_id"].to_list(),
        PAIRS["comparison_person_id"].to_list(),
        WEIGHTS["person_id"].to_list(),
    ]


def test_a_comparison_person_who_enrolled_since_keeps_their_place_under_another_id(warehouse):
    assert ids_of_today(warehouse, AT_THE_FREEZE | {"C": "C before enrolment"}) == [
        ["A", "B", "B before enrolment", "C before enrolment", "D"],
        ["B before enrolment", "C before enrolment", "C before enrolment"],
        ["B before enrolment", "C before enrolment", "D"],
    ]


def test_an_enrolment_that_is_taken_back_leaves_case_and_comparison_person_apart(warehouse):
    assert ids_of_today(warehouse, AT_THE_FREEZE | {"B": "B"}) == ids_of_today(warehouse, AT_THE_FREEZE)


def test_who_is_not_in_the_population_any_more_keeps_the_id(warehouse):
    gone = {name: today for name, today in AT_THE_FREEZE.items() if name != "D"}
    assert ids_of_today(warehouse, gone)[2] == WEIGHTS["person_id"].to_list()
