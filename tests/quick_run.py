"""A run without the scheduler around it: files to lake, all SQL models, the books; seconds less than a whole run."""

from collections.abc import Callable
from datetime import datetime

import polars as pl

from evaluation.matching import DESIGNS
from pipelines.code_lists import load_code_lists
from pipelines.lake import fill_lake
from pipelines.ledger import deliveries_table, unbalanced
from pipelines.models import in_dependency_order, load_models
from pipelines.parameters import parameter_frames
from pipelines.quality.current import CURRENT_RUN
from pipelines.quality.history import COUNTED_RUNS, LIMITS
from pipelines.study import Study
from pipelines.warehouse import Warehouse

MODELS = in_dependency_order(load_models())
NO_QUALITY = {
    "current_run": pl.DataFrame([("quick", datetime(2011, 8, 1))], schema=CURRENT_RUN, orient="row"),  # noqa: DTZ001
    "data_quality_counts": pl.DataFrame(schema=COUNTED_RUNS),
    "data_quality_limits": pl.DataFrame(schema=LIMITS),
}
PERSON = {"person_id": pl.String, "is_treated": pl.Boolean, "site_id": pl.String, "index_date": pl.Date}
NOBODY_COMPARED = {
    "design_people": pl.DataFrame(schema=PERSON),
    "comparison_designs": pl.DataFrame(schema=DESIGNS),
    "comparison_weights": pl.DataFrame(schema={"population": pl.String, "person_id": pl.String, "weight": pl.Float64}),
    "matched_pairs": pl.DataFrame(schema={"pilot_person_id": pl.String, "comparison_person_id": pl.String}),
}


def quick_run(study: Study, *, say: Callable[[str], None] = lambda _line: None) -> pl.DataFrame:
    """The ledger of a run, which leaves its tables in the study's `warehouse.duckdb`; the books must balance."""
    with Warehouse(study.output / "warehouse.duckdb") as warehouse:
        lake = fill_lake(study, warehouse.connection, say=say)
        lists = {code_list.table: code_list.frame() for code_list in load_code_lists()}
        tables = {**parameter_frames(study), **lists, **lake.tables, **NO_QUALITY, **NOBODY_COMPARED}
        for name, frame in tables.items():
            warehouse.write(name, frame)
        for model in MODELS:
            warehouse.run_model(model)
        ledger = deliveries_table(warehouse.read("deliveries_read"), warehouse.read("record_fates"), run_id="quick")
        assert unbalanced(ledger).is_empty()
        return ledger
