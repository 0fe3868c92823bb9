"""The part of `docs/rules.md` on the quality rules: what each asks, of which tables, and what it is judged by."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby

from pipelines.contracts import source_contract
from pipelines.quality.rules import QUALITY_RULES
from pipelines.quality.suites import LAKE_VIEWS, WHOLE_TABLE, Rule, contract_rules
from pipelines.tables_docs import markdown_table

INTRODUCTION = """## Quality rules

Asked of the accepted records of every run, once all deliveries are read, inside DuckDB. An id never changes: it stands
in `data_quality`, on the quality page and in alerts. A rule fails where the share of failed rows is above its limit.

- A failed rule of severity `error` ends the run with exit code 3; nothing new is published. One of severity `warning`
  is told, and the run goes on.
- Where there is nothing to ask a rule of, its status is `not_evaluated`, never a pass.
- A fault of the engine is status `error`, with an alert of its own: it says nothing about the data. It ends the run
  with exit code 1 where the rule is of severity `error`."""


def quality_section() -> str:
    """Every rule in words, then contract by contract where it stands, how severe it is and its limit."""
    words = [
        (f"`{rule.rule_id}`", rule.title, rule.dimension, rule.meaning, rule.advice) for rule in QUALITY_RULES.values()
    ]
    parts = [INTRODUCTION, markdown_table(("rule", "asks", "dimension", "counts", "what to do"), words).rstrip()]
    parts += ["### Where they stand, contract by contract", _standing().rstrip()]
    return "\n\n".join(parts)


def _standing() -> str:
    header = ("contract", "rule", "table", "columns", "severity", "at most")
    return markdown_table(header, [row for contract_id in sorted(LAKE_VIEWS) for row in _rows(contract_id)])


def _rows(contract_id: str) -> Iterator[tuple[str, ...]]:
    rules = sorted(contract_rules(source_contract(contract_id), latest_date=date.max), key=_place)
    for (rule_id, table, severity, threshold), group in groupby(rules, key=_place):
        yield f"`{contract_id}`", f"`{rule_id}`", f"`{table}`", _columns(group), severity, f"{threshold:.0%}"


def _place(rule: Rule) -> tuple[str, str, str, float]:
    return rule.rule_id, rule.table_name, rule.severity, rule.threshold


def _columns(rules: Iterable[Rule]) -> str:
    return " ".join(f"`{rule.column_name}`" for rule in rules if rule.column_name != WHOLE_TABLE)
