"""The quality page as text: nothing from elsewhere, nothing unescaped, no small count, worst first."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from pipelines.quality.page import write_page
from pipelines.study import Study
from tests.quality_frames import (
    NO_DELIVERIES,
    NO_QUALITY,
    NOW,
    deliveries_of,
    delivery,
    failing,
    outcome,
    quality_of,
    started,
    study_with_runs,
    without_outcome,
)

HOSTILE = '<script>alert("1")</script>"><img src=x onerror=y>\u202egpj.csv'
EVERYTHING = quality_of(
    [outcome(), failing("valid_codes", "ADMIMETH", rows=30)],
    [
        outcome(failed_rows=9),
        failing("valid_codes", "ADMIMETH", rows=40),
        failing("person_known", "PSEUDO_HESID", rows=200, severity="error"),
        without_outcome("error", "date_in_window", "EPISTART"),
        without_outcome("not_evaluated", "control_total_agrees", "*", table_name="control_totals"),
    ],
)
REFUSED = "required_column_missing: the column EPISTART is missing; expected: every required column; do: ask"
FILES = deliveries_of(
    delivery("admissions_2010.csv", rows_quarantined=20, rows_accepted=980),
    delivery("admissions_2011.csv", status="refused", rows_read=0, rows_accepted=0, refusal_reason=REFUSED),
)


class Outline(HTMLParser):
    """Tags as they open and close, with the text of the page in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.opened.append((tag, dict(attrs)))
        if tag != "meta":
            self.unclosed.append(tag)

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag

    def handle_data(self, data):
        if "style" not in self.unclosed and data.strip():
            self.said.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.opened if name == tag]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_with_runs(tmp_path / "study", "succeeded", "failed")


def written(study: Study, quality: pl.DataFrame = EVERYTHING, deliveries: pl.DataFrame = FILES) -> str:
    return write_page(study, quality=quality, deliveries=deliveries, now=NOW).read_text(encoding="utf-8")


def quarantine(study: Study, **rows: int) -> None:
    study.lake.mkdir(parents=True, exist_ok=True)
    rules = [rule for rule, count in rows.items() for _ in range(count)]
    columns = {"extract": "admissions", "column_name": "EPISTART", "original_text": "refused text"}
    table = pl.DataFrame({"rule_id": rules}, schema={"rule_id": pl.String})
    table.with_columns(**{name: pl.lit(value) for name, value in columns.items()}).write_parquet(study.quarantine_file)


def test_the_page_lies_in_the_quality_folder_and_nothing_else_does(study):
    assert write_page(study, quality=EVERYTHING, deliveries=FILES, now=NOW) == study.output / "quality" / "index.html"
    assert [path.name for path in (study.output / "quality").iterdir()] == ["index.html"]


def test_the_page_asks_for_nothing_from_elsewhere_and_forbids_it(study):
    quarantine(study, impossible_date=10)
    text = written(study)
    assert re.findall(r"(?i)https?:|src=|url\(|@import|<script|<link|<img|<iframe|<object| on\w+=|style=", text) == []
    assert [tag for tag in Outline(text).all("meta") if "default-src 'none'" in (tag.get("content") or "")] != []


def test_the_page_is_well_formed_and_its_inner_links_lead_somewhere(study):
    outline = Outline(written(study))
    ids = [attributes["id"] for _, attributes in outline.opened if "id" in attributes]
    assert outline.unclosed == []
    assert len(ids) == len(set(ids))
    assert {str(link["href"]) for link in outline.all("a")} <= {f"#{name}" for name in ids}
    assert {attributes["aria-labelledby"] for attributes in outline.all("section")} <= set(ids)


def test_tables_headings_and_pictures_can_be_read_aloud(study):
    quarantine(study, impossible_date=10)
    text = written(study)
    outline = Outline(text)
    tables = re.findall(r"<table>.*?</table>", text)
    levels = [int(tag[1]) for tag, _ in outline.opened if re.fullmatch("h[1-6]", tag)]
    assert len(tables) > 3
    assert all(table.startswith("<table><caption>") for table in tables)
    assert all(header["scope"] in ("col", "row") for header in outline.all("th"))
    assert [level for level in levels if level == 1] == levels[:1]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert (
        text.count("<svg") == text.count('role="img" class="trend"><title>Share of failed rows in the last 2 runs') > 0
    )
    assert outline.all("html") == [{"lang": "en-GB"}]


def test_names_from_outside_are_text_and_nothing_but_text(study):
    files = deliveries_of(
        delivery(HOSTILE, extract=HOSTILE),
        delivery(HOSTILE, status="refused", refusal_reason=f"unknown_file_type: {HOSTILE}; expected: csv"),
        delivery("other.csv", status="refused", refusal_reason=HOSTILE),
    )
    outline = Outline(written(study, quality_of([failing(HOSTILE, HOSTILE, rows=20, contract_id=HOSTILE)]), files))
    assert {tag for tag, _ in outline.opened}.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, attributes in outline.opened for name in attributes)
    assert HOSTILE.replace("\u202e", "\ufffd") in outline.said
    assert "\u202e" not in "".join(outline.said)


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6, 7])
def test_the_page_is_the_same_whichever_of_1_to_7_rows_there_were(study, rows):
    def page_with(few: int) -> str:
        latest = [failing(rows=few), outcome("valid_codes", failed_rows=few), failing("site_known", "SITE", rows=5)]
        tiny = [failing("delivery_volume", "*", rows=1, evaluated_rows=few)]
        parts = dict.fromkeys(("rows_quarantined", "rows_duplicate", "rows_nulled", "rows_repaired"), few)
        files = [
            delivery("a.csv", rows_read=500, **parts),
            delivery("b.csv", rows_read=few, rows_superseded=few),
            delivery("c.csv", rows_read=500, rows_quarantined=20),
        ]
        quarantine(study, impossible_date=few, missing_value=3)
        return written(study, quality_of([*latest, *tiny], [*latest, *tiny]), deliveries_of(*files))

    assert page_with(rows) == page_with(1)
    assert page_with(rows) != page_with(9)


