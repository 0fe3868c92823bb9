"""The published results as a page for the terminal: tables, and numbered cautions below them."""

import io
import re
import shutil
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.results_words import effect_in_words, level, ours_in_words, points_in_words, published_in_words

Row = dict[str, Any]
NARROWEST = 100
CHANCE_ONLY = "Intervals show the play of chance only, not the bias that the cautions name."
MADE_UP = "The people of this study are made up: its results say nothing about any real pilot."
PRIORITIES = {"primary": "Primary outcomes", "secondary": "Secondary outcomes", "exploratory": "Exploratory"}
QUESTIONNAIRES = ("experience", "staff")


class Cautions:
    """Cautions that stand once and are cited by number."""

    def __init__(self) -> None:
        self.sentences: dict[str, int] = {}

    def cite(self, caution: str | None) -> str:
        """Numbers of the sentences of a caution, such as `[1, 3]`."""
        sentences = re.split(r"(?<=\.) (?=[A-Z])", caution) if caution else []
        numbers = sorted(self.sentences.setdefault(sentence, len(self.sentences) + 1) for sentence in sentences)
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""
