"""Effects by comparing areas: everyone who lives where a pilot went live, beside areas without one."""

import dagster as dg

from evaluation.estimation import area_estimates as estimate_areas
from evaluation.estimation import with_caution, with_look
from pipelines.amended import AREAS, amended
from pipelines.area_designs import excluded_donors
from pipelines.faults import guarded
from pipelines.freezing import MAY_CHANGE
from pipelines.looks import look_at_data
from pipelines.metrics import metrics_with_cautions, some_sites_without_area
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

ESTIMATES = "area_estimates"
PUBLISHED = {
    "area_event_study": "Effects of the area designs by month from go-live, months before it included.",
    "area_trend_bounds": "What an area effect may be if trends after go-live differed so many times as much as before.",
    "synthetic_control_weights": "The areas that the pilot's synthetic control is made of, by metric.",
}
READ = ("area_months", "sites", "people", "record_quality", "end_of_data", "protocol_amendments")
TABLES = {ESTIMATES: "Rows of the area designs for `metric_estimates`."} | PUBLISHED


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetKey(table) for table in READ],
            description=description,
            group_name="estimates",
            kinds={"polars"},
        )
        for name, description in TABLES.items()
    ]
)
@guarded
def area_effects(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Interrupted time series, staggered adoption and synthetic control of each metric; nothing without comparison."""
    people = warehouse.read("people")
    months = warehouse.connection.sql("from area_months where unit_level = 'area'").pl()
    found = estimate_areas(
        months,
        metrics=() if people["is_pilot"].all() else metrics_with_cautions(study, warehouse),
        some_sites_without_area=some_sites_without_area(warehouse.read("sites"), people),
        excluded_donors=excluded_donors(study.protocol, months),
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    look = look_at_data(warehouse, study)
    changed = amended(warehouse.read("protocol_amendments"), *AREAS, but=MAY_CHANGE)
    of_areas = (found.estimates, found.event_study, found.trend_bounds)
    seen = (with_look(with_caution(table, changed), look) for table in of_areas)
    for name, table in zip(TABLES, (*seen, found.weights), strict=True):
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, table))
