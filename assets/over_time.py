"""Over time: deaths, use until death and rates month by month, against people like the pilot's."""

import dagster as dg

from assets.matching import TABLES as MATCHING
from evaluation.estimation import counted_over_time, with_look
from evaluation.estimation import over_time as follow_over_time
from pipelines.amended import state_of_design
from pipelines.comparison import compared_populations
from pipelines.faults import guarded
from pipelines.looks import look_at_data
from pipelines.metrics import metrics_with_cautions
from pipelines.over_time import months_of_compared, use_after_index
from pipelines.study import Study
from pipelines.table_metadata import written
from pipelines.warehouse import Warehouse

OVER_TIME = {
    "mortality_ratios": "Deaths of pilot people against those of comparison people, early and over the follow-up.",
    "mean_cumulative_counts": "Use of hospital up to each month of follow-up, with death as a terminal event.",
    "days_alive_out_of_hospital": "Days alive and out of hospital over the follow-up, and what they are made of.",
    "event_study": "Rates of both arms in each month around the index date, and what each month is evidence of.",
    "lead_tests": "Whether the arms differed in months before the index date that no covariate looks at.",
}

BEFORE_INDEX = ("lead_tests",)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[
                dg.AssetKey(table)
                for table in (
                    *("use_by_day", "person_months", "person_periods", "index_months", "people", "sites"),
                    *("record_quality", "end_of_data", "protocol_amendments"),
                    *MATCHING,
                )
            ],
            description=description,
            group_name="estimates",
            kinds={"polars"},
        )
        for name, description in OVER_TIME.items()
    ]
)
@guarded
def over_time(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], study: dg.ResourceParam[Study]
):
    """Deaths, use until death and use by month: five tables from one design of each population."""
    warehouse.free_cache()
    metrics = metrics_with_cautions(study, warehouse)
    counted = [metric.metric_id for metric in counted_over_time(metrics)]
    found = follow_over_time(
        compared_populations(warehouse),
        use=use_after_index(warehouse, counted),
        months=months_of_compared(warehouse, counted),
        metrics=metrics,
        design_state=state_of_design(warehouse, study),
        follow_up_months=study.protocol.periods.follow_up_months,
        protocol_hash=study.protocol_hash,
        run_id=context.run.run_id,
    )
    look = look_at_data(warehouse, study)
    for name in OVER_TIME:
        table = getattr(found, name)
        seen = table if name in BEFORE_INDEX else with_look(table, look)
        yield dg.MaterializeResult(asset_key=name, metadata=written(warehouse, name, seen))
