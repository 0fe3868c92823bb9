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

from pipelines.results_across import COLUMNS as ACROSS_COLUMNS
from pipelines.results_across import across_sites_rows
from pipelines.results_horizons import OVERLAP, horizon_columns, horizon_rows, horizon_title
from pipelines.results_statements import COLUMNS as STATEMENT_COLUMNS
from pipelines.results_statements import statement_caution, statement_cells
from pipelines.results_words import effect_in_words, level, ours_in_words, points_in_words, published_in_words

Row = dict[str, Any]
NARROWEST = 100
CHANCE_ONLY = "Intervals show the play of chance only, not the bias that the cautions name."
MADE_UP = "The people of this study are made up: its results say nothing about any real pilot."
PRIORITIES = {"primary": "Primary outcomes", "secondary": "Secondary outcomes", "exploratory": "Exploratory"}
MATCHED_DESIGNS = ("matched_cohort", "matched_did")


class Cautions:
    """Cautions that stand once and are cited by number."""

    def __init__(self) -> None:
        self.sentences: dict[str, int] = {}

    def cite(self, caution: str | None) -> str:
        """Numbers of the sentences of a caution, such as `[1, 3]`."""
        sentences = re.split(r"(?<=\.) (?=[A-Z])", caution) if caution else []
        numbers = sorted(self.sentences.setdefault(sentence, len(self.sentences) + 1) for sentence in sentences)
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""


def results_table(
    *,
    run: Row,
    estimates: Sequence[Row],
    horizons: Sequence[Row],
    survey: Sequence[Row],
    comparison: Sequence[Row],
    across_sites: Sequence[Row],
    statements: Sequence[Row],
) -> str:
    """What is found in words, then tables of effects, horizons, sites, survey items, published results; plain text."""
    width = max(NARROWEST, shutil.get_terminal_size((120, 40)).columns)
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    cautions = Cautions()
    asked = {row["measure_id"] for row in survey}
    console.print(_heading(run))
    for population, rows in _by_population(statements):
        console.print(_statements(population, rows, cautions))
    for population, rows in _by_population(row for row in estimates if row["metric_id"] not in asked):
        console.print(_effects(population, rows, cautions))
    for population, rows in _by_population(horizons):
        if len(horizon_columns(rows)) > 1:
            console.print(_horizons(population, rows, cautions))
    across = across_sites_rows(across_sites, estimates, statements)
    if across:
        console.print(_across_sites(across, cautions))
    for population, rows in _by_population(survey):
        console.print(_answers(population, rows, cautions))
    beside = [row for row in comparison if row["our_design"]]
    if beside:
        console.print(_published(beside, cautions))
    console.print(_notes(cautions, comparison=comparison, is_empty=not estimates and not survey))
    return _text(console)


def _heading(run: Row) -> str:
    if not run:
        return "Results"
    line = f"Results of {run['study']}: run {run['run_id']}, data until {run['data_until']}"
    return f"{line}\n{MADE_UP}" if run["is_synthetic"] else line


