"""What starts a run without hands: the protocol's schedule, and a sensor on complete new deliveries."""

import json
import os
from pathlib import Path

import dagster as dg

from pipelines.arrivals import Looks, arrivals_key, changed_between, look_at_extracts
from pipelines.metrics import needed_extracts
from pipelines.run_log import has_taken, read_runs
from pipelines.study import Study, load_study

ZONE = "Europe/London"
LOOK_EVERY_SECONDS = int(os.environ.get("ICP_LOOK_EVERY_SECONDS", "30"))


def planned_run(study: Study, *, job_name: str) -> list[dg.ScheduleDefinition]:
    """The schedule of the protocol, none where it names none; it runs whether or not anything is new.

    A run at a set time is what notices that a delivery is late.
    """
    if study.protocol.schedule is None:
        return []
    return [
        dg.ScheduleDefinition(
            name="planned_run",
            job_name=job_name,
            cron_schedule=study.protocol.schedule,
            execution_timezone=ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="A whole run at the times that protocol.yaml sets, London time.",
        )
    ]


def deliveries_sensor(root: Path, *, job_name: str) -> dg.SensorDefinition:
    """Starts one run for all deliveries that are new, as soon as none of them has changed between two looks."""

    @dg.sensor(
        name="new_deliveries",
        job_name=job_name,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run for all new deliveries, once none has changed between two looks.",
    )
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        study = load_study(root)
        before, now = _looks(context.cursor), look_at_extracts(study)
        context.update_cursor(json.dumps(now))
        why_not = "this is the first look" if before is None else _why_not(study, before, now)
        return dg.SkipReason(why_not) if why_not else dg.SensorResult([dg.RunRequest(run_key=arrivals_key(now))])

    return new_deliveries


def _why_not(study: Study, before: Looks, now: Looks) -> str | None:
    """Why no run is started now, None if one is."""
    changing = changed_between(before, now)
    if changing:
        return f"still changing, looked at again soon: {', '.join(changing)}"
    delivered = {name.split("/")[0] for name in now}
    missing = [extract for extract in needed_extracts(study) if extract not in delivered]
    if missing:
        return f"no delivery yet of {', '.join(missing)}"
    key = arrivals_key(now)
    taken = [run for run in read_runs(study.output) if run.arrivals == key and has_taken(run)]
    return f"nothing new since run {taken[-1].run_id}" if taken else None


def _looks(cursor: str | None) -> Looks | None:
    return {name: (size, time) for name, (size, time) in json.loads(cursor).items()} if cursor else None
