"""One run at a time on a study's output folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipelines.errors import IcpError, StudyError

LOOK_AGAIN_SECONDS = 0.5


class StudyHeldError(IcpError):
    """Another run works on this study's output."""


@contextmanager
def output_lock(output: Path, *, run_id: str, wait_seconds: float = 0) -> Iterator[None]:
    """Holds `output/.lock` for the block; StudyHeldError (exit 1) when another run still holds it after the wait.

    The lock is the kernel's (`flock`): it is gone with the process that held it, however that ended. StudyError
    (exit 2) where the output is not a folder.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StudyError(
            f"{output}: it, or what it lies in, is a file, not a folder", "take it away, or name another --output"
        ) from None
    with (output / ".lock").open("a+") as file:
        give_up_at = time.monotonic() + wait_seconds
        while not _is_taken(file):
            if time.monotonic() >= give_up_at:
                file.seek(0)
                raise StudyHeldError(
                    f"{output.name}: another run holds this study ({file.read().strip()})",
                    "wait until it has ended, then run again",
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        file.truncate(0)
        file.write(f"run {run_id}, process {os.getpid()}")
        file.flush()
        yield


def _is_taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
