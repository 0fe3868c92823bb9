"""A folder for one look at the extracts, gone afterwards: also after a look that was killed, at the next one."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "icp-check-"
# Between its making and its lock a folder looks as if it had been left.
NEW_SECONDS = 60


@contextmanager
def trial_folder() -> Iterator[Path]:
    """An empty folder that only this user may enter; it may hold text as the supplier wrote it while it lasts."""
    remove_left_folders()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, _locked(Path(folder)):
        yield Path(folder)


def remove_left_folders() -> None:
    """Remove what looks that were killed left behind: this user's own folders that nobody holds any more."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            state = left.lstat()
            is_new = time.time() - state.st_mtime < NEW_SECONDS
            if state.st_uid == os.geteuid() and left.is_dir() and not left.is_symlink() and not is_new:
                with _locked(left):
                    shutil.rmtree(left)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds a folder as long as this process lives; raises BlockingIOError where another one holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
