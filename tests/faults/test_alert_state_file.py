"""What the alerts remember survives kills, torn files, a full or read-only disk, and two processes at once."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.alert_channels import CLEARED, NEW, SEX_IS_MISSING, SEX_IS_THERE, Runs, Webhook

ROOT = Path(__file__).parents[2]
END_OF_A_RUN = """
import sys
from pathlib import Path
from pipelines.study import load_study
from tests.alert_channels import CLEARED, NEW, SEX_IS_MISSING, Runs
Runs(load_study(Path(sys.argv[1]))).end(SEX_IS_MISSING)
"""


def run_in_a_process(runs: Runs) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", END_OF_A_RUN, str(runs.study.root)], cwd=ROOT)


def test_a_kill_between_sending_and_writing_repeats_the_message_marked_as_such(runs: Runs, hook: Webhook):
    process = run_in_a_process(runs)
    hook.on_arrival = lambda: os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    hook.on_arrival = lambda: None
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_MISSING)
    first, second = hook.received
    assert first["message"] == "\n".join(second["message"].splitlines()[:-1])
    assert second["message"].splitlines()[-1].startswith("This may repeat an earlier message")


def test_two_runs_that_end_together_send_each_message_once(runs: Runs, hook: Webhook):
    hook.delay_seconds = 0.2
    both = [threading.Thread(target=Runs(runs.study).end, args=(SEX_IS_MISSING,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert hook.subjects == [NEW]


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "prob', b"\xff\xfe\x00", b'{"version": 2}', b"[]"])
def test_a_file_that_cannot_be_read_is_kept_aside_and_open_problems_are_told_again(
    runs: Runs, hook: Webhook, content: bytes
):
    runs.end(SEX_IS_MISSING)
    (runs.study.output / "alerts.json").write_bytes(content)
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_THERE)
    assert hook.subjects == [NEW, NEW, CLEARED]
    assert (runs.study.output / "alerts.json.broken").read_bytes() == content
    assert len(runs.said) == 1
    assert "alerts.json cannot be read" in runs.said[0]


def test_what_a_kill_left_while_writing_is_ignored(runs: Runs, hook: Webhook):
    runs.end(SEX_IS_MISSING)
    (runs.study.output / ".alerts.json.part").write_text('{"version": 1, "pro', encoding="utf-8")
    runs.end(SEX_IS_MISSING)
    assert hook.subjects == [NEW]
    assert not (runs.study.output / ".alerts.json.part").exists()


def test_alerts_go_out_even_when_the_output_cannot_be_written(runs: Runs, hook: Webhook, tmp_path: Path):
    blocked = tmp_path / "not a folder"
    blocked.write_text("", encoding="utf-8")
    without_output = runs.with_output(blocked / "output")
    without_output.end(SEX_IS_MISSING, run_failure="OSError in admission_records")
    assert hook.subjects == [NEW, "New (error): A run failed"]
    assert without_output.said == [
        "alerts: alerts.json cannot be written (NotADirectoryError); messages may come again after the next run"
    ]


def test_a_full_disk_loses_neither_the_message_nor_the_former_state(runs: Runs, hook: Webhook):
    runs.end(SEX_IS_MISSING)
    (runs.study.output / ".alerts.json.part").symlink_to("/dev/full")
    runs.end(SEX_IS_MISSING, run_failure="OSError in admission_records")
    assert hook.subjects == [NEW, "New (error): A run failed"]
    assert set(runs.state["problems"]) == {"quality:hes_apc:not_null:SEX"}
    assert runs.said == ["alerts: alerts.json cannot be written (OSError); messages may come again after the next run"]
