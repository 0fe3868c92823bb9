"""The rules on the quality page: a card for what needs somebody, a line for what does not."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from pipelines.masking import masked_share
from pipelines.quality.page_elements import counted, element, in_utc, table, when
from pipelines.quality.page_findings import Finding, in_group
from pipelines.quality.page_trend import trend
from pipelines.quality.page_words import (
    NO_REASON,
    NOT_REACHED,
    allowed,
    place,
    prose,
    rows_in_words,
    rule_of,
    shown_count,
)

ENGINE_ADVICE = (
    "Run the study again. If the check cannot run a second time, look for the engine's message in the run's log. "
    "Until it runs, nothing is known about these rows."
)
BADGES: Mapping[str, str] = {"blocks": "Blocks", "warns": "Warning", "engine": "Could not run"}


def cards(findings: Sequence[Finding]) -> Element:
    """Findings that need somebody, each with its rows, threshold, trend and what to do."""
    return element("div", *(_card(finding) for finding in findings), class_="cards")


def section(anchor: str, heading: str, introduction: str, *content: Element) -> Element:
    """A part of the page with its heading."""
    return element(
        "section",
        element("h2", heading, id=f"{anchor}-heading"),
        *([element("p", prose(introduction))] if introduction else []),
        *content,
        id=anchor,
        aria_labelledby=f"{anchor}-heading",
    )


def warnings(findings: Sequence[Finding]) -> Element:
    """Rules that failed and do not block."""
    found = in_group(findings, "warns")
    said = "These rules failed; they do not stop a run." if found else "No rule warns."
    return section("warnings", "Warnings", said, *([cards(found)] if found else []))


def engine_errors(findings: Sequence[Finding]) -> Element:
    """Checks that could not run: a fault of the engine, told apart from failing data."""
    found = in_group(findings, "engine")
    said = "The checking engine failed here. This says nothing about the data." if found else "Every check could run."
    return section("engine", "Checks that could not run", said, *([cards(found)] if found else []))


def not_evaluated(findings: Sequence[Finding]) -> Element:
    """Rules without an outcome, each with the reason."""
    found = in_group(findings, "not_evaluated")
    if not found:
        return section("not-evaluated", "Not evaluated", "Every rule had something to be evaluated on.")
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.rule_id, _why(finding)), []).append(finding)
    header = ("Rule", "Where", "What it asks", "Why not evaluated")
    listed = table("Rules that were not evaluated", header, (_alike(why, each) for (_, why), each in alike.items()))
    said = "Neither passed nor failed: an empty table is never a pass."
    return section("not-evaluated", "Not evaluated", said, listed)


def passes(findings: Sequence[Finding]) -> Element:
    """Rules that passed, folded."""
    found = in_group(findings, "passes")
    if not found:
        return section("passed", "Passed", "No rule passed.")
    rows = [
        (
            rule_of(finding).title,
            place(finding),
            trend(finding),
            shown_count(finding.now.evaluated_rows or 0),
            masked_share(finding.now.failed_rows or 0, finding.now.evaluated_rows or 0),
            allowed(finding.threshold),
        )
        for finding in found
    ]
    header = ("Rule", "Where", "Last runs", "Evaluated", "Failed", "Allowed")
    listed = table("Rules that passed", header, rows, numbers=3)
    folded = element("details", element("summary", f"Show {counted(len(found), 'rule')} that passed"), listed)
    return section("passed", "Passed", "Within their thresholds in this run.", folded)


def _card(finding: Finding) -> Element:
    rule = rule_of(finding)
    is_engine = finding.group == "engine"
    facts = [("Check", "could not run")] if is_engine else [("Failed of evaluated", rows_in_words(finding.now))]
    facts += [("Allowed", allowed(finding.threshold)), ("Dimension", finding.dimension)]
    advice = prose(ENGINE_ADVICE if is_engine else rule.advice)
    return element(
        "article",
        element("p", BADGES[finding.group], class_="badge"),
        element("h3", rule.title),
        element("p", place(finding)),
        *([element("p", prose(rule.meaning))] if rule.meaning else []),
        element(
            "div",
            _facts(facts),
            element("div", element("p", "Last runs", class_="label"), trend(finding), *_since(finding)),
            class_="columns",
        ),
        element("p", element("strong", "What to do: "), advice, class_="advice"),
        class_=f"card {finding.group}",
    )


def _facts(facts: Sequence[tuple[str, str]]) -> Element:
    pairs = [element("div", element("dt", name), element("dd", text)) for name, text in facts]
    return element("dl", *pairs)


def _since(finding: Finding) -> Sequence[Element]:
    since = finding.failing_since
    if finding.now.status != "fail" or since is finding.now:
        return ()
    at_least = "at least " if since is finding.trend[0] else ""
    return (element("p", f"Failing since {at_least}", when(since.started_at), class_="quiet"),)


def _alike(why: str, findings: Sequence[Finding]) -> Sequence[str | Element]:
    """One line for a rule that was not evaluated in several places for the same reason."""
    places = element("ul", *(element("li", place(finding)) for finding in findings), class_="places")
    rule = rule_of(findings[0])
    return rule.title, places, prose(rule.meaning), why


def _why(finding: Finding) -> str:
    if finding.now.status != "absent":
        return NO_REASON
    last = next(point for point in reversed(finding.trend) if point.status != "absent")
    return f"{NOT_REACHED} Last seen on {in_utc(last.started_at):%Y-%m-%d}."
