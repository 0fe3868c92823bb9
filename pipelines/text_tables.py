"""Plain tables for the terminal."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text, as wide as its content, without colour."""
    table = Table(box=None, pad_edge=False, header_style="")
    for title in header:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    target = io.StringIO()
    Console(file=target, width=400, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in target.getvalue().splitlines())