def _by_population(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    populations: dict[str, list[Row]] = {}
    for row in rows:
        populations.setdefault(row["population"], []).append(row)
    return list(populations.items())


def _effects(population: str, rows: list[Row], cautions: Cautions) -> Table:
    designs = _shown_designs(rows)
    title = f"Use of hospital and cost: {population} (pilot / comparison)"
    table = _table(title, "Measure", "Before", "After", "People")
    for design in designs:
        table.add_column(_DESIGN_WORDS.get(design, design), ratio=3)
    for priority, title in PRIORITIES.items():
        chosen = [row for row in rows if row["priority"] == priority]
        if chosen:
            table.add_row(title.upper())
        for _, found in groupby(chosen, key=lambda row: row["metric_id"]):
            table.add_row(*_effect_row({row["design"]: row for row in found}, designs, cautions))
    table.caption, table.caption_justify = _whom_pairs_are_about(rows, designs), "left"
    return table


def _whom_pairs_are_about(rows: list[Row], designs: list[str]) -> str | None:
    """The estimand of the matched columns that are shown; without counts where those of one row are withheld."""
    words = [row["estimand_population"] for row in rows if row["design"] in set(MATCHED_DESIGNS).intersection(designs)]
    known = sorted({one for one in words if one}, key=len)
    return f"{' and '.join(one for one in MATCHED_DESIGNS if one in designs)}: {known[0]}." if known else None


def _shown_designs(rows: list[Row]) -> list[str]:
    """Columns in the order of trust: the defaults, change against matched people, before and after alone.

    The others are in the CSV and JSON forms: five columns of sentences do not fit a terminal.
    """
    defaults = {row["design"] for row in rows if row["is_default"]}
    shown = defaults | {"matched_did", "uncontrolled"}
    found = [design for design in dict.fromkeys(row["design"] for row in rows) if design in shown]
    return sorted(found, key=lambda design: [*_DESIGN_WORDS, design].index(design))


def _effect_row(by_design: dict[str, Row], designs: list[str], cautions: Cautions) -> list[str]:
    first = next(row for row in by_design.values() if row["is_default"])
    before = first if first["pilot_baseline"] is not None else by_design.get("uncontrolled", first)
    effects = [
        f"{effect_in_words(by_design[design])} {cautions.cite(by_design[design]['caution'])}".rstrip()
        if design in by_design
        else ""
        for design in designs
    ]
    return [
        f"{first['label']} ({first['unit']})",
        _both(level(before, before["pilot_baseline"]), level(before, before["comparator_baseline"]), before),
        _both(level(first, first["pilot_follow_up"]), level(first, first["comparator_follow_up"]), first),
        _both(_people(first["n_pilot"]), _people(first["n_comparator"]), first),
        *effects,
    ]


def _both(pilot: str, comparison: str, row: Row) -> str:
    return pilot if row["n_comparator"] is None else f"{pilot} / {comparison}"


def _people(count: int | str | None) -> str:
    return f"{count:,}" if isinstance(count, int) else str(count)


def _statements(population: str, rows: list[Row], cautions: Cautions) -> Table:
    table = _table(f"Protocol outcomes in words: {population}", STATEMENT_COLUMNS[0])
    table.add_column(STATEMENT_COLUMNS[1], ratio=5)
    for column in STATEMENT_COLUMNS[2:]:
        table.add_column(column)
    for row in sorted(rows, key=lambda row: list(PRIORITIES).index(row["priority"])):
        outcome, words, *probabilities = statement_cells(row)
        table.add_row(outcome, f"{words} {cautions.cite(statement_caution(row))}".rstrip(), *probabilities)
    return table


def _horizons(population: str, rows: list[Row], cautions: Cautions) -> Table:
    table = _table(horizon_title(population, rows), "Outcome")
    table.caption, table.caption_justify = OVERLAP, "left"
    for column in horizon_columns(rows):
        table.add_column(column, ratio=2)
    for label, found in horizon_rows(rows, priorities=list(PRIORITIES)):
        table.add_row(label, *(f"{words} {cautions.cite(caution)}".rstrip() for words, caution in found))
    return table


def _across_sites(rows: list[tuple[Row, list[str]]], cautions: Cautions) -> Table:
    table = _table("Primary outcomes across sites", ACROSS_COLUMNS[0])
    for column in ACROSS_COLUMNS[1:]:
        table.add_column(column, ratio=2)
    for row, cells in rows:
        table.add_row(*cells[:-1], f"{cells[-1]} {cautions.cite(row['caution'])}")
    return table


def _answers(population: str, rows: list[Row], cautions: Cautions) -> Table:
    table = _table(f"Surveys: {population}", "Item", "Before", "After", "Answers", "Response")
    table.add_column("Change in percentage points, those who answered", ratio=3)
    for row in rows:
        table.add_row(
            row["label"],
            *(_share(row[f"{wave}_level"]) for wave in ("baseline", "follow_up")),
            f"{row['answers_baseline']} / {row['answers_follow_up']}",
            " / ".join(_share(row[f"response_rate_{wave}_pct"]) for wave in ("baseline", "follow_up")),
            f"{points_in_words(row)} {cautions.cite(row['caution'])}",
        )
    return table


def _published(rows: list[Row], cautions: Cautions) -> Table:
    table = _table("Published results and ours, in the published unit", "Programme and scope", "Measure")
    for column in ("Published", "Ours"):
        table.add_column(column, ratio=2)
    for row in rows:
        months = f", {row['horizon_months']} months" if row["horizon_months"] else ""
        table.add_row(
            f"{row['programme']}: {row['scope']}",
            row["published_metric"].replace("_", " "),
            f"{published_in_words(row)} ({row['published_design']}{months})",
            f"{ours_in_words(row)} ({row['our_design']}) {cautions.cite(row['our_caution'])}",
        )
    return table


def _notes(cautions: Cautions, *, comparison: Sequence[Row], is_empty: bool) -> str:
    alone = sum(1 for row in comparison if not row["our_design"])
    lines = [f"[{number}] {sentence}" for sentence, number in cautions.sentences.items()]
    if is_empty:
        lines.append("No estimates were published: no measure could be computed from the extracts of this study.")
    else:
        lines.append(CHANCE_ONLY)
    if alone:
        lines.append(
            f"{alone} further published results have nothing beside them; table comparison_with_published says why."
        )
    return "\n".join(lines)


_DESIGN_WORDS = {
    "weighted_cohort": "After, against people weighted to the same history (weighted_cohort)",
    "matched_cohort": "After, against matched people (matched_cohort)",
    "matched_did": "Change since long before, against matched people (matched_did)",
    "unmatched_did": "Change, against unmatched people (unmatched_did)",
    "uncontrolled": "Pilot people alone, before and after (uncontrolled)",
}


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, expand=True, show_lines=False)
    for position, column in enumerate(columns):
        table.add_column(column, ratio=2 if position == 0 else None)
    return table


def _share(percentage: float | None) -> str:
    return "-" if percentage is None else f"{percentage:.1f}%"


def _text(console: Console) -> str:
    written = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    return "\n".join(line.rstrip() for line in written.splitlines()).strip("\n")
