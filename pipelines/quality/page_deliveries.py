"""The ledger on the quality page: what arrived, what was refused and why, and what is in quarantine."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import polars as pl

from pipelines.masking import masked_share
from pipelines.quality.page_counts import bounds_in_words, bounds_of_sum, share_of_bounds
from pipelines.quality.page_elements import counted, element, in_utc, table
from pipelines.quality.page_rules import section
from pipelines.quality.page_words import prose, shown_count, shown_part
from pipelines.reading.rules import REFUSED_FILES
from pipelines.study import Study

Row = Mapping[str, Any]
STATUS = {
    "accepted": "in use",
    "superseded": "replaced by a later one",
    "duplicate_file": "the same again",
    "refused": "refused",
    "growing": "still growing",
}
FATES = ("rows_superseded", "rows_duplicate", "rows_nulled", "rows_repaired")
NAMED = ("File", "Status", "Period", "Arrived")
FIGURES = ("Rows", "Quarantined", "Share", "Superseded", "Duplicate", "Nulled", "Repaired")
UNSAID = "the file was refused without a reason"


def refused_files(deliveries: pl.DataFrame) -> Sequence[Row]:
    """The deliveries that were refused, by extract and name."""
    return list(_sorted(deliveries).filter(pl.col("status") == "refused").iter_rows(named=True))


def refused_cards(refused: Iterable[Row]) -> Element:
    """Refused files, each with what was found, what was expected and what to do."""
    return element("div", *(_refused_card(row) for row in refused), class_="cards")


def deliveries_section(study: Study, deliveries: pl.DataFrame) -> Element:
    """All extracts of the study with their files, and each file with the fate of its rows."""
    rows = list(_sorted(deliveries).iter_rows(named=True))
    extracts = dict.fromkeys([*study.protocol.extracts, *(row["extract"] for row in rows)])
    by_extract = {extract: [row for row in rows if row["extract"] == extract] for extract in extracts}
    header = ("Extract", "Files", "Latest arrival", "Rows in use or replaced", "Quarantined", "Share quarantined")
    overview = table("Extracts and their deliveries", header, map(_extract, by_extract.items()), numbers=3)
    files = [_files(extract, found) for extract, found in by_extract.items() if found]
    said = "Every file that arrived. Rows are read once; each has one fate, and the books balance for each file."
    return section("deliveries", "Deliveries", said, overview, *files)


def _sorted(deliveries: pl.DataFrame) -> pl.DataFrame:
    return deliveries.sort("extract", "received_at", "file_name") if deliveries.height else deliveries


def _extract(item: tuple[str, Sequence[Row]]) -> Sequence[str]:
    extract, rows = item
    if not rows:
        return extract, "no delivery yet", "", "", "", ""
    files = Counter(row["status"] for row in rows)
    counting = [row for row in rows if row["status"] in ("accepted", "superseded")]
    read = bounds_of_sum(row["rows_read"] for row in counting)
    quarantined = bounds_of_sum(row["rows_quarantined"] for row in counting)
    return (
        extract,
        ", ".join(f"{files[status]} {words}" for status, words in STATUS.items() if files[status]),
        f"{in_utc(max(row['received_at'] for row in rows)):%Y-%m-%d}",
        bounds_in_words(read),
        shown_part(quarantined.low, read.low) if quarantined.is_exact else bounds_in_words(quarantined),
        share_of_bounds(quarantined, read.low),
    )


def _files(extract: str, rows: Sequence[Row]) -> Element:
    listed = table(f"Files of {extract}", (*NAMED, *FIGURES), map(_file, rows), numbers=len(FIGURES))
    return element("details", element("summary", f"{extract}: {counted(len(rows), 'file')}"), listed)


def _file(row: Row) -> Sequence[str | Element]:
    return (
        element("bdi", row["file_name"]),
        STATUS.get(row["status"], str(row["status"])),
        str(row["period"] or "none"),
        f"{in_utc(row['received_at']):%Y-%m-%d}",
        shown_count(row["rows_read"]),
        shown_part(row["rows_quarantined"], row["rows_read"]),
        masked_share(row["rows_quarantined"], row["rows_read"]),
        *(shown_count(row[name]) for name in FATES),
    )


def _refused_card(row: Row) -> Element:
    reason = row["refusal_reason"] or UNSAID
    rule_id, _, found = reason.partition(": ")
    rule = REFUSED_FILES.get(rule_id)
    told = [("Found", found.partition("; expected: ")[0]), ("Expected", rule.expected)] if rule else [("Found", reason)]
    advice = rule.advice if rule else "look at the file and at its contract"
    facts = [element("div", element("dt", name), element("dd", prose(text))) for name, text in told]
    return element(
        "article",
        element("p", "Refused file", class_="badge"),
        element("h3", element("bdi", row["file_name"])),
        element("p", f"Extract {row['extract']}, rule ", element("code", rule_id if rule else "unlisted")),
        element("dl", *facts),
        element("p", element("strong", "What to do: "), prose(advice), class_="advice"),
        class_="card blocks",
    )
