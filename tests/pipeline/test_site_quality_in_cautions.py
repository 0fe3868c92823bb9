"""Where one site's records are worse than those of the comparison people, its estimates say so at every horizon."""

import shutil
from collections.abc import Iterator

import dagster as dg
import pytest

from assets.estimates import estimates_by_horizon, metric_estimates
from pipelines.warehouse import Warehouse

SAID = "this site's pilot people"
LARGEST_SITE = """select site_id from record_quality where arm = 'pilot' and extract = 'outpatients'
    group by site_id order by sum(records) desc, site_id limit 1"""


@pytest.fixture(scope="module")
def warehouse(demo_study, tmp_path_factory) -> Iterator[Warehouse]:
    """The demo, had all outpatient records of the largest site after the index date been stripped of a value."""
    copy = tmp_path_factory.mktemp("quality") / "warehouse.duckdb"
    shutil.copy(demo_study.output / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        opened.connection.execute(
            f"""update record_quality set records_nulled = records where arm = 'pilot' and extract = 'outpatients'
                and period = 'follow_up' and site_id = ({LARGEST_SITE})"""
        )
        resources = {"warehouse": opened, "study": demo_study}
        assert dg.materialize([metric_estimates, estimates_by_horizon], resources=resources).success
        yield opened


@pytest.mark.parametrize("table", ["metric_estimates", "estimates_by_horizon"])
def test_the_site_concerned_says_it_of_what_is_counted_from_these_records_and_no_other_does(warehouse, table):
    said = warehouse.connection.execute(
        f"select distinct population, metric_id from {table} where contains(caution, $said)", {"said": SAID}
    ).fetchall()
    (site,) = warehouse.connection.sql(LARGEST_SITE).fetchone()
    assert {population for population, _ in said} == {f"site:{site}"}
    metrics = {metric for _, metric in said}
    assert "outpatient_attendances" in metrics
    assert not {"emergency_admissions", "ae_attendances"} & metrics
