"""Two runs never work on the same output folder."""

import subprocess
import sys

import pytest

from pipelines.errors import IcpError
from pipelines.locking import output_lock

HOLDER = """
import sys
from pathlib import Path
from pipelines.locking import output_lock
with output_lock(Path(sys.argv[1]), run_id="first"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_the_first_lives_and_goes_on_after_it_was_killed(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(IcpError, match="another run holds this study") as refused,
            output_lock(tmp_path, run_id="second"),
        ):
            pass
        assert refused.value.exit_code == 1
        assert f"run first, process {holder.pid}" in str(refused.value)
    finally:
        holder.kill()
        holder.wait()
    with output_lock(tmp_path, run_id="third"):
        assert "run third" in (tmp_path / ".lock").read_text()
