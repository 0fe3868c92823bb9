"""What was amended after the protocol's first use is said on the results that rest on it, and on no others."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

from evaluation.estimation import NOT_FROZEN, with_caution
from pipelines.amended import (
    DESIGN,
    HEADLINE,
    amended,
    amended_instruments,
    amended_look,
    amended_metrics,
    state_of_design,
)
from pipelines.freezing import FROZEN_TABLES, Freeze, freeze_design
from pipelines.protocol_log import AMENDMENTS
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse
from tests.tiny_study import write_tiny_study

APRIL, MAY = date(2010, 4, 9), date(2010, 5, 9)


def amendments(*settings: str, on: date = APRIL) -> pl.DataFrame:
    return pl.DataFrame([{"setting": name, "amended_on": on} for name in settings], schema=AMENDMENTS)


@pytest.fixture
def study(tmp_path) -> Study:
    return load_study(write_tiny_study(tmp_path / "study"))


def state(study: Study, *settings: str) -> str:
    with Warehouse(study.output / "warehouse.duckdb") as warehouse:
        warehouse.write("protocol_amendments", amendments(*settings))
        return state_of_design(warehouse, study)


def test_a_sentence_names_the_settings_and_the_last_day():
    both = pl.concat([amendments("comparison.ratio"), amendments("comparison.caliper", on=MAY), amendments("title")])
    assert amended(both, "comparison") == (
        "Amended after the protocol's first use, last on 2010-05-09: comparison.caliper, comparison.ratio (see "
        "protocol_amendments)."
    )
    assert amended(both, "comparison.ratio") == (
        "Amended after the protocol's first use, last on 2010-04-09: comparison.ratio (see protocol_amendments)."
    )
    assert amended(both, "comparison.rat", "spells") == ""


@pytest.mark.parametrize(
    "setting", ["comparison.ratio", "periods.follow_up_months", "spells.continuous_rule", "sites.csv"]
)
def test_without_a_freeze_results_say_what_the_design_rests_on_was_amended(study, setting):
    said = state(study, setting, "title", "disclosure.round_to", "schedule")
    assert said.startswith(NOT_FROZEN)
    assert f"last on 2010-04-09: {setting} (see" in said
    assert state(study, "title", "periods.data_until", "periods.horizons_months") == NOT_FROZEN


def test_a_freeze_settles_what_was_amended_before_it_but_not_which_extracts_are_read(study):
    with Warehouse(study.output / "warehouse.duckdb") as warehouse:
        for name in FROZEN_TABLES:
            warehouse.write(name, pl.DataFrame({"person_id": ["A"]}))
        freeze_design(study, warehouse, Freeze(by="Anna", again=False), now=datetime(2010, 6, 1, 12))  # noqa: DTZ001
    assert state(study, "comparison.ratio") == "Design frozen on 2010-06-01 by Anna."
    assert "extracts.outpatients.contract" in state(study, "comparison.ratio", "extracts.outpatients.contract")


def test_an_analysis_date_that_was_moved_is_said_and_one_that_was_planned_is_not(study):
    protocol = study.protocol.model_copy(update={"analysis_dates": (date(2010, 12, 31), date(2011, 6, 30))})
    moved_on = amendments("periods.data_until")
    assert amended_look(moved_on, protocol) == ""
    assert "last on 2010-04-09: analysis_dates, periods.data_until (see" in amended_look(
        amendments("analysis_dates", "periods.data_until"), protocol
    )
    assert "analysis_dates (see" in amended_look(amendments("analysis_dates"), protocol)
    assert "periods.data_until (see" in amended_look(moved_on, study.protocol)
    assert amended_look(amendments("title"), study.protocol) == ""


def test_prices_are_said_of_costs_and_negative_controls_of_themselves(study):
    protocol = study.protocol.model_copy(update={"negative_controls": ("regular_attendances",)})
    found = amended_metrics(amendments("prices.csv", "negative_controls"), protocol)
    assert set(found) == {"cost_gbp", "regular_attendances"}
    assert "prices.csv (see" in found["cost_gbp"][0]
    assert "negative_controls (see" in found["regular_attendances"][0]
    assert amended_metrics(amendments("comparison.ratio"), protocol) == {}


def test_a_changed_questionnaire_is_said_of_its_own_answers(study):
    asked = {"a": type("Asked", (), {"instrument": "views"}), "b": type("Asked", (), {"instrument": "other"})}
    found = amended_instruments(amendments("instruments/views.yaml"), replace(study, instruments=asked))
    assert list(found) == ["views"]


def test_the_choice_of_the_headline_is_no_part_of_the_design():
    assert amended(amendments("sites_as"), *DESIGN) == ""
    assert "sites_as (see" in amended(amendments("sites_as"), *HEADLINE)


def test_a_caution_is_added_once_and_only_where_it_is_meant():
    rows = pl.DataFrame({"population": ["all_sites", "site:a"], "caution": ["Beware.", None]})
    found = with_caution(rows, "Amended.", where=pl.col("population") == "all_sites")
    assert found["caution"].to_list() == ["Beware. Amended.", None]
    assert with_caution(found, "Amended.")["caution"].to_list() == ["Beware. Amended.", "Amended."]
    assert with_caution(rows, "").equals(rows)
