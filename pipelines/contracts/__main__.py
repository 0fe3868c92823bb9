"""`python -m pipelines.contracts`: check every contract file, one line each; ends 2 if one is wrong."""

import sys
from pathlib import Path

from pipelines.contracts.catalogue import CONTRACTS_FOLDER
from pipelines.contracts.loading import SUFFIX, load_contract
from pipelines.errors import StudyError


def main(folder: Path = CONTRACTS_FOLDER) -> int:
    """Check every contract below `folder`; returns the exit code."""
    paths = sorted(folder.glob(f"*/*{SUFFIX}"))
    codes = [_check(path, str(path.relative_to(folder))) for path in paths]
    if not paths:
        sys.stderr.write(f"no contract file below {folder}\n")
    return max(codes, default=StudyError.exit_code)


def _check(path: Path, shown: str) -> int:
    try:
        contract = load_contract(path)
    except StudyError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{shown}: {len(contract.columns)} columns, {contract.status}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
