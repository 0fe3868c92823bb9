"""Whether deliveries are late, asked again when nothing is new: that is when one is."""

from datetime import datetime

import duckdb
import polars as pl

from pipelines.models import load_models
from pipelines.parameters import study_design, study_extracts
from pipelines.quality.current import CURRENT_RUN
from pipelines.quality.history import read_quality, replace_outcomes
from pipelines.study import Study

RULE = "extract_fresh"
MODEL = "extract_freshness"
STATUS = (
    pl.when(pl.col("evaluated_rows") == 0)
    .then(pl.lit("not_evaluated"))
    .when(pl.col("failed_rows") / pl.col("evaluated_rows") > pl.col("threshold"))
    .then(pl.lit("fail"))
    .otherwise(pl.lit("pass"))
)


def judge_lateness_again(study: Study, *, deliveries: pl.DataFrame, now: datetime) -> bool:
    """Judges the newest run's rule of lateness as of now, in the history that page and alerts read; whether it changed.

    `deliveries`: the published ledger. `now`: UTC. Neither the working file nor Great Expectations is needed. The next
    run counts the rule for itself; what earlier runs found stays as it was.
    """
    outcomes = read_quality(study.output)
    newest = outcomes.filter(rule_id=RULE)["run_id"].tail(1)
    is_newest = (pl.col("rule_id") == RULE) & pl.col("run_id").is_in(newest.implode())
    before = outcomes.filter(is_newest)
    counted = _counts(study, deliveries, now=now)
    after = (
        before.drop("evaluated_rows", "failed_rows")
        .join(counted, on="contract_id", how="left")
        .with_columns(pl.col("evaluated_rows", "failed_rows").fill_null(0))
        .with_columns(status=STATUS)
        .select(outcomes.columns)
    )
    if after.equals(before):
        return False
    replace_outcomes(study.output, pl.concat([outcomes.filter(~is_newest), after]))
    return True


def _counts(study: Study, deliveries: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Extracts with a verdict, and late ones among them: contract_id, evaluated_rows, failed_rows."""
    (model,) = (model for model in load_models() if model.name == MODEL)
    tables = {
        "study_design": study_design(study),
        "study_extracts": study_extracts(study),
        "current_run": pl.DataFrame([("", now)], schema=CURRENT_RUN, orient="row"),
        "deliveries_read": deliveries,
    }
    with duckdb.connect() as connection:
        for name, frame in tables.items():
            connection.register(name, frame)
        return connection.execute(
            "select contract_id, count(is_fresh) as evaluated_rows, count(*) filter (not is_fresh) as failed_rows "
            f"from ({model.sql}) group by contract_id"
        ).pl()
