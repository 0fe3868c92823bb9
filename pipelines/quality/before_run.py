"""The rules that deliveries can be judged by before a run, counted and judged as in one."""

from collections.abc import Mapping

import polars as pl

from pipelines.code_lists import load_code_lists
from pipelines.models import needed_for
from pipelines.parameters import parameter_frames
from pipelines.quality.current import count_tables, source_limits
from pipelines.quality.suites import LAKE_VIEWS
from pipelines.study import Study
from pipelines.warehouse import Warehouse

JUDGED_MODELS = ("delivery_rates", "delivery_volumes")
JUDGED_TABLES = {*LAKE_VIEWS.values(), *JUDGED_MODELS}
NO_RUN = "before a run"


def outcomes_before_run(study: Study, warehouse: Warehouse, ledger: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The outcome of every rule about deliveries one by one: the columns of `data_quality`, in a run that is none.

    `warehouse` has the lake views, `ledger` what reading found (`deliveries_read`, `delivery_order`); the counts are
    kept in the study's output, which the caller has put where it may be written.
    """
    lists = {code_list.table: code_list.frame() for code_list in load_code_lists()}
    for name, frame in {**parameter_frames(study), **lists, **ledger}.items():
        warehouse.write(name, frame)
    for model in needed_for(JUDGED_MODELS):
        warehouse.run_model(model)
    counts = count_tables(study, warehouse, tables=JUDGED_TABLES)
    warehouse.write("data_quality_counts", counts.with_columns(run_id=pl.lit(NO_RUN)))
    warehouse.write("data_quality_limits", source_limits(study))
    for model in needed_for(["data_quality"]):
        warehouse.run_model(model)
    return warehouse.read("data_quality")


def rules_of_the_run(study: Study) -> list[str]:
    """Ids of the study's rules that compare extracts, people or days with each other: a run alone evaluates them."""
    return sorted(source_limits(study).filter(~pl.col("table_name").is_in(JUDGED_TABLES))["rule_id"].unique())
