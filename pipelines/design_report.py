"""What `icp design` prints: cohort, balance, implied bias, power, cautions; counts rounded, small ones hidden."""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import polars as pl

from evaluation.estimation import ALL_SITES
from pipelines.design_likeness import STAGES, balance_table, days_table, overlap_table, unmatched_words
from pipelines.fingerprint import FROZEN_DESIGN
from pipelines.masking import shown
from pipelines.protocol import Disclosure
from pipelines.study import Study
from pipelines.text_tables import text_table
from pipelines.warehouse import Warehouse

WIDTH = 110
BRANCHES = {"all": "", "matched_cohort": "pairs", "weighted_cohort": "weights"}
Row = Mapping[str, Any]


def design_report(study: Study, warehouse: Warehouse) -> str:
    """The design of a study in plain words, from the tables of the design stage."""
    hidden = study.protocol.disclosure
    parts = [
        f"Design of {study.protocol.title or study.protocol.study}; no outcome after any index date was read.",
        f"Counts are rounded to the nearest {hidden.round_to}.",
        "",
        "Target trial: what a trial would ask for, and what the data do in its place",
        _trial(warehouse.read("target_trial")),
        "",
        "Cohort",
        _attrition(warehouse.read("attrition"), hidden),
        "",
        "Comparison",
        _designs(warehouse.read("comparison_designs"), hidden),
        "",
        "Pilot people without a match: where they differ most (means; difference in standard deviations)",
        unmatched_words(warehouse.read("unmatched_cases"), warehouse.read("comparison_designs"), hidden),
        "",
        "Balance of all pilot people: the largest standardised mean differences",
        balance_table(warehouse.read("covariate_balance")),
        "",
        "Overlap: pilot people within the range of the comparison people's propensity to be enrolled",
        overlap_table(warehouse.read("covariate_balance"), hidden),
        "",
        "Days from the last emergency discharge to the index date, of those discharged in the 24 months before",
        days_table(warehouse.read("covariate_balance"), hidden),
        "",
        "Implied bias: how far recorded history alone sets the groups' expected use apart",
        _bias(warehouse.read("implied_bias")),
        "",
        "Expected power, from months -24 to -7 before the index date",
        _power(warehouse.read("expected_power"), study),
        *_cautions(warehouse.read("comparison_designs"), warehouse.read("implied_bias")),
        "",
        _state(study),
    ]
    return "\n".join(parts)


def _trial(trial: pl.DataFrame) -> str:
    lines = []
    for row in trial.sort("element_number").iter_rows(named=True):
        lines.append(row["element"].replace("_", " "))
        lines += [_wrapped("asked", row["specification"]), _wrapped("done", row["emulation"])]
    return "\n".join(lines)


def _wrapped(label: str, words: str) -> str:
    return textwrap.fill(words, WIDTH, initial_indent=f"  {label:6}", subsequent_indent=" " * 8)


def _attrition(attrition: pl.DataFrame, hidden: Disclosure) -> str:
    """Steps of all sites: those that all designs share, then from the people left on to weights and to pairs."""
    theirs = attrition.filter(pl.col("population") == ALL_SITES).with_columns(pl.col("design").replace_strict(BRANCHES))
    rows = [
        (row["arm"], row["design"], row["step"], shown(row["people"], hidden), shown(row["people_lost"], hidden))
        for row in theirs.sort("arm", "design", "step_number", descending=[True, False, False]).iter_rows(named=True)
    ]
    return text_table(("arm", "", "step", "people", "lost"), rows)


def _designs(designs: pl.DataFrame, hidden: Disclosure) -> str:
    rows = [
        (
            row["population"],
            f"{shown(row['pilot_people_matched'], hidden)} of {shown(row['pilot_people'], hidden)}",
            shown(row["effective_comparison_people"], hidden) if row["has_weights"] else "no weights",
            row["pool"] or "-",
        )
        for row in designs.iter_rows(named=True)
    ]
    return text_table(("population", "pilot people matched", "comparison people in effect", "pool"), rows)


def _bias(found: pl.DataFrame) -> str:
    theirs = found.filter(pl.col("population") == ALL_SITES)
    rows = []
    for (label,), both in theirs.group_by("label", maintain_order=True):
        by_stage = {row["stage"]: row for row in both.iter_rows(named=True)}
        one = by_stage["before"]
        tolerated = "-" if one["tolerated_bias"] is None else f"{_pct(one['tolerated_bias']):.1f}%"
        reasons = " ".join(sorted({row["reason"] for row in by_stage.values() if row["reason"]}))
        rows.append((str(label), *(_implied(by_stage.get(stage)) for stage in STAGES), tolerated, reasons))
    return text_table(("outcome", *STAGES.values(), "tolerated", ""), rows)


def _implied(row: Row | None) -> str:
    bias = None if row is None else row["implied_bias_log_rate_ratio"]
    if row is None or bias is None:
        return "-"
    low, high = (_pct(bias + side * 1.96 * row["standard_error"]) for side in (-1, 1))
    return f"{_pct(bias):+.1f}% ({low:+.1f} to {high:+.1f})"


def _pct(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)


def _power(power: pl.DataFrame, study: Study) -> str:
    rows = [_outcome(row) for row in power.iter_rows(named=True) if row["population"] == ALL_SITES]
    header = ("outcome", "priority", "rate a year", "smallest fall found", "worth while", "power", "evaluable", "")
    years = [row["follow_up_years"] for row in power.iter_rows(named=True) if row["population"] == ALL_SITES]
    asked = study.protocol.periods.follow_up_months
    length = f"Follow-up within the data: {12 * years[0]:.1f} of {asked} months on average." if years else ""
    return "\n".join([text_table(header, rows), length])


def _outcome(row: Row) -> tuple[str, ...]:
    def pct(name: str) -> str:
        return "-" if row[name] is None else f"{abs(row[name]):.1f}%"

    verdict = {None: "not known", True: "yes", False: "not yet"}[row["is_evaluable"]]
    rate = "-" if row["rate"] is None else f"{row['rate']:.2f}"
    power = "-" if row["power"] is None else f"{100 * row['power']:.0f}%"
    worth = "-" if row["smallest_worthwhile_change_pct"] is None else f"{row['smallest_worthwhile_change_pct']:+.1f}%"
    detectable = pct("minimum_detectable_change_pct")
    return (row["label"], row["priority"], rate, detectable, worth, power, verdict, row["reason"])


def _state(study: Study) -> str:
    if (study.output / FROZEN_DESIGN).is_file():
        return "A design is frozen already; runs use that one, not this."
    return "Not frozen yet: icp freeze STUDY --by NAME keeps these pairs and weights for all later runs."


def _cautions(designs: pl.DataFrame, bias: pl.DataFrame) -> list[str]:
    everybody = designs.filter(pl.col("population") == ALL_SITES).iter_rows(named=True)
    found = {f"{kind}: {row[f'{kind}_caution']}" for row in everybody for kind in ("weighting", "matching")}
    after = bias.filter(pl.col("population") == ALL_SITES, pl.col("stage") != "before", pl.col("caution") != "")
    for row in after.iter_rows(named=True):
        found.add(f"{row['stage'].removeprefix('after_')}, {row['label']}: {row['caution']}")
    lines = sorted(line for line in found if not line.endswith(": "))
    return ["", "Cautions", *lines] if lines else []
