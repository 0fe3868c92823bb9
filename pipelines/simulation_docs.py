"""The page `docs/simulation-study.md`: how often the estimators are right on cohorts whose effects are known."""

import json
from collections.abc import Mapping
from typing import Any

from pipelines.fingerprint import CHECKOUT
from pipelines.simulation_aims import DEFAULT, aims_section
from pipelines.tables_docs import markdown_table

RESULT = CHECKOUT / "benchmarks" / "results" / "simulation_study.json"
WIDENED_RESULT = CHECKOUT / "benchmarks" / "results" / "widened_intervals.json"
WIDENED_AIM = 0.9
MADE_BY = "<!-- Made from benchmarks/results/simulation_study.json by `make docs`; draw again, don't edit. -->"
INTRODUCTION = f"""{MADE_BY}
# How often the method is right

Made-up cohorts whose effects are known, drawn over and over and estimated as a run of a study would do it
(`python -m benchmarks.simulation_study`, which also says how they come about). Figures are followed by their Monte
Carlo error: what other draws of the same number would have changed them by. What holds for these cohorts holds for a
study as far as it is like them: joining by what is recorded, six months of follow-up, ten comparison people per
case.
"""
CARD = """## Calibration card

How often the default wrongly said "reduced" (an interval wholly below no change) where the pilot did nothing at all,
and how often that something changed, either way. With nothing hidden 2.5% and 5% are right. What is hidden here makes
pilot people worse, so that a reduction is said less often and a rise much more; no recorded number can tell: therefore
look at the bracket.
"""
FIGURES = """## Figures of every method

Bias is that of the log rate ratio: 0.01 is one percent. Coverage is that of 95% intervals; the bracket goes from the
lowest to the highest limit of `weighted_cohort`, `matched_did` and, of outpatients, `carried_forward`, the second less
the drift between the groups before the crisis. The error's ratio is the mean of the errors that the method stated over
the spread of its estimates. Where sites differ (16 of unequal size, standard deviation of the log rate ratio 0.15) the
truth of the designs is the effect in the drawn sites, that of `mean_across_sites` the planted mean, and the
`prediction_interval` is held against the effects of other sites.
"""
WIDENED = """## Where people join for what nobody recorded: the widened interval

`sensitivity_estimates` has for each outcome an interval widened on both sides by the largest shift from hiding a group
of recorded covariates ([decision 17](decisions/0017-sensitivity.md)). Here is how often it held the truth of cohorts in
which something hidden biases the default, made and drawn by `python -m benchmarks.widened_intervals`. It is a
benchmark, no bound: what nobody recorded may matter more than anything recorded.
"""


def simulation_page() -> str:
    """The page's text; without results it says that there are none."""
    if not RESULT.exists():
        return f"{INTRODUCTION}\nNo draws are kept yet.\n"
    found: Mapping[str, Mapping[str, float]] = json.loads(RESULT.read_text(encoding="utf-8"))["performance"]
    rows = [(*name.split("/"), figures) for name, figures in found.items()]
    parts = [INTRODUCTION, CARD, _card(rows), "", aims_section(rows), "", FIGURES, _figures(rows), "", _widened()]
    return "\n".join(parts)


def _card(rows: list[Any]) -> str:
    lines = [
        (
            _words(mechanism),
            cases,
            _words(outcome),
            f"{figures['draws']:.0f}",
            _percent(figures, "said_reduced"),
            _percent(figures, "p_below_0_05"),
            f"on {figures['draws']:.0f} simulated pilots of {cases} people this method wrongly said 'reduced' in "
            f"{100 * figures['said_reduced']:.1f}%",
        )
        for mechanism, effect, cases, method, outcome, figures in rows
        if method == DEFAULT and effect == "none"
    ]
    return markdown_table(
        ("People join because of", "Cases", "Outcome", "Draws", "Wrongly reduced", "Wrongly changed", "In words"), lines
    )


def _figures(rows: list[Any]) -> str:
    lines = [
        (
            _words(mechanism),
            effect,
            cases,
            f"`{method}`",
            _words(outcome),
            f"{figures['draws']:.0f}",
            _number(figures, "bias"),
            _percent(figures, "coverage"),
            _number(figures, "model_over_empirical_error"),
        )
        for mechanism, effect, cases, method, outcome, figures in rows
    ]
    head = (
        "People join because of",
        "Effect",
        "Cases",
        "Method",
        "Outcome",
        "Draws",
        "Bias",
        "Coverage",
        "Error's ratio",
    )
    return markdown_table(head, lines)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(figures: Mapping[str, float], name: str) -> str:
    return f"{figures[name]:.3f} ({figures[name + '_error']:.3f})" if name in figures else ""


def _percent(figures: Mapping[str, float], name: str) -> str:
    return f"{100 * figures[name]:.1f}% ({100 * figures[name + '_error']:.1f})"


def _widened() -> str:
    """The section on widened intervals, from the figures kept of their own benchmark."""
    kept: Mapping[str, Any] = json.loads(WIDENED_RESULT.read_text(encoding="utf-8"))
    cells = [(*name.split("/"), figures) for name, figures in kept["performance"].items()]
    held = f"{100 * WIDENED_AIM:.0f}%"
    fewer = [
        f"{_words(outcome)} under {_words(mechanism)} ({_percent(figures, 'widened_coverage')})"
        for mechanism, outcome, figures in cells
        if figures["widened_coverage"] < WIDENED_AIM
    ]
    together = kept["all_together"]
    words = (
        f"On {sum(figures['draws'] for *_, figures in cells)} estimates of pilots of {kept['cases']} people the plain "
        f"interval held the truth in {_percent(together, 'plain_coverage')}, the widened one in "
        f"{_percent(together, 'widened_coverage')}; in {len(cells) - len(fewer)} of {len(cells)} kinds of study the "
        f"widened one did so in at least {held}"
    )
    rest = f", but not in {'; '.join(fewer)}." if fewer else "."
    lines = [
        (
            _words(mechanism),
            _words(outcome),
            f"{figures['draws']}",
            f"{figures['bias']:.3f}",
            _percent(figures, "plain_coverage"),
            _percent(figures, "widened_coverage"),
            f"{figures['mean_widening']:.3f}",
        )
        for mechanism, outcome, figures in cells
    ]
    head = ("People join because of", "Outcome", "Draws", "Bias", "Plain", "Widened", "Widened by")
    return "\n".join([WIDENED, f"{words}{rest}", "", markdown_table(head, lines), ""])
