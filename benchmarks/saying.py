"""What a benchmark says while it runs."""

import sys


def say(line: str) -> None:
    """Shows a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
