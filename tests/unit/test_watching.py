"""When a run is started without hands: for complete new deliveries, once; and at the protocol's times."""

import os
from pathlib import Path

import dagster as dg
import pytest

from pipelines.arrivals import arrivals_key, look_at_extracts
from pipelines.run_log import append_run, begin_run, utc_now
from pipelines.study import load_study
from pipelines.watching import deliveries_sensor, planned_run
from tests.tiny_study import PROTOCOL, write_tiny_study


class Sensor:
    """The sensor of a study, asked again and again as the daemon does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sensor = deliveries_sensor(folder, job_name="evaluate")
        self.cursor: str | None = None

    def look(self) -> dg.RunRequest | str:
        with dg.build_sensor_context(cursor=self.cursor) as context:
            found = self.sensor(context)
            self.cursor = context.cursor
        return found.skip_message if isinstance(found, dg.SkipReason) else found.run_requests[0]


@pytest.fixture
def sensor(tmp_path) -> Sensor:
    return Sensor(write_tiny_study(tmp_path / "study"))


def log_run(folder: Path, *, status: str, is_blocked: bool = False) -> None:
    study = load_study(folder)
    run = begin_run(study, run_id=f"{status} run", now=utc_now(), code_version="", inputs="")
    changes = {"status": status, "is_blocked": is_blocked, "arrivals": arrivals_key(look_at_extracts(study))}
    append_run(study.output, run.model_copy(update=changes))


def test_nothing_starts_at_the_first_look_and_one_run_takes_all_at_the_second(sensor):
    assert sensor.look() == "this is the first look"
    request = sensor.look()
    assert request.run_key == arrivals_key(look_at_extracts(load_study(sensor.folder)))
    assert sensor.look().run_key == request.run_key


def test_a_file_that_grows_holds_the_run_back_until_two_looks_agree(sensor):
    sensor.look()
    part = sensor.folder / "extracts" / "admissions" / "admissions_2011-01.csv"
    part.write_text("EPIKEY,")
    assert sensor.look() == "still changing, looked at again soon: admissions/admissions_2011-01.csv"
    part.write_text("EPIKEY,PSEUDO_HESID")
    assert "still changing" in sensor.look()
    assert isinstance(sensor.look(), dg.RunRequest)


def test_a_file_that_changes_after_its_run_was_asked_for_makes_another_run(sensor):
    sensor.look()
    first = sensor.look()
    population = sensor.folder / "extracts" / "population" / "population.csv"
    os.utime(population, ns=(1, 1))
    assert "still changing" in sensor.look()
    assert sensor.look().run_key != first.run_key


def test_files_that_say_they_are_not_complete_are_no_news(sensor):
    sensor.look()
    first = sensor.look()
    (sensor.folder / "extracts" / "admissions" / "more.csv.part").write_text("half")
    assert sensor.look().run_key == first.run_key


@pytest.mark.parametrize(("status", "is_blocked"), [("succeeded", False), ("running", False), ("failed", True)])
def test_what_a_run_took_in_or_was_blocked_by_starts_no_other(sensor, status, is_blocked):
    sensor.look()
    log_run(sensor.folder, status=status, is_blocked=is_blocked)
    assert sensor.look() == f"nothing new since run {status} run"


def test_what_a_run_failed_on_without_taking_it_in_is_still_new(sensor):
    sensor.look()
    log_run(sensor.folder, status="failed")
    assert isinstance(sensor.look(), dg.RunRequest)


def test_no_run_starts_before_every_needed_extract_was_delivered(sensor):
    for path in (sensor.folder / "extracts" / "enrolments").iterdir():
        path.unlink()
    sensor.look()
    assert sensor.look() == "no delivery yet of enrolments"


def test_the_schedule_of_the_protocol_runs_in_london_time_and_is_on(tmp_path):
    protocol = PROTOCOL + 'schedule: "0 6 * * 1"\n'
    study = load_study(write_tiny_study(tmp_path / "study", protocol=protocol))
    (schedule,) = planned_run(study, job_name="evaluate")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * 1", "Europe/London")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_a_protocol_without_schedule_has_none(tmp_path):
    assert planned_run(load_study(write_tiny_study(tmp_path / "study")), job_name="evaluate") == []
