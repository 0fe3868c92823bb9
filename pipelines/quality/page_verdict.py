"""The verdict on the quality page: one sentence, and how many rules stand where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

import polars as pl

from pipelines.quality.page_elements import counted, element, when
from pipelines.quality.page_findings import Finding, in_group, last_runs
from pipelines.run_log import Run, read_runs
from pipelines.study import Study


@dataclass(frozen=True)
class Situation:
    """Where the study stands: its latest run, the run whose rules the page shows, and what analysts have."""

    latest: Run | None
    evaluated_run_id: str | None
    evaluated_at: datetime | None
    published_at: datetime | None

    @property
    def is_evaluated(self) -> bool:
        """Whether the latest run came as far as its rules."""
        return self.evaluated_run_id is not None and (
            self.latest is None or self.latest.run_id == self.evaluated_run_id
        )


@dataclass(frozen=True)
class Verdict:
    """A word that needs no colour, and the sentence with what it means for the published file."""

    word: str
    tone: str
    sentence: tuple[str | Element, ...]


def situation_of(study: Study, quality: pl.DataFrame) -> Situation:
    """Where the study stands, from its log of runs and the rules evaluated so far."""
    runs = read_runs(study.output)
    evaluated = next(reversed(last_runs(quality)), None)
    published = [run.ended_at for run in runs if run.status == "succeeded" and run.ended_at]
    has_file = (study.published / "evaluation.duckdb").exists()
    return Situation(
        latest=runs[-1] if runs else None,
        evaluated_run_id=evaluated[0] if evaluated else None,
        evaluated_at=evaluated[1] if evaluated else None,
        published_at=published[-1] if published and has_file else None,
    )


def verdict_of(situation: Situation, findings: Sequence[Finding], *, refused: int) -> Verdict:
    """What the latest run means for whoever waits for its results."""
    blocking = len(in_group(findings, "blocks")) if situation.is_evaluated else 0
    causes = [counted(refused, "file was refused", "files were refused")] if refused else []
    causes += [counted(blocking, "rule blocks", "rules block")] if blocking else []
    if causes:
        return Verdict("Stopped", "blocks", (f"{' and '.join(causes)}. ", *_stays(situation)))
    if situation.latest and situation.latest.status == "failed":
        why = "The latest run failed, and not for a rule that it evaluated: its log says where. "
        return Verdict("Failed", "blocks", (why, *_stays(situation)))
    if situation.evaluated_run_id is None:
        return Verdict("Unknown", "not_evaluated", ("No rule has been evaluated yet.",))
    return _nothing_blocks(findings)


def tiles(findings: Sequence[Finding], *, refused: int) -> Element:
    """How many files and rules stand in each part of the page, with a way there."""
    numbers = [
        ("blocks", "#blocks", "refused files", refused),
        ("blocks", "#blocks", "rules that block", len(in_group(findings, "blocks"))),
        ("warns", "#warnings", "warnings", len(in_group(findings, "warns"))),
        ("engine", "#engine", "could not run", len(in_group(findings, "engine"))),
        ("not_evaluated", "#not-evaluated", "not evaluated", len(in_group(findings, "not_evaluated"))),
        ("passes", "#passed", "passed", len(in_group(findings, "passes"))),
    ]
    made = [
        element(
            "li",
            element("a", element("b", f"{number:,}"), " ", words, href=anchor),
            class_=f"tile {tone if number else 'none'}",
        )
        for tone, anchor, words, number in numbers
    ]
    return element("ul", *made, class_="tiles", aria_label="Files and rules by outcome")


def _nothing_blocks(findings: Sequence[Finding]) -> Verdict:
    others = [
        (len(in_group(findings, "warns")), "rule warns", "rules warn"),
        (len(in_group(findings, "engine")), "check could not run", "checks could not run"),
        (len(in_group(findings, "not_evaluated")), "rule was not evaluated", "rules were not evaluated"),
    ]
    told = [counted(number, one, several) for number, one, several in others if number]
    if not told:
        return Verdict("Clear", "passes", ("Nothing blocks, and every rule passed.",))
    needs_somebody = any(number for number, _, _ in others[:2])
    word, tone = ("Look here", "warns") if needs_somebody else ("Clear", "passes")
    return Verdict(word, tone, (f"Nothing blocks. {', '.join(told)}.",))


def _stays(situation: Situation) -> tuple[str | Element, ...]:
    if situation.published_at and situation.latest and situation.latest.status == "succeeded":
        return ("The published file of ", when(situation.published_at), " was made before this was so.")
    if situation.published_at is None:
        return ("Nothing was published, and there is no published file yet.",)
    return ("Nothing new was published; the published file of ", when(situation.published_at), " stays.")
