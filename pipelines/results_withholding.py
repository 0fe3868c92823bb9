"""What `icp results` does not print: counts of 1 to 7, and numbers that rest on 1 to 7 people."""

import re
from collections.abc import Sequence
from typing import Any

from pipelines.masking import masked_count

Row = dict[str, Any]
WITHHELD = "Withheld: rests on 1 to 7 people or events."
WAVES = ("baseline", "follow_up")
SECOND_DESIGN = {"design": "matched_did"}

_PERSON_YEARS = ("person_years_pilot", "person_years_comparator")
_OF_BRACKET = ("designs_agree", "bracket_low_pct", "bracket_high_pct")
_OF_SEVERAL_DESIGNS = (*_OF_BRACKET, "carried_forward_pct", "carried_forward_low_pct", "carried_forward_high_pct")
_OF_ESTIMATE = (
    *("pilot_baseline", "pilot_follow_up", "comparator_baseline", "comparator_follow_up"),
    *("change", "change_low", "change_high", "relative_change_pct", "relative_low_pct", "relative_high_pct"),
    *("p_value", "p_adjusted", "minimum_detectable_change_pct", *_OF_SEVERAL_DESIGNS),
    *(*_PERSON_YEARS, "n_clusters"),
)
_OF_SURVEY = (
    *("baseline_level", "follow_up_level", "change", "change_low", "change_high", "standard_error", "p_value"),
    *("response_rate_baseline_pct", "response_rate_follow_up_pct", "n_clusters"),
)
_OF_COMPARISON = ("our_baseline", "our_follow_up", "our_change", "our_change_low", "our_change_high")
_OF_STATEMENT = (
    *("relative_change_pct", "relative_low_pct", "relative_high_pct"),
    *("change_points", "change_low_points", "change_high_points"),
    *("probability_fell", "probability_worthwhile", "probability_rose", "prior", *_OF_BRACKET),
)
_OF_SECOND = ("matched_did_change_pct", "matched_did_low_pct", "matched_did_high_pct", "designs_agree")
_OF_HORIZON = (
    *("relative_change_pct", "relative_low_pct", "relative_high_pct"),
    *("change", "change_low", "change_high", *_PERSON_YEARS),
    *_OF_SECOND,
)
_COUNTS = re.compile(r"; (?P<part>\d+) of (?P<whole>\d+) ")
_SURVEY_DETAILS = ("positive", "not_counted", "missing")


def is_small(count: int | None) -> bool:
    """Whether a count is one that is never printed."""
    return count is not None and masked_count(count) != str(count)


def withheld_estimate(row: Row, *, survey: Sequence[Row]) -> Row:
    """A row of `metric_estimates` as it may be printed; items by their answers in each wave."""
    small = is_small(row["n_pilot"]) or is_small(row["n_comparator"]) or _is_small_item(row, survey)
    small = small or (not row["metric_id"].endswith("_gbp") and _gives_small_count_back(row))
    kept = dict.fromkeys(_OF_ESTIMATE) | {"caution": WITHHELD} if small else {}
    people = {"estimand_population": _without_small_counts(row["estimand_population"], known=row["n_pilot"])}
    return row | kept | people | {name: _printed(row[name]) for name in ("n_pilot", "n_comparator")}


def withheld_survey(row: Row) -> Row:
    """A row of `survey_estimates` as it may be printed, without the counts that would give others back."""
    kept = dict.fromkeys(_OF_SURVEY) | {"caution": WITHHELD} if _has_small_wave(row) else {}
    counts = {name: _printed(row[name]) for name in row if name.startswith(("rows_", "answers_"))}
    details = tuple(f"{detail}_" for detail in _SURVEY_DETAILS)
    return {name: value for name, value in (row | kept | counts).items() if not name.startswith(details)}


def withheld_comparison(row: Row, *, survey: Sequence[Row]) -> Row:
    """A row of `comparison_with_published` as it may be printed; published figures always are."""
    small = is_small(row["our_n_pilot"]) or _is_small_item(row, survey)
    kept = dict.fromkeys(_OF_COMPARISON) | {"our_caution": WITHHELD} if small else {}
    return row | kept | {"our_n_pilot": _printed(row["our_n_pilot"])}


