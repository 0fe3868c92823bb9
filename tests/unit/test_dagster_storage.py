"""Dagster's records of runs: files that stay open, but not too many, and that Dagster's own storage reads."""

import uuid

import dagster as dg
import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from pipelines.dagster_home import dagster_instance
from pipelines.dagster_storage import MOST_OPEN, EventLog, Storage


@dg.asset
def spells() -> None:
    """An asset that does nothing."""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dagster_instance(tmp_path / "output") as opened:
        yield opened


def events_of(storage: DagsterSqliteStorage, run_id: str) -> list[str]:
    found = storage.event_log_storage.get_logs_for_run(run_id)
    return [entry.dagster_event.event_type_value for entry in found if entry.is_dagster_event]


def test_the_events_of_a_run_are_there_for_dagsters_own_storage_as_for_ours(instance, tmp_path):
    run_id = dg.materialize([spells], instance=instance).run_id
    home = str(tmp_path / "output" / "dagster")
    events = events_of(DagsterSqliteStorage.from_local(home), run_id)
    assert events[-1] == "PIPELINE_SUCCESS"
    assert events.count("ASSET_MATERIALIZATION") == 1
    assert events == events_of(Storage.from_local(home), run_id)
    assert instance.get_latest_materialization_event(dg.AssetKey("spells")).run_id == run_id


def test_no_more_files_stay_open_than_a_few_and_every_run_is_still_read(instance):
    log = instance.event_log_storage
    assert isinstance(log, EventLog)
    run_ids = [dg.materialize([spells], instance=instance).run_id for _ in range(MOST_OPEN + 2)]
    assert {log.get_logs_for_run(run_id)[-1].dagster_event.event_type_value for run_id in run_ids} == {
        "PIPELINE_SUCCESS"
    }
    assert len(log._engines) == MOST_OPEN


def test_runs_that_were_forgotten_are_gone_and_new_ones_are_written(instance):
    forgotten = dg.materialize([spells], instance=instance).run_id
    instance.event_log_storage.wipe()
    assert instance.event_log_storage.get_logs_for_run(forgotten) == []
    assert instance.event_log_storage.get_logs_for_run(str(uuid.uuid4())) == []
    assert dg.materialize([spells], instance=instance).success
