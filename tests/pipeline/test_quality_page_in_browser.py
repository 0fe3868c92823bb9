"""The quality page in a real browser that has no network: complete, readable in every width and scheme of colours.

Collected where a Chromium is installed.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pipelines.quality.page import write_page
from tests.browser import CHROMIUM, Browser, browser
from tests.quality_frames import NOW, deliveries_of, delivery, failing, outcome, quality_of, study_with_runs
from tests.quality_frames import without_outcome as without

__test__ = CHROMIUM is not None

# Every piece of text with the colours that the browser painted it in, as WCAG 2.2 (1.4.3) compares them.
CONTRASTS = """
(() => {
    const light = colour => {
        const parts = colour.match(/[0-9.]+/g).slice(0, 3)
        const [r, g, b] = parts.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = node => {
        const colour = getComputedStyle(node).backgroundColor
        return colour === "rgba(0, 0, 0, 0)" && node.parentElement ? ground(node.parentElement) : colour
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const found = []
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement
        if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.closest("svg")) continue
        const [a, b] = [light(getComputedStyle(node).color), light(ground(node))]
        found.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05))
    }
    return found
})()
"""
OPEN_ALL = "document.querySelectorAll('details').forEach(folded => { folded.open = true })"
NAMES = "[...document.querySelectorAll('h1, h2, h3')].map(heading => heading.textContent)"
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
TABLES = """
[...document.querySelectorAll('table')].map(table => [table.caption.textContent, table.tBodies[0].rows.length])
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with something in every part: twelve runs, a refused file with a long name, a quarantine."""
    study = study_with_runs(tmp_path_factory.mktemp("quality") / "study", *["succeeded"] * 11, "failed")
    runs = [
        [
            outcome("valid_codes", "ADMIMETH", failed_rows=10 + number),
            failing("not_null", rows=20 * number, severity="error"),
            failing("plausible_range", "STARTAGE", rows=30),
            without("error", "date_in_window", "EPISTART") if number == 12 else outcome("date_in_window", "EPISTART"),
            without("not_evaluated", "control_total_agrees", "*", table_name="control_totals"),
        ]
        for number in range(1, 13)
    ]
    names = [f"admissions_2010-{month:02d}.csv" for month in range(1, 13)]
    refused = delivery("a_name_that_goes_on_" * 9, status="refused", refusal_reason="empty_file: nothing; expected: x")
    study.lake.mkdir(parents=True)
    rows = {"extract": ["admissions"] * 9, "rule_id": ["episode_ends_before_start"] * 9, "column_name": ["EPIEND"] * 9}
    pl.DataFrame(rows).write_parquet(study.quarantine_file)
    ledger = deliveries_of(*(delivery(name, rows_quarantined=9) for name in names), refused)
    return write_page(study, quality=quality_of(*runs), deliveries=ledger, now=NOW)


def test_a_page_that_asks_for_something_is_caught_at_it(tab, tmp_path):
    asking = tmp_path / "asking.html"
    pale = '<p style="color: #999; background: #fff">pale</p>'
    asking.write_text(f'<img src="http://example.org/logo.png">{pale}', encoding="utf-8")
    del tab.requested[:], tab.complaints[:]
    tab.open(asking)
    assert tab.requested == [asking.as_uri(), "http://example.org/logo.png"]
    assert tab.complaints != []
    assert min(tab.ask(CONTRASTS)) < 4.5


def test_the_page_opens_without_a_network_and_asks_for_nothing(tab, page):
    del tab.requested[:], tab.complaints[:]
    tab.open(page)
    assert (tab.requested, tab.complaints) == ([page.as_uri()], [])
    assert tab.ask("document.styleSheets[0].cssRules.length") > 30
    assert tab.ask("document.title") == "Stopped: data quality of tiny"


def test_the_browser_reads_all_parts_in_their_order(tab, page):
    tab.open(page)
    headings = tab.ask(NAMES)
    assert headings[:4] == ["tiny", "Verdict", "What blocks", "a_name_that_goes_on_" * 9]
    assert [
        name for name in headings if name in ("Warnings", "Not evaluated", "Passed", "Deliveries", "Quarantine")
    ] == [
        "Warnings",
        "Not evaluated",
        "Passed",
        "Deliveries",
        "Quarantine",
    ]
    assert tab.ask(TABLES) == [
        ["Rules that were not evaluated", 1],
        ["Rules that passed", 1],
        ["Extracts and their deliveries", 3],
        ["Files of admissions", 13],
        ["Records of admissions by rule", 1],
    ]
    assert tab.ask("document.querySelectorAll('svg.trend polyline').length") == 4


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_but_tables_needs_scrolling_sideways(tab, page, width):
    tab.open(page, width=width)
    tab.ask(OPEN_ALL)
    content, window = tab.ask(WIDTHS)
    assert content <= window <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(tab, page, scheme):
    tab.open(page, scheme=scheme)
    tab.ask(OPEN_ALL)
    contrasts = tab.ask(CONTRASTS)
    assert len(contrasts) > 200
    assert min(contrasts) >= 4.5


def test_light_and_dark_are_two_schemes(tab, page):
    tab.open(page, scheme="light")
    light = tab.ask("getComputedStyle(document.body).backgroundColor")
    tab.open(page, scheme="dark")
    assert tab.ask("getComputedStyle(document.body).backgroundColor") != light
