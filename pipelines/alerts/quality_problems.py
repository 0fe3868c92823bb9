"""How each data-quality rule stands, and the engine that evaluates them, read off the history of all runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.alerts.wording import amount, plain
from pipelines.masking import masked_share
from pipelines.quality.rules import QUALITY_RULES

Row = dict[str, Any]
WORST_FIRST = {"fail": 0, "error": 1, "pass": 2, "not_evaluated": 3}
VALUES_SHOWN = 12
RULES_NAMED = 6
NO_LONGER_CHECKED = "The rule is no longer checked."
LATE_RULE = "extract_fresh"
SHARED_CONTRACT, LAKE = "survey", "lake_"  # several extracts may be surveys; their tables tell them apart
WHOLE_TABLE = ("*", None)


@dataclass(frozen=True)
class Standing:
    """What is known of a rule or an engine: Problem's arguments, whether it stands, and if not why it is over.

    A rule that was never evaluated neither stands nor is over.
    """

    problem: dict[str, str]
    is_failing: bool
    cleared: str | None

    @property
    def clearing(self) -> tuple[str, str | None]:
        """Id of the problem, and why it is over; None while it stands."""
        return self.problem["problem_id"], None if self.is_failing else self.cleared


def standings(quality: pl.DataFrame) -> tuple[Standing, ...]:
    """Every rule as it stood when it was last evaluated, and the engine for each contract.

    `quality`: one row per run and rule, oldest run first. A rule that the newest run of its table no longer has
    is over: it was taken out of the contract. A rule that was not evaluated stands as it did before.
    """
    if quality.is_empty():
        return ()
    ordered = _in_order(quality)
    return (*_rules(ordered), *_engines(ordered))


def _in_order(quality: pl.DataFrame) -> pl.DataFrame:
    """One row per rule and run with its `problem_id`, and whether the run is the newest of the rule's table."""
    runs = quality.select("run_id").unique(maintain_order=True).with_row_index("run_number")
    is_shared = (pl.col("contract_id") == SHARED_CONTRACT) & pl.col("table_name").str.starts_with(LAKE)
    column = pl.when(pl.col("column_name").is_in(["*"])).then(pl.lit("table")).otherwise("column_name")
    return (
        quality.join(runs, on="run_id", maintain_order="left")
        .with_columns(
            place=pl.when(is_shared).then(pl.col("table_name").str.strip_prefix(LAKE)).otherwise("contract_id"),
            rank=pl.col("status").replace_strict(WORST_FIRST),
            is_newest=pl.col("run_number") == pl.col("run_number").max().over("contract_id", "table_name"),
        )
        .with_columns(problem_id=pl.format("quality:{}:{}:{}", "place", "rule_id", column.fill_null("table")))
        .sort("run_number", "rank", maintain_order=True)
        .unique(["problem_id", "run_number"], keep="first", maintain_order=True)
    )


def _rules(ordered: pl.DataFrame) -> Iterator[Standing]:
    for history in ordered.partition_by("problem_id", maintain_order=True):
        evaluated = history.filter(pl.col("status").is_in(["pass", "fail"])).tail(VALUES_SHOWN).rows(named=True)
        if not evaluated:
            yield Standing({"problem_id": history["problem_id"][0]}, is_failing=False, cleared=None)
            continue
        is_checked = bool(history["is_newest"].any())
        yield Standing(
            problem=_rule_problem(evaluated),
            is_failing=is_checked and evaluated[-1]["status"] == "fail",
            cleared="The rule passes again." if is_checked else NO_LONGER_CHECKED,
        )


def _engines(ordered: pl.DataFrame) -> Iterator[Standing]:
    for newest in ordered.filter("is_newest").partition_by("place", maintain_order=True):
        failed = newest.filter(pl.col("status") == "error").rows(named=True)
        yield Standing(
            problem=_engine_problem(newest["place"][0], failed),
            is_failing=bool(failed),
            cleared="The rules were evaluated again.",
        )


def _rule_problem(evaluated: list[Row]) -> dict[str, str]:
    last = evaluated[-1]
    rule = QUALITY_RULES.get(last["rule_id"])
    column = None if last["column_name"] in WHOLE_TABLE else plain(last["column_name"])
    about = f"{last['place']} {column}" if column else last["place"]
    lines = [
        f"Rule: {last['rule_id']} ({last['severity']})",
        f"Where: {last['place']}, table {last['table_name']}" + (f", column {column}" if column else ""),
        f"How much: {_how_much(last)}",
        f"Last values, oldest first: {'; '.join(_value(row) for row in evaluated)}",
        *([f"Meaning: {rule.meaning}"] if rule else []),
        f"What to do: {rule.advice if rule else 'look at the quality page.'}",
    ]
    return {
        "problem_id": last["problem_id"],
        "kind": "late" if last["rule_id"] == LATE_RULE else "quality",
        "title": f"{about}: rule not met: {rule.title if rule else last['rule_id']}",
        "body": "\n".join(lines),
        "severity": last["severity"],
    }


def _engine_problem(place: str, failed: list[Row]) -> dict[str, str]:
    tables, rules = (sorted({row[name] for row in failed}) for name in ("table_name", "rule_id"))
    lines = [
        f"Where: {place}, table {', '.join(tables)}",
        f"Rules: {', '.join(rules[:RULES_NAMED])}{' and others' if len(rules) > RULES_NAMED else ''}",
        "Meaning: the engine failed. That says nothing about the data, good or bad.",
        "What to do: run again; if it comes back, tell whoever maintains this installation.",
    ]
    return {
        "problem_id": f"engine:{place}",
        "kind": "engine",
        "title": f"Rules could not be evaluated: {place}",
        "body": "\n".join(lines),
        "severity": "error",
    }


def _how_much(row: Row) -> str:
    if row["evaluated_rows"] is None or row["failed_rows"] is None:
        return "not counted"
    allowed = "" if row["threshold"] is None else f"; allowed: {100 * row['threshold']:g}%"
    return amount(row["failed_rows"], row["evaluated_rows"]) + allowed


def _value(row: Row) -> str:
    is_counted = row["evaluated_rows"] is not None and row["failed_rows"] is not None
    return masked_share(row["failed_rows"], row["evaluated_rows"]) if is_counted else str(row["status"])
