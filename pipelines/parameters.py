"""What a study is told, as one-purpose tables: SQL models read their parameters from rows, never from text."""

from collections.abc import Callable, Mapping

import polars as pl

from evaluation.matching import POOL
from pipelines.freezing import INDEX_DATES, frozen_index_dates
from pipelines.instruments import ANSWERS, ITEMS, WAVES, Instrument
from pipelines.study import Study

DESIGN_STAGE = "design"
PARAMETER_TABLES = {
    "study_design": "The protocol's settings that SQL models use, one row.",
    "study_extracts": "The study's extracts, and the contract that each is read by.",
    "sites": "The pilot sites as the study registers them.",
    "other_programmes": "Areas and practices with a programme of their own, whose people are no comparison.",
    "prices": "Unit costs by activity: one price set for both arms and both periods.",
    "imd": "Deprivation decile by small area, with its release.",
    "provider_successions": "Providers that were taken over: which code follows which, from when.",
    "control_totals": "Totals by provider and month that the study was given to check its counts by.",
    "instrument_items": "The items of the study's questionnaires.",
    "instrument_answers": "The known answers of each item, and what they count as.",
    "frozen_index_dates": "The index dates that comparison people keep under a frozen design.",
    "instrument_waves": "Which wave of a questionnaire belongs to which period.",
}


def parameter_frames(study: Study, *, is_design_stage: bool = False) -> dict[str, pl.DataFrame]:
    """The tables named in `PARAMETER_TABLES`, by name; the design stage takes no notice of a frozen design."""
    no_dates = pl.DataFrame(schema=INDEX_DATES)
    return {
        "study_design": study_design(study, is_design_stage=is_design_stage),
        "study_extracts": study_extracts(study),
        "sites": study.sites,
        "other_programmes": study.other_programmes,
        "prices": study.prices,
        "imd": study.imd,
        "provider_successions": study.provider_successions,
        "control_totals": study.control_totals,
        "instrument_items": _stacked(study, Instrument.item_rows, ITEMS),
        "instrument_answers": _stacked(study, Instrument.answer_rows, ANSWERS),
        "frozen_index_dates": no_dates if is_design_stage else frozen_index_dates(study),
        "instrument_waves": _stacked(study, Instrument.wave_rows, WAVES),
    }


def study_design(study: Study, *, is_design_stage: bool = False) -> pl.DataFrame:
    """One row: study, title, synthetic, window lengths in months, data_until, continuous_rule, comparison_seed,
    comparison_is_of_one_pool, volume_change_pct (per cent), late_after_days, is_design_stage (no month from the index
    date on is counted).
    """
    protocol = study.protocol
    return pl.DataFrame(
        {
            "study": [protocol.study],
            "title": [protocol.title or protocol.study],
            "synthetic": [protocol.synthetic],
            "look_back_months": [protocol.periods.look_back_months],
            "baseline_months": [protocol.periods.baseline_months],
            "follow_up_months": [protocol.periods.follow_up_months],
            "longest_horizon_months": [protocol.periods.longest_horizon_months],
            "data_until": [protocol.periods.data_until],
            "continuous_rule": [protocol.spells.continuous_rule],
            "comparison_seed": [protocol.comparison.seed],
            "comparison_is_of_one_pool": [POOL in protocol.comparison.exact],
            "volume_change_pct": [float(protocol.alerts.volume_change_pct)],
            "late_after_days": [protocol.alerts.late_after_days],
            "is_design_stage": [is_design_stage],
        }
    )


def study_extracts(study: Study) -> pl.DataFrame:
    """One row per extract of the protocol: extract, contract_id."""
    extracts = study.protocol.extracts
    return pl.DataFrame(
        {"extract": list(extracts), "contract_id": [extract.contract for extract in extracts.values()]},
        schema={"extract": pl.String, "contract_id": pl.String},
    )


def _stacked(
    study: Study,
    rows: Callable[[Instrument], list[tuple[object, ...]]],
    schema: Mapping[str, type[pl.DataType]],
) -> pl.DataFrame:
    instruments = {instrument.instrument: instrument for instrument in study.instruments.values()}
    stacked = [row for instrument in instruments.values() for row in rows(instrument)]
    return pl.DataFrame(stacked, schema=dict(schema), orient="row")
