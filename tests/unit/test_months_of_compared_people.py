"""Months of the people compared: those of `person_months`, of them alone, and only for a while."""

import pytest

from pipelines.compared_months import months_of_compared_people
from pipelines.contracts import contract_by_table
from pipelines.own_schema import models_named
from pipelines.warehouse import Warehouse

COUNTS = [column.name for column in contract_by_table("person_periods").columns if "metric_domain" in column.options]
TABLES = {
    "people": """select person_id, true as is_pilot, 's1' as site_id, date '2010-07-01' as index_date,
            cast(null as date) as date_of_death, date '2000-01-01' as observed_from_date,
            date '2011-01-01' as observed_until_date
        from (values ('compared'), ('other')) as named(person_id)""",
    "design_people": "select 'compared' as person_id, date '2010-07-01' as index_date, true as is_treated",
    "index_months": """select date '2010-07-01' as index_date, m as month_from_index, 'follow_up' as period,
            cast(date '2010-07-01' + to_months(cast(m as integer)) as date) as month_start_date,
            cast(date '2010-07-01' + to_months(cast(m + 1 as integer)) as date) as month_end_date
        from range(2) as months(m)""",
    "month_coverage": """select date '2010-07-01' as month, true as admissions, true as outpatients,
            true as emergency_care, true as all_costs""",
}
ALL = "select * from person_months order by person_id, month_from_index"


@pytest.fixture
def warehouse(tmp_path):
    counts = ", ".join(f"3 as {name}" for name in COUNTS if name != "died")
    activity = f"""select person_id, 0 as month_from_index, 0 as unpriced_activities, {counts} from people"""
    with Warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        for name, rows in {**TABLES, "activity_by_month": activity}.items():
            warehouse.connection.execute(f"create table {name} as {rows}")
        warehouse.run_model(models_named("person_months")[0])
        yield warehouse


def test_they_have_the_rows_that_person_months_has_of_them_and_nobody_else_has_any(warehouse):
    everyone = warehouse.connection.execute(ALL).fetchall()
    with months_of_compared_people(warehouse):
        compared = warehouse.connection.execute(ALL).fetchall()
    assert [row[0] for row in everyone] == ["compared", "compared", "other", "other"]
    assert compared == everyone[:2]
    assert warehouse.connection.execute(ALL).fetchall() == everyone


def test_a_count_not_covered_is_not_known_there_either(warehouse):
    with months_of_compared_people(warehouse):
        counts = "select month_from_index, emergency_admissions from person_months order by month_from_index"
        assert warehouse.connection.execute(counts).fetchall() == [(0, 3), (1, None)]