def test_counts_that_may_be_shown_are_shown(study):
    quarantine(study, impossible_date=12, missing_value=3)
    said = Outline(written(study)).said
    assert "200 of 1,000 (20.0%)" in said
    assert {"12", "1 to 7", "20", "2.0%"} <= set(said)


def test_what_blocks_comes_first_then_warnings_engine_errors_the_unevaluated_and_passes(study):
    said = " ".join(Outline(written(study)).said)
    landmarks = (
        "1 file was refused and 1 rule blocks.",
        "What blocks",
        "admissions_2011.csv",
        "People are in the population",
        "Warnings",
        "Codes are known",
        "Checks that could not run",
        "Dates are in the window",
        "Not evaluated",
        "Counts agree with control totals",
        "Passed",
        "Values are there",
        "Deliveries",
    )
    order = [said.index(text) for text in landmarks]
    assert order == sorted(order)


def test_a_refused_file_says_what_was_found_what_was_expected_and_what_to_do(study):
    said = Outline(written(study)).said
    assert "The column EPISTART is missing." in said
    assert "Every required column of the contract." in said
    assert "Ask the supplier for it, or move the file to its own folder if it belongs to another data set." in said


def test_a_rule_says_where_it_holds_in_words_and_in_names(study):
    said = " ".join(Outline(written(study)).said)
    assert "Admitted patient care, Admission method lake_admissions.ADMIMETH" in said


def test_keys_of_several_columns_are_named_as_the_lake_and_the_supplier_name_them(study):
    row = failing("unique_key", "person_id, site, index_date", rows=20, contract_id="pilot_enrolment")
    said = " ".join(Outline(written(study, quality_of([row]))).said)
    assert "Pilot enrolment, Person, Site, Index date lake_admissions.person_id, site, index_date" in said


def test_a_rule_that_was_not_evaluated_in_several_places_stands_once_with_all_of_them(study):
    rows = [without_outcome("not_evaluated", "extract_fresh", "*", contract_id=name) for name in ("hes_apc", "hes_op")]
    (table,) = re.findall(r"<table><caption>Rules that were not evaluated.*?</table>", written(study, quality_of(rows)))
    said = Outline(table).said
    assert said.count("Deliveries come in time") == 1
    assert [name.strip() for name in said if "patient" in name] == ["Admitted patient care", "Outpatient appointments"]


def test_a_file_says_which_share_of_it_is_in_quarantine(study):
    files = deliveries_of(delivery("a.csv", rows_quarantined=50), delivery("b.csv", rows_quarantined=60))
    assert {"5.0%", "6.0%", "5.5%"} <= set(Outline(written(study, deliveries=files)).said)


def test_a_quarantined_record_is_counted_under_its_rule_and_not_shown(study):
    quarantine(study, impossible_date=12, episode_ends_before_start=9, a_rule_of_tomorrow=8)
    text = written(study)
    assert "refused text" not in text
    assert "A day of the calendar from 1850 to 2199." in text
    assert "An episode ends on or after the day it starts." in text
    assert text.index("impossible_date") < text.index("episode_ends_before_start") < text.index("a_rule_of_tomorrow")
    assert "Look the rule up in its contract." in text


def test_a_quarantine_that_cannot_be_read_is_said_to_be_unknown(study):
    study.quarantine_file.parent.mkdir(parents=True)
    study.quarantine_file.write_text("no Parquet", encoding="utf-8")
    assert "Nothing is known about quarantined records yet." in written(study)
    study.quarantine_file.unlink()
    study.quarantine_file.mkdir()
    assert "Nothing is known about quarantined records yet." in written(study)


def test_before_anything_was_evaluated_the_page_says_so(tmp_path):
    text = written(study_with_runs(tmp_path / "new"), NO_QUALITY, NO_DELIVERIES)
    assert "No rule has been evaluated yet." in text
    assert text.count("no delivery yet") == 3


def test_a_page_without_changes_is_the_same_page(study):
    assert written(study) == written(study)


def test_moments_are_in_utc_whatever_zone_they_come_in(study):
    text = write_page(study, quality=EVERYTHING, deliveries=FILES, now=NOW.replace(tzinfo=None)).read_text("utf-8")
    assert text == written(study)
    assert '<time datetime="2026-03-20T08:00:00Z">20 March 2026, 08:00 UTC</time>' in text


def test_files_of_an_extract_stand_in_the_order_in_which_they_arrived(study):
    days = {"a.csv": 3, "b.csv": 2, "c.csv": 1}
    rows = [delivery(name, received_at=started(day)) for name, day in days.items()]
    text = written(study, deliveries=deliveries_of(*rows))
    assert text.index("c.csv") < text.index("b.csv") < text.index("a.csv")
