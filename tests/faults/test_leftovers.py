"""What a killed run left aside in the lake, or a killed look in the temporary folder, is gone when the next starts."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.reading import remove_leftovers
from pipelines.trial_folder import NEW_SECONDS, trial_folder


def test_leftovers_of_every_extract_are_removed_and_nothing_else(tmp_path: Path):
    for extract in ("admissions", "outpatients"):
        (tmp_path / extract / ".aside").mkdir(parents=True)
        (tmp_path / extract / ".aside" / "clean.csv").write_text("as the supplier wrote it")
        (tmp_path / extract / "0123.parquet").write_bytes(b"kept")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["0123.parquet", "0123.parquet"]


def test_what_a_killed_look_left_is_gone_at_the_next_and_what_another_one_holds_or_just_made_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, new, other = (tmp_path / name for name in ("icp-check-left", "icp-check-new", "icp-other"))
    for folder in (left, new, other):
        folder.mkdir()
        (folder / "clean.csv").write_text("as the supplier wrote it")
    long_ago = time.time() - 2 * NEW_SECONDS
    for folder in (left, other):
        os.utime(folder, (long_ago, long_ago))
    with trial_folder() as held:
        os.utime(held, (long_ago, long_ago))
        with trial_folder() as second:
            assert sorted(tmp_path.iterdir()) == sorted([new, other, held, second])
    assert sorted(tmp_path.iterdir()) == [new, other]


def test_a_look_that_is_killed_leaves_nothing_for_good(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    held = "with trial_folder() as folder:\n os.utime(folder, (0, 0))\n os.kill(os.getpid(), signal.SIGKILL)"
    script = f"import os, signal\nfrom pipelines.trial_folder import trial_folder\n{held}"
    subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    script = "from pipelines.trial_folder import trial_folder\nwith trial_folder():\n pass"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
