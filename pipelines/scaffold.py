"""A new study folder: a commented protocol and a folder for each extract."""

import shutil
from pathlib import Path

from pipelines.errors import StudyError
from pipelines.fingerprint import CHECKOUT
from pipelines.protocol import EXTRACT_CONTRACTS, REQUIRED_EXTRACTS

TEMPLATE = CHECKOUT / "studies" / "new_study" / "protocol.yaml"


def write_scaffold(folder: Path) -> list[str]:
    """Writes protocol.yaml and extracts/<extract>/ into a new or empty folder; returns what to do next."""
    require_empty(folder)
    for extract in EXTRACT_CONTRACTS:
        if extract in REQUIRED_EXTRACTS:
            (folder / "extracts" / extract).mkdir(parents=True)
    shutil.copyfile(TEMPLATE, folder / "protocol.yaml")
    return [
        f"Study folder {folder} is ready:",
        "  1. put your deliveries into extracts/admissions, extracts/population and extracts/enrolments",
        "  2. set the dates and outcomes in protocol.yaml",
        f"  3. icp check {folder}    then    icp run {folder}",
    ]


def require_empty(folder: Path) -> None:
    """StudyError (exit 2) unless the folder is new or empty."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StudyError(f"{folder.name}: not a new or empty folder", "name another one, nothing is overwritten")
