"""The times of a schedule are checked field by field when the protocol is read."""

import pytest

from pipelines.cron import checked_cron
from pipelines.errors import StudyError
from pipelines.study import load_study
from tests.tiny_study import PROTOCOL, write_tiny_study


@pytest.mark.parametrize("times", ["0 6 * * 1", "*/15 6-8 1,15 * mon-fri", "0 6 1 JAN *", "30 0-23/2 * * 7"])
def test_times_that_a_clock_can_follow_are_kept_as_written(times):
    assert checked_cron(times) == times


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("0 6 * *", "expected five fields"),
        ("61 * * * *", "61 is no minute: expected 0 to 59"),
        ("0 24 * * *", "24 is no hour"),
        ("0 6 0 * *", "0 is no day of month"),
        ("0 6 * * funday", "funday is no day of week"),
        ("0 6 * * 5-1", "5-1 is no day of week"),
        ("*/0 * * * *", "no minute"),
        ("@daily", "expected five fields"),
    ],
)
def test_other_times_are_refused_with_the_field_that_is_wrong(times, message):
    with pytest.raises(ValueError, match=message):
        checked_cron(times)


def test_the_protocol_names_its_wrong_schedule(tmp_path):
    study = write_tiny_study(tmp_path / "study", protocol=PROTOCOL + 'schedule: "0 6 * * funday"\n')
    with pytest.raises(StudyError, match="schedule") as refused:
        load_study(study)
    assert "funday is no day of week" in str(refused.value)
    assert refused.value.exit_code == 2
