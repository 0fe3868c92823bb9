"""Outcomes as checks: one a contract and rule, with what failed in one masked line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.contracts import source_contract
from pipelines.errors import IcpError
from pipelines.masking import masked_count, masked_part, masked_share
from pipelines.quality.rules import QUALITY_RULES
from pipelines.quality.suites import LAKE_VIEWS, WHOLE_TABLE, contract_rules


class EngineFaultError(IcpError):
    """The engine could not count a rule that may stop a run: nothing is known of the data, nothing is published."""

    def __init__(self, *rules: str) -> None:
        super().__init__(
            "the engine failed on rules that may stop a run; this says nothing about the data",
            *rules,
            "nothing new was published; run again, and report it if it happens again",
        )


@dataclass(frozen=True)
class RuleCheck:
    """One rule of one contract, on all its columns; `blocks` where it is an error in at least one of them."""

    contract_id: str
    rule_id: str
    blocks: bool

    @property
    def name(self) -> str:
        """As Dagster shows it."""
        return f"{self.contract_id}__{self.rule_id}"

    @property
    def description(self) -> str:
        """What the rule asks, and of which contract."""
        rule = QUALITY_RULES[self.rule_id]
        return f"{rule.title} ({self.contract_id}). {rule.meaning}"


@dataclass(frozen=True)
class Verdict:
    """What a check says: `is_error` where the failed rule stops the run; counts in it are masked."""

    passed: bool
    is_error: bool
    description: str | None
    metadata: Mapping[str, str]


def rule_checks() -> Iterator[RuleCheck]:
    """The checks of all source contracts, by contract and rule."""
    for contract_id in sorted(LAKE_VIEWS):
        rules = list(contract_rules(source_contract(contract_id), latest_date=date.max))
        for rule_id in sorted({rule.rule_id for rule in rules}):
            blocks = any(rule.severity == "error" for rule in rules if rule.rule_id == rule_id)
            yield RuleCheck(contract_id, rule_id, blocks)


def verdict(check: RuleCheck, outcomes: pl.DataFrame) -> Verdict:
    """What the outcomes of a run (the columns of `data_quality`) say of one check.

    An engine's fault is told apart: it is no failure of the data, and never passes.
    """
    own = outcomes.filter(contract_id=check.contract_id, rule_id=check.rule_id)
    failed = own.filter(pl.col("status") == "fail")
    faults = own.filter(pl.col("status") == "error")
    lines = [_line(row) for row in failed.iter_rows(named=True)] + _fault_lines(faults)
    statuses = {status: str(own.filter(status=status).height) for status in ("pass", "fail", "error", "not_evaluated")}
    return Verdict(
        passed=not lines,
        is_error=not failed.filter(severity="error").is_empty(),
        description="; ".join(lines) or None,
        metadata={f"columns: {status}": number for status, number in statuses.items() if number != "0"},
    )


def engine_faults(outcomes: pl.DataFrame) -> list[str]:
    """The rules of severity error that the engine failed on, unless the data themselves stop the run anyway."""
    stopping = outcomes.filter(pl.col("severity") == "error")
    if "fail" in stopping["status"]:
        return []
    return _fault_lines(stopping.filter(pl.col("status") == "error"))


def _line(row: Mapping[str, object]) -> str:
    failed, evaluated = int(str(row["failed_rows"])), int(str(row["evaluated_rows"]))
    return (
        f"{_place(row)}: {row['rule_id']} fails: {masked_part(failed, evaluated)} of {masked_count(evaluated)}, "
        f"share {masked_share(failed, evaluated)}, at most {row['threshold']:.1%} allowed"
    )


def _fault_lines(faults: pl.DataFrame) -> list[str]:
    return [f"{_place(row)}: {row['rule_id']}: the engine failed" for row in faults.iter_rows(named=True)]


def _place(row: Mapping[str, object]) -> str:
    column = "" if row["column_name"] == WHOLE_TABLE else f".{row['column_name']}"
    return f"{row['contract_id']}: {row['table_name']}{column}"
