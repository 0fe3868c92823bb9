"""Who watches a run sees each step as it starts, and what the steps say."""

import dagster as dg

from pipelines.progress import progress_logger, watched_by


@dg.asset
def first_table(context: dg.AssetExecutionContext) -> None:
    context.log.info("reading admissions/a.csv")
    context.log.debug("a detail for nobody")


@dg.asset(deps=[first_table])
def second_table() -> None:
    """A step that says nothing."""


def test_a_line_a_step_and_a_line_a_message():
    job = dg.Definitions(
        assets=[first_table, second_table], jobs=[dg.define_asset_job("all")], loggers={"progress": progress_logger}
    ).resolve_job_def("all")
    lines: list[str] = []
    with watched_by(lines.append):
        job.execute_in_process(run_config={"loggers": {"progress": {}}})
    job.execute_in_process(run_config={"loggers": {"progress": {}}})
    assert lines == ["first_table", "reading admissions/a.csv", "second_table"]
