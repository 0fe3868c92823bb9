"""The quality page: one static file that needs no network and no script, worst first, with what to do."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import polars as pl

from pipelines.quality.page_deliveries import deliveries_section, refused_cards, refused_files
from pipelines.quality.page_elements import element, html_text, style, when
from pipelines.quality.page_findings import Finding, findings_of, in_group
from pipelines.quality.page_quarantine import quarantine_section
from pipelines.quality.page_rules import cards, engine_errors, not_evaluated, passes, section, warnings
from pipelines.quality.page_verdict import Situation, Verdict, situation_of, tiles, verdict_of
from pipelines.quality.page_words import prose
from pipelines.study import Study

STYLE_SHEET = Path(__file__).with_name("page.css")
READING = (
    (
        "Blocks",
        "a rule of severity error failed: nothing new is published until it passes, the published file stays",
    ),
    ("Warning", "a rule of severity warning failed: the results are published, somebody should know"),
    ("Could not run", "the checking engine failed: nothing is said about the data, good or bad"),
    ("Not evaluated", "there was nothing to evaluate the rule on; an empty table is never a pass"),
    ("Allowed", "the share of failed rows up to which a rule passes, the dashed line in its trend"),
    ("1 to 7", "a count too small to be shown, also of rows that did not fail; in a trend it is drawn as if it were 4"),
    ("Exact counts", "are in the tables `data_quality` and `deliveries` of the published file"),
)


def write_page(study: Study, *, quality: pl.DataFrame, deliveries: pl.DataFrame, now: datetime) -> Path:
    """Writes `output/quality/index.html` in one step and returns where it lies.

    `quality` has all runs so far: the columns of `data_quality` and `started_at`; `deliveries` those of the published
    table; either may be empty. `now` is when the page is made; moments without a time zone are UTC. What the run
    ended with is taken from the log of runs. Raises OSError where the folder cannot be written.
    """
    folder = study.output / "quality"
    folder.mkdir(parents=True, exist_ok=True)
    aside, path = folder / ".index.html.part", folder / "index.html"
    aside.write_text(page(study, quality=quality, deliveries=deliveries, now=now), encoding="utf-8", errors="replace")
    return aside.replace(path)


def page(study: Study, *, quality: pl.DataFrame, deliveries: pl.DataFrame, now: datetime) -> str:
    """The text of the page; arguments as for `write_page`."""
    situation = situation_of(study, quality)
    findings = findings_of(quality)
    refused = refused_files(deliveries)
    verdict = verdict_of(situation, findings, refused=len(refused))
    main = element(
        "main",
        _verdict(verdict, situation),
        tiles(findings, refused=len(refused)),
        _blocks(findings, refused_cards(refused) if refused else None),
        warnings(findings),
        engine_errors(findings),
        not_evaluated(findings),
        passes(findings),
        deliveries_section(study, deliveries),
        quarantine_section(study),
        _reading(),
        id="main",
    )
    skip = element("a", "Skip to the verdict", href="#main", class_="skip")
    body = element("body", skip, _masthead(study, situation), main, _colophon(now))
    return f"<!doctype html>\n{html_text(element('html', _head(study, verdict), body, lang='en-GB'))}\n"


def _head(study: Study, verdict: Verdict) -> Element:
    css = STYLE_SHEET.read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    nothing_from_elsewhere = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": nothing_from_elsewhere}),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{verdict.word}: data quality of {_title(study)}"),
        style(css),
    )


def _masthead(study: Study, situation: Situation) -> Element:
    latest = situation.latest
    run_id = latest.run_id if latest else situation.evaluated_run_id
    started_at = latest.started_at if latest else situation.evaluated_at
    made_up = [element("p", "Synthetic study: only made-up people", class_="tag")] if study.protocol.synthetic else []
    run = ["Run ", element("code", run_id), ", started ", when(started_at)] if run_id and started_at else ["No run yet"]
    return element(
        "header",
        element("p", "Data quality", class_="label"),
        element("h1", _title(study)),
        element("p", *run),
        *made_up,
        class_="masthead",
    )


def _verdict(verdict: Verdict, situation: Situation) -> Element:
    said = [element("p", element("strong", verdict.word, class_="word"), " ", *verdict.sentence, class_="sentence")]
    if situation.evaluated_at and not situation.is_evaluated:
        earlier = "The latest run ended before its rules were evaluated. The rules below are as of the run of "
        said.append(element("p", earlier, when(situation.evaluated_at), "."))
    heading = element("h2", "Verdict", id="verdict-heading")
    return element("section", heading, *said, class_=f"verdict {verdict.tone}", aria_labelledby="verdict-heading")


def _blocks(findings: Sequence[Finding], refused: Element | None) -> Element:
    found = in_group(findings, "blocks")
    content = [*([refused] if refused is not None else []), *([cards(found)] if found else [])]
    said = "Nothing new is published until these are put right." if content else "Nothing blocks."
    return section("blocks", "What blocks", said, *content)


def _reading() -> Element:
    terms = [element("div", element("dt", term), element("dd", prose(words))) for term, words in READING]
    return section("reading", "How to read this page", "", element("dl", *terms, class_="terms"))


def _colophon(now: datetime) -> Element:
    return element("footer", element("p", "Page written ", when(now), ". It holds no identifier and no row's value."))


def _title(study: Study) -> str:
    return study.protocol.title or study.protocol.study
