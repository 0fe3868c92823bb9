"""One run at a time on a study's output folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import IcpError


@contextmanager
def output_lock(output: Path, *, run_id: str) -> Iterator[None]:
    """Holds `output/.lock` for the block; IcpError (exit 1) when another run holds it.

    The lock is the kernel's (`flock`): it is gone with the process that held it, however that ended.
    """
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise IcpError(
                f"{output.name}: another run holds this study ({file.read().strip()})",
                "wait until it has ended, then run again",
            ) from None
        file.truncate(0)
        file.write(f"run {run_id}, process {os.getpid()}")
        file.flush()
        yield
