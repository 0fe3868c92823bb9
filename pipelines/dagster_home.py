"""Dagster's own records of a study, in `output/dagster`: settings, runs, events."""

import os
from pathlib import Path

import dagster as dg

SETTINGS = """storage:
  custom:
    module: pipelines.dagster_storage
    class: Storage
    config:
      base_dir: {env: DAGSTER_HOME}
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
freshness:
  enabled: true
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days: {skipped: 7, failure: 90, success: 90}
"""


def prepare_home(output: Path) -> Path:
    """Makes DAGSTER_HOME: telemetry and invitations off, one run at a time; settings that are there stay."""
    home = output / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    return home


def dagster_instance(output: Path) -> dg.DagsterInstance:
    """Dagster's records of the study whose output this is; the caller closes them."""
    home = prepare_home(output)
    os.environ["DAGSTER_HOME"] = str(home)
    return dg.DagsterInstance.from_config(str(home))
