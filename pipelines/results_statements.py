"""`icp results`: protocol outcomes in plain words, with probabilities beside them."""

from typing import Any

Row = dict[str, Any]
COLUMNS = ("Outcome", "In words", "Probability of a fall", "of a worthwhile change", "of a rise")
NONE = "-"
WITH_SECOND_DESIGN = "weighted_cohort"


def statement_cells(row: Row) -> list[str]:
    """A row of `effect_statements` as the cells of `COLUMNS`, primary outcomes marked."""
    priority = " (primary)" if row["priority"] == "primary" else ""
    probabilities = [_probability(row[f"probability_{what}"]) for what in ("fell", "worthwhile", "rose")]
    beside = row["bracket"] if row["design"] == WITH_SECOND_DESIGN else ""
    return [f"{row['label']}{priority}", f"{row['statement']} {beside}".rstrip(), *probabilities]


def statement_caution(row: Row) -> str:
    """The prior, without which no probability is shown, and the cautions."""
    return f"{row['prior']} {row['caution']}" if row["prior"] else str(row["caution"])


def _probability(value: float | None) -> str:
    """In whole percent; what is nearly sure is not called sure: `over 99%`."""
    if value is None:
        return NONE
    if value > 0.99:
        return "over 99%"
    return "under 1%" if value < 0.01 else f"{100 * value:.0f}%"
