"""What `icp design` prints of the groups' likeness: balance, overlap, days since discharge, people without a match."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from evaluation.estimation import ALL_SITES
from evaluation.matching import att_among
from pipelines.comparison import SHOWN_WHERE_KNOWN
from pipelines.masking import shown
from pipelines.protocol import Disclosure
from pipelines.text_tables import text_table

MOST_COVARIATES = 10
STAGES = {"before": "before", "after_matching": "matched", "after_weighting": "weighted"}
PROPENSITY = "propensity_logit"
SMD = "standardised_mean_difference"
Row = Mapping[str, Any]


def unmatched_words(unmatched: pl.DataFrame, designs: pl.DataFrame, hidden: Disclosure) -> str:
    """For whom pairs speak, and what the others are like; no means of a number of people that is hidden."""
    everybody = designs.filter(pl.col("population") == ALL_SITES).row(0, named=True)
    matched, cases = everybody["pilot_people_matched"], everybody["pilot_people"]
    estimand = f"Pairs estimate the {att_among(shown(matched, hidden), shown(cases, hidden))}."
    if min(matched, cases - matched) <= hidden.suppress_up_to:
        return f"{estimand} Too few people are matched, or not matched, to describe them."
    known = unmatched.drop_nulls(SMD)
    worst = known.sort(pl.col(SMD).abs(), "covariate", descending=[True, False]).head(MOST_COVARIATES)
    rows = [
        (row["covariate"], *(f"{row[name]:.2f}" for name in ("matched_mean", "unmatched_mean")), _size(row[SMD]))
        for row in worst.iter_rows(named=True)
    ]
    return "\n".join([estimand, text_table(("covariate", "matched", "unmatched", "difference"), rows)])


def balance_table(balance: pl.DataFrame) -> str:
    """The covariates furthest apart before, and what matching and weighting made of them; the largest of all last."""
    apart = (*SHOWN_WHERE_KNOWN, PROPENSITY)
    of_everybody = (pl.col("population") == ALL_SITES) & ~pl.col("covariate").is_in(apart)
    theirs = balance.filter(of_everybody).select("covariate", "stage", size=pl.col(SMD))
    found = {stage: dict(rows.select("covariate", "size").iter_rows()) for (stage,), rows in theirs.group_by("stage")}
    if "before" not in found:
        return "nothing to compare"
    known = {covariate: size for covariate, size in found["before"].items() if size is not None}
    worst = sorted(known, key=lambda covariate: (-abs(known[covariate]), covariate))[:MOST_COVARIATES]
    rows = [(covariate, *(_size(found.get(stage, {}).get(covariate)) for stage in STAGES)) for covariate in worst]
    largest = ("largest of all", *(_size(_largest(found.get(stage, {}))) for stage in STAGES))
    return text_table(("covariate", *STAGES.values()), [*rows, largest])


def _largest(sizes: Mapping[str, float | None]) -> float | None:
    return max((abs(size) for size in sizes.values() if size is not None), default=None)


def _size(size: float | None) -> str:
    return "-" if size is None else f"{size:.2f}"


def overlap_table(balance: pl.DataFrame, hidden: Disclosure) -> str:
    """How many pilot people have somebody on either side in the propensity score: all sites, and the worst site."""
    theirs = balance.filter(pl.col("covariate") == PROPENSITY).drop_nulls("share_in_common_support")
    is_site = pl.col("population").str.starts_with("site:")
    worst = theirs.filter(is_site).sort("share_in_common_support", "population")["population"].head(1)
    shown_of = [ALL_SITES, *worst]
    by_population = {
        name: {row["stage"]: _inside(row, hidden) for row in theirs.filter(population=name).iter_rows(named=True)}
        for name in shown_of
    }
    rows = [(name, *(found.get(stage, "-") for stage in STAGES)) for name, found in by_population.items()]
    return text_table(("population", *STAGES.values()), rows)


def _inside(row: Row, hidden: Disclosure) -> str:
    people = row["pilot_people"]
    inside = round(row["share_in_common_support"] * people)
    return f"{shown(inside, hidden)} of {shown(people, hidden)}"


def days_table(balance: pl.DataFrame, hidden: Disclosure) -> str:
    """Days since the last emergency discharge in both arms, by stage."""
    theirs = balance.filter(pl.col("population") == ALL_SITES, pl.col("covariate").is_in(SHOWN_WHERE_KNOWN))
    if theirs.is_empty():
        return "not known of anybody"
    by_stage = {row["stage"]: row for row in theirs.iter_rows(named=True)}
    rows = [_stage_of_days(by_stage[stage], hidden) for stage in STAGES if stage in by_stage]
    return text_table(("", "pilot people", "mean", "comparison people", "mean", "difference"), rows)


def _stage_of_days(row: Row, hidden: Disclosure) -> tuple[str, ...]:
    """Means in days, the difference in standard deviations; neither of a number of people that is hidden."""
    people = {arm: row[f"{arm}_people"] for arm in ("pilot", "comparison")}
    means = {arm: "-" if people[arm] <= hidden.suppress_up_to else f"{row[f'{arm}_mean']:.1f}" for arm in people}
    difference = "-" if "-" in means.values() else _size(row[SMD])
    arms = [text for arm in people for text in (shown(people[arm], hidden), means[arm])]
    return (STAGES[row["stage"]], *arms, difference)