def withheld_pooling(row: Row) -> Row:
    """A row of `site_pooling` as it may be printed: effects rest on sites with ten people with events or more.

    People pooled are left out where they, or those of the sites left out, are 1 to 7.
    """
    used, everyone = row["pilot_people_used"], row["pilot_people"]
    kept = {"pilot_people_used": None} if is_small(used) or is_small(everyone - used) else {}
    return row | kept | {"pilot_people": _printed(everyone)}


def withheld_statement(row: Row, *, printed: Sequence[Row]) -> Row:
    """A row of `effect_statements` as it may be printed: withheld where its estimate is, among those `printed`."""
    if _is_withheld(row, printed):
        return row | dict.fromkeys(_OF_STATEMENT) | {"statement": WITHHELD, "bracket": "", "caution": ""}
    without = dict.fromkeys(_OF_BRACKET) | {"bracket": WITHHELD}
    return row | without if _is_withheld(row | SECOND_DESIGN, printed) else row


def withheld_bracket(row: Row, *, printed: Sequence[Row]) -> Row:
    """A row of `metric_estimates` without its bracket, where the second design's estimate is withheld in `printed`."""
    return row | dict.fromkeys(_OF_SEVERAL_DESIGNS) if _is_withheld(row | SECOND_DESIGN, printed) else row


def withheld_horizon(row: Row, *, printed: Sequence[Row]) -> Row:
    """A row of `estimates_by_horizon` as it may be printed: withheld where its estimate among `printed` is, and
    without the second design where that one's is.
    """
    small = is_small(row["n_pilot"]) or is_small(row["n_comparator"]) or _is_withheld(row, printed)
    without = dict.fromkeys(_OF_SECOND) if _is_withheld(row | SECOND_DESIGN, printed) else {}
    kept = dict.fromkeys(_OF_HORIZON) | {"caution": WITHHELD} if small else without
    return row | kept | {name: _printed(row[name]) for name in ("n_pilot", "n_comparator")}


def _is_withheld(row: Row, printed: Sequence[Row]) -> bool:
    key = ("metric_id", "population", "design")
    return any(
        estimate["caution"] == WITHHELD and all(estimate[name] == row[name] for name in key) for estimate in printed
    )


def _without_small_counts(words: str | None, *, known: int | None) -> str | None:
    """Words such as "all sites; n of N matched", without n and N where either or a difference is 1 to 7.

    `known` are the people of the estimate, who are printed too: those in pairs whose use is known.
    """
    counts = _COUNTS.search(words or "")
    if words is None or counts is None:
        return words
    part, whole = int(counts["part"]), int(counts["whole"])
    differences = (whole - part, part - (part if known is None else known))
    return words[: counts.start()] if any(map(is_small, (part, whole, *differences))) else words


def _is_small_item(row: Row, survey: Sequence[Row]) -> bool:
    return any(
        _has_small_wave(item)
        for item in survey
        if item["measure_id"] == row["metric_id"] and item["population"] == row["population"]
    )


def _has_small_wave(row: Row) -> bool:
    counts = [row[f"{count}_{wave}"] for count in ("answers", "rows", "positive") for wave in WAVES]
    negatives = [
        row[f"answers_{wave}"] - row[f"positive_{wave}"]
        for wave in WAVES
        if row[f"answers_{wave}"] is not None and row[f"positive_{wave}"] is not None
    ]
    return any(is_small(count) for count in [*counts, *negatives])


def _gives_small_count_back(row: Row) -> bool:
    """Whether a level times its people, or its person-years in a period, comes to 1 to 7."""
    is_share = str(row["unit"]).startswith("share")
    for arm in ("pilot", "comparator"):
        people = row["n_pilot" if arm == "pilot" else "n_comparator"]
        years = row[f"person_years_{arm}"]
        in_a_period = 1 if str(row["design"]).endswith("_cohort") else 2
        base = people if is_share else years / in_a_period if years is not None else None
        levels = [row[f"{arm}_baseline"], row[f"{arm}_follow_up"]]
        if base is not None and any(level is not None and is_small(round(level * base)) for level in levels):
            return True
    return False


def _printed(count: int | None) -> int | str | None:
    return masked_count(count) if count is not None and is_small(count) else count
