"""The demo seen before its planned analysis: every table of effects says so, once."""

import shutil
from collections.abc import Iterator

import duckdb
import pytest

from pipelines.run import run_study
from pipelines.study import Study, load_study
from tests.conftest import in_silence

SAID = (
    "An interim result: the protocol plans no analysis of data until 2011-06-30. So that all looks together keep to 5%"
)
TABLES = (
    *("metric_estimates", "effect_statements", "estimates_by_horizon", "sensitivity_estimates", "robustness"),
    *("site_pooling", "site_effects", "site_moderators", "subgroup_interactions", "mortality_ratios", "event_study"),
    *("mean_cumulative_counts", "days_alive_out_of_hospital", "area_event_study", "area_trend_bounds"),
)
ITEMS = "(select measure_id from survey_estimates)"


@pytest.fixture(scope="module")
def seen_early(demo_study: Study, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file of the demo with an analysis planned for the end of 2011, by a protocol amended to say so."""
    folder = shutil.copytree(demo_study.root, tmp_path_factory.mktemp("looks") / "demo", symlinks=True)
    protocol = (folder / "protocol.yaml").read_text()
    (folder / "protocol.yaml").write_text(f"{protocol}\nanalysis_dates: [2011-12-31]\n")
    run_study(load_study(folder), say=in_silence)
    with duckdb.connect(folder / "output" / "published" / "evaluation.duckdb", read_only=True) as published:
        yield published


@pytest.mark.parametrize("table", TABLES)
def test_no_table_of_effects_is_without_the_label_of_the_look(seen_early, table):
    of_use = f"from {table}" + (f" where metric_id not in {ITEMS}" if table in TABLES[:2] else "")
    rows = seen_early.sql(f"select interim, nominal_level, caution {of_use}").fetchall()
    assert rows
    assert {interim for interim, _, _ in rows} == {True}
    ((level,),) = seen_early.sql("select distinct nominal_level from robustness").fetchall()
    assert 0 < level < 0.05
    assert {nominal for _, nominal, _ in rows} == {level}
    assert {caution.count(SAID) for _, _, caution in rows} == {1}


def test_an_analysis_date_of_after_the_first_use_is_said_wherever_the_look_is(seen_early):
    for table in TABLES:
        untold = f"select count(*) from {table} where not caution like '%last on %: analysis_dates (see protocol_%'"
        assert seen_early.sql(untold).fetchall() == [(0,)], table


def test_what_was_asked_of_people_is_interim_too_without_a_level(seen_early):
    query = f"select distinct interim, nominal_level from metric_estimates where metric_id in {ITEMS}"
    assert seen_early.sql(query).fetchall() == [(True, None)]
