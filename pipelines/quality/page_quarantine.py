"""Quarantined records on the quality page: how many under which rule, and what to do; never the records."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import polars as pl

from pipelines.contracts import source_contract
from pipelines.masking import SMALLEST_SHOWN
from pipelines.quality.page_elements import counted, element, table
from pipelines.quality.page_rules import section
from pipelines.quality.page_words import prose, shown_count
from pipelines.reading.rules import Rule, record_rule
from pipelines.study import Study

HEADER = ("Rule", "Column", "Expected", "What to do", "Records")
BY = ("extract", "rule_id", "column_name")
UNLISTED = Rule("what the contract says", "look the rule up in its contract")
INTRODUCTION = (
    "Records that could not be placed on a person's time line, each under the first rule that it failed, those of "
    "replaced deliveries too. The records themselves are shown to the data manager by `icp quarantine STUDY`."
)


def quarantine_section(study: Study) -> Element:
    """Quarantined records by extract, each folded, the most first."""
    counts = quarantine_counts(study.quarantine_file)
    if counts is None:
        return section("quarantine", "Quarantine", "Nothing is known about quarantined records yet.")
    if counts.is_empty():
        return section("quarantine", "Quarantine", "No record is in quarantine.")
    lines = list(counts.iter_rows(named=True))
    extracts = dict.fromkeys(sorted(line["extract"] for line in lines))
    folded = [_extract(study, extract, [line for line in lines if line["extract"] == extract]) for extract in extracts]
    return section("quarantine", "Quarantine", INTRODUCTION, *folded)


def quarantine_counts(path: Path) -> pl.DataFrame | None:
    """Records by `extract`, `rule_id` and `column_name` in the lake's quarantine file; None if it cannot be read."""
    if not path.is_file():
        return None
    try:
        counts = pl.scan_parquet(path).group_by(BY).agg(rows=pl.len().cast(pl.Int64)).collect()
    except (OSError, pl.exceptions.PolarsError):
        return None
    shown_alike = pl.col("rows").clip(SMALLEST_SHOWN - 1)  # the order must not tell 2 from 5
    return counts.sort(shown_alike, *BY, descending=[True, False, False, False])


def _extract(study: Study, extract: str, lines: Sequence[Mapping[str, Any]]) -> Element:
    listed = table(f"Records of {extract} by rule", HEADER, (_line(study, line) for line in lines), numbers=1)
    summary = f"{extract}: {counted(len({line['rule_id'] for line in lines}), 'rule')} failed"
    return element("details", element("summary", summary), listed)


def _line(study: Study, line: Mapping[str, Any]) -> Sequence[str | Element]:
    rule = _rule(study, line["extract"], line["rule_id"])
    where = "the record as a whole" if line["column_name"] == "*" else element("code", line["column_name"])
    return element("code", line["rule_id"]), where, prose(rule.expected), prose(rule.advice), shown_count(line["rows"])


def _rule(study: Study, extract: str, rule_id: str) -> Rule:
    named = study.protocol.extracts.get(extract)
    if named is None:
        return UNLISTED
    try:
        return record_rule(rule_id, source_contract(named.contract))
    except KeyError:
        return UNLISTED
