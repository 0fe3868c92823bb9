"""The table `survey_estimates`: how answers changed from the first wave to the second."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from evaluation.surveys.cells import WAVES, asked_item, cell, group_rows, population_rows
from evaluation.surveys.design import SurveyDesign, sample_of

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
COUNTS = ("rows", "answers", "positive", "not_counted", "missing")
SURVEY_ESTIMATES: dict[str, pl.DataType] = {
    **dict.fromkeys(("extract", "instrument_id", "measure_id", "measure_kind", "label", "benefits"), _TEXT),
    "is_user_defined": pl.Boolean(),
    **dict.fromkeys(("group_name", "population", "design", "unit"), _TEXT),
    **dict.fromkeys((f"{count}_{wave}" for count in COUNTS for wave in WAVES), _COUNT),
    **dict.fromkeys((f"response_rate_{wave}_pct" for wave in WAVES), _NUMBER),
    **dict.fromkeys(("baseline_level", "follow_up_level", "change", "change_low", "change_high"), _NUMBER),
    **dict.fromkeys(("standard_error", "p_value"), _NUMBER),
    "cluster_level": _TEXT,
    "n_clusters": _COUNT,
    **dict.fromkeys(("caution", "protocol_hash", "run_id"), _TEXT),
}


def survey_estimates(
    survey_answers: pl.DataFrame,
    *,
    items: pl.DataFrame,
    designs: Sequence[SurveyDesign],
    site_populations: pl.DataFrame,
    protocol_hash: str,
    run_id: str,
) -> pl.DataFrame:
    """Share of positive answers per wave and its change, by item, group of respondents and population.

    `survey_answers` has one row per respondent, wave and item (`extract instrument_id respondent_id period
    site_id role respondent_group age_band design_weight item_id answer is_valid is_positive
    is_not_counted`); rows of neither wave are left out. `items` gives `instrument_id item_id label benefits
    is_user_defined` in the order of the output, `designs` the sample of each instrument (simple random
    without strata if not given), `site_populations` `population`, `site_id`.

    Levels are percentages of valid answers; not counted and missing ones are given beside them. Changes,
    limits and standard errors are percentage points. The response rate is the share of the wave's rows with
    at least one answer; it is null where no row of the wave is blank, because then the file does not show
    who was asked. Groups and sites without rows are absent. For the interval see `change_in_mean`.
    """
    samples = {design.instrument_id: design for design in designs}
    rows = [
        {**measure, **row, "protocol_hash": protocol_hash, "run_id": run_id}
        for measure, asked in _asked_items(_in_waves(survey_answers), items)
        for row in _cells(
            asked,
            design=samples.get(measure["instrument_id"], SurveyDesign(instrument_id=measure["instrument_id"])),
            site_populations=site_populations,
        )
    ]
    return pl.DataFrame(rows, schema=SURVEY_ESTIMATES, orient="row")


def _in_waves(survey_answers: pl.DataFrame) -> pl.DataFrame:
    has_answered = pl.col("answer").is_not_null().any().over("extract", "respondent_id", "wave")
    return (
        survey_answers.filter(pl.col("period").is_in(WAVES))
        .with_columns(has_answered.alias("has_answered"))
        .sort("extract", "item_id", "respondent_id", "wave")
    )


def _asked_items(answers: pl.DataFrame, items: pl.DataFrame) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    for extract in answers["extract"].unique().sort():
        survey = answers.filter(pl.col("extract") == extract)
        instruments = survey["instrument_id"].unique().to_list()
        for item in items.filter(pl.col("instrument_id").is_in(instruments)).iter_rows(named=True):
            measure = {
                "extract": extract,
                "instrument_id": item["instrument_id"],
                "measure_id": item["item_id"],
                "measure_kind": "item",
                "unit": "percent",
                "cluster_level": "respondent",
                **{name: item[name] for name in ("label", "benefits", "is_user_defined")},
            }
            asked = survey.filter(pl.col("item_id") == item["item_id"])
            if asked.height:
                yield measure, asked


def _cells(asked: pl.DataFrame, *, design: SurveyDesign, site_populations: pl.DataFrame) -> Iterator[dict[str, Any]]:
    has_weight = asked["design_weight"].is_not_null() if design.is_weighted else asked["extract"].is_not_null()
    item = asked_item(asked, sample=sample_of(asked, design), has_weight=has_weight.to_numpy())
    populations = list(population_rows(asked, site_populations))
    for group_name, in_group in group_rows(asked):
        for population, in_population in populations:
            members = in_group & in_population
            if members.any():
                yield {"group_name": group_name, "population": population, **cell(item, members)}
