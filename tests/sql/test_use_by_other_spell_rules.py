"""What is counted under the spell rules that the study does not use, of whom, and which metrics rest on them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.metrics import activity_metrics
from pipelines.spell_rules import follow_up_by_other_rules, metrics_of_rules, tables_read
from pipelines.warehouse import Warehouse
from tests.sql.around_an_index_date import MONTHS, covered
from tests.sql.small_study import SmallStudy, attendance, enrolment, episode

PEOPLE = [{"person_id": "p1", "is_treated": True, "index_date": "2010-07-01"}]
PRICES = [
    {"price_set": "s", "price_year": "2010", "activity": activity, "unit_cost_gbp": cost}
    for activity, cost in (("emergency_spell", 1000.0), ("elective_spell", 500.0), ("elective_day_case", 300.0))
]
# Sent on to another hospital, which admits three days later: one stay where gaps of three days are joined.
EMERGENCY = [
    episode("2010-08-01", "2010-08-05", disdest="51"),
    episode("2010-08-08", "2010-08-10", procode3="RBB"),
]
ELECTIVE = [
    episode("2010-09-01", "2010-09-02", admimeth="11", disdest="51"),
    episode("2010-09-05", "2010-09-08", admimeth="11", procode3="RBB"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def counted(warehouse: Warehouse, *, people: Any = PEOPLE, **rows: Any) -> dict[str, list[dict[str, Any]]]:
    """Rows by rule, of a study that compares `people`; it uses the rule of NHS Digital unless `rows` says otherwise."""
    study = SmallStudy(**{"enrolments": [enrolment("2010-07-01")], "design_people": people, "prices": PRICES} | rows)
    for table in tables_read():
        study.query(f"from {table}")
        warehouse.write(table, study.connection.sql(f"from {table}").pl())
    return {rule: counts.rows(named=True) for rule, counts in follow_up_by_other_rules(warehouse)}


def test_admissions_bed_days_and_cost_are_those_of_the_other_rule(warehouse: Warehouse) -> None:
    (row,) = counted(warehouse, admissions=[*EMERGENCY, *ELECTIVE])["hf_che"]
    assert (row["person_id"], row["person_days"]) == ("p1", 184)
    assert (row["emergency_admissions"], row["elective_admissions"]) == (1, 1)
    assert (row["emergency_bed_days"], row["elective_bed_days"]) == (9, 7)
    assert (row["emergency_readmissions_30_days"], row["cost_gbp"]) == (0, 1500.0)


def test_the_studys_own_rule_counts_them_apart_and_is_not_among_the_others(warehouse: Warehouse) -> None:
    found = counted(warehouse, admissions=[*EMERGENCY, *ELECTIVE], design={"continuous_rule": "hf_che"})
    (row,) = found.pop("nhs_digital_2014")
    assert not found
    assert (row["emergency_admissions"], row["elective_admissions"]) == (2, 2)
    assert (row["emergency_bed_days"], row["elective_bed_days"]) == (6, 4)
    assert (row["emergency_readmissions_30_days"], row["cost_gbp"]) == (1, 3000.0)


def test_only_the_follow_up_of_those_who_are_compared_counts(warehouse: Warehouse) -> None:
    admissions = [
        episode("2010-06-30", "2010-06-30"),  # the day before the index date
        episode("2010-07-01", "2010-07-01"),
        episode("2010-12-31", "2010-12-31"),
        episode("2011-01-01", "2011-01-01"),  # the day after follow-up
        episode("2010-08-01", "2010-08-01", person_id="c1"),  # not compared
    ]
    (row,) = counted(warehouse, admissions=admissions)["hf_che"]
    assert (row["person_id"], row["emergency_admissions"]) == ("p1", 2)


def test_who_was_compared_by_another_index_date_has_no_counts(warehouse: Warehouse) -> None:
    corrected = [{**PEOPLE[0], "index_date": "2010-06-01"}]
    assert counted(warehouse, people=corrected, admissions=EMERGENCY) == {"hf_che": []}


def test_people_without_admissions_have_none_and_are_null_where_they_are_not_covered(warehouse: Warehouse) -> None:
    (row,) = counted(warehouse)["hf_che"]
    assert (row["emergency_admissions"], row["elective_bed_days"]) == (0, 0)
    covers = covered(admissions=[month for month in MONTHS if month <= date(2010, 11, 1)])
    (row,) = counted(warehouse, coverage=covers)["hf_che"]
    assert (row["person_days"], row["emergency_admissions"], row["cost_gbp"]) == (184, None, None)


def test_the_runs_own_tables_are_as_they_were(warehouse: Warehouse) -> None:
    counted(warehouse, admissions=EMERGENCY, emergency_care=[attendance("2010-07-01")])
    tables = {name for (name,) in warehouse.connection.execute("select table_name from duckdb_tables()").fetchall()}
    assert tables == set(tables_read())
    assert warehouse.read("study_design")["continuous_rule"].to_list() == ["nhs_digital_2014"]


def test_whatever_is_made_of_admissions_rests_on_the_rule_and_attendances_do_not(demo_study) -> None:
    others = {metric.metric_id for metric in activity_metrics(demo_study)} - set(metrics_of_rules())
    assert others == {
        *("regular_attendances", "outpatient_attendances", "outpatient_tele_attendances"),
        *("outpatient_did_not_attend", "ae_attendances", "died"),
    }
