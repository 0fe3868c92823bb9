"""A frozen design is kept by hash: it outlives the working file, and is neither replaced by accident nor changed."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from evaluation.estimation import NOT_FROZEN
from evaluation.matching import DESIGNS
from pipelines.errors import StudyError
from pipelines.fingerprint import inputs_fingerprint
from pipelines.freezing import (
    AREAS,
    FROZEN_FILES,
    FROZEN_TABLES,
    Freeze,
    design_state,
    freeze_design,
    frozen_design,
    frozen_index_dates,
    frozen_tables,
)
from pipelines.parameters import parameter_frames
from pipelines.run_log import append_run, begin_run
from pipelines.study import Study, load_study
from pipelines.warehouse import Warehouse
from tests.tiny_study import PROTOCOL, write_tiny_study

NOON = datetime(2010, 3, 9, 12, tzinfo=UTC).replace(tzinfo=None)
PEOPLE = pl.DataFrame(
    {"person_id": ["A", "C"], "is_treated": [True, False], "index_date": [date(2010, 7, 1), date(2010, 7, 2)]}
)
FOUND = {"population": ["all_sites", "site:S1"], "pilot_people_matched": [1, 0]}
COMPARED = pl.DataFrame(FOUND | {name: [None, None] for name in DESIGNS if name not in FOUND}, schema=DESIGNS)
SINCE = ("adjusted_covariates", "matching_method", "with_replacement")
ANNA, AGAIN = Freeze(by="Anna", again=False), Freeze(by="Ben", again=True)


@pytest.fixture
def study(tmp_path) -> Study:
    return load_study(write_tiny_study(tmp_path / "study"))


def freeze(study: Study, asked: Freeze = ANNA, *, weight: float = 1.0):
    with Warehouse(study.output / "warehouse.duckdb") as warehouse:
        for name in FROZEN_TABLES:
            warehouse.write(name, PEOPLE.with_columns(weight=pl.lit(weight)))
        warehouse.write("comparison_designs", COMPARED)
        return freeze_design(study, warehouse, asked, now=NOON)


def refusal(study: Study) -> str:
    with pytest.raises(StudyError) as refused:
        frozen_design(study)
    assert refused.value.exit_code == 2
    return str(refused.value)


def with_protocol(study: Study, protocol: str) -> Study:
    (study.root / "protocol.yaml").write_text(protocol, encoding="utf-8")
    return load_study(study.root)


def test_without_a_freeze_results_say_so_and_nobody_keeps_an_index_date(study):
    assert frozen_design(study) is None
    assert frozen_tables(study) is None
    assert design_state(study) == NOT_FROZEN
    assert frozen_index_dates(study).is_empty()


def test_what_was_frozen_is_what_a_run_takes_even_when_the_working_file_is_gone(study):
    freeze(study, weight=0.5)
    (study.output / "warehouse.duckdb").unlink()
    tables = frozen_tables(study)
    assert set(tables) == set(FROZEN_TABLES)
    assert tables["comparison_weights"].equals(PEOPLE.with_columns(weight=pl.lit(0.5)))
    assert design_state(study) == "Design frozen on 2010-03-09 by Anna."


def test_a_design_frozen_before_it_said_what_pairs_are_adjusted_for_is_adjusted_for_all_that_is_known(study):
    protocol = PROTOCOL + "comparison: {covariates: [sex, age_at_index, charlson_score]}\n"
    before = with_protocol(study, protocol)
    with Warehouse(before.output / "warehouse.duckdb") as warehouse:
        for name in FROZEN_TABLES:
            warehouse.write(name, PEOPLE)
        warehouse.write("comparison_designs", COMPARED.drop(*SINCE))
        known = PEOPLE.with_columns(age_at_index=70, sex=pl.lit("1"), charlson_score=pl.lit(None, dtype=pl.Int64))
        warehouse.write("design_people", known)
        freeze_design(before, warehouse, ANNA, now=NOON)
    designs = frozen_tables(before)["comparison_designs"]
    assert designs["adjusted_covariates"].to_list() == ["sex, age_at_index", ""]
    assert designs.select("matching_method", "with_replacement").rows() == [("nearest", False)] * 2
    assert tuple(designs.columns) == tuple(DESIGNS)


def test_a_design_frozen_before_the_method_could_be_chosen_rests_on_what_was_done_for_everybody(study):
    new = ("comparison.method", "comparison.with_replacement", "comparison.caliper_definition")
    frozen = freeze(study)
    settings = {name: value for name, value in frozen.settings.items() if name not in new}
    before = frozen.model_copy(update={"settings": settings}).sealed()
    (study.output / "frozen_design" / "design.json").write_text(before.model_dump_json(indent=2) + "\n")
    assert frozen_design(study) == before
    changed = with_protocol(study, PROTOCOL + "comparison: {method: mahalanobis}\n")
    assert refusal(changed).startswith("comparison.method: changed since the design was frozen")


def test_comparison_people_keep_their_index_date_but_not_in_the_design_stage(study):
    freeze(study)
    assert parameter_frames(study)["frozen_index_dates"].rows() == [("C", date(2010, 7, 2))]
    assert parameter_frames(study, is_design_stage=True)["frozen_index_dates"].is_empty()


def test_a_second_freeze_is_refused_unless_it_is_asked_for_and_then_the_first_is_kept(study):
    freeze(study, weight=0.5)
    with pytest.raises(StudyError, match="was frozen on 2010-03-09 by Anna"):
        freeze(study, Freeze(by="Ben", again=False), weight=0.7)
    assert frozen_tables(study)["matched_pairs"]["weight"].to_list() == [0.5, 0.5]
    assert freeze(study, AGAIN, weight=0.7).caution == "Design frozen for the 2. time on 2010-03-09 by Ben."
    assert frozen_tables(study)["matched_pairs"]["weight"].to_list() == [0.7, 0.7]
    former = pl.read_parquet(study.output / "frozen_design-1" / "matched_pairs.parquet")
    assert former["weight"].to_list() == [0.5, 0.5]


def test_a_freeze_after_a_run_that_read_outcomes_says_so(study):
    append_run(study.output, begin_run(study, run_id="1", now=NOON, code_version="x", inputs="y"))
    assert freeze(study).caution == "Design frozen on 2010-03-09 by Anna, after a run had read outcomes."


def test_a_freeze_after_runs_of_the_design_stage_alone_does_not(study):
    append_run(study.output, begin_run(study, run_id="1", now=NOON, code_version="x", inputs=""))
    assert not freeze(study).outcomes_were_read


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 101])
def test_a_name_that_is_none_is_refused(study, name):
    with pytest.raises(StudyError, match="--by: not a name"):
        freeze(study, Freeze(by=name, again=False))


@pytest.mark.parametrize("table", FROZEN_TABLES)
def test_a_table_that_was_changed_or_taken_away_is_refused(study, table):
    freeze(study)
    path = study.output / "frozen_design" / f"{table}.parquet"
    PEOPLE.write_parquet(path)
    assert f"frozen_design/{table}.parquet: not as it was" in refusal(study)
    path.unlink()
    assert f"frozen_design/{table}.parquet: not as it was" in refusal(study)


@pytest.mark.parametrize(
    ("name", "value"),
    [("frozen_by", "Someone"), ("frozen_at", "2009-01-01T00:00:00"), ("outcomes_were_read", True), ("tables", {})],
)
def test_a_manifest_that_was_changed_is_refused(study, name, value):
    freeze(study)
    path = study.output / "frozen_design" / "design.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    assert "frozen_design/design.json: not as it was" in refusal(study)


def test_a_folder_without_its_manifest_is_refused(study):
    freeze(study)
    (study.output / "frozen_design" / "design.json").unlink()
    assert "frozen_design/design.json: not as it was" in refusal(study)


@pytest.mark.parametrize(
    ("protocol", "setting"),
    [
        (PROTOCOL + "comparison: {ratio: 3}\n", "comparison.ratio"),
        (PROTOCOL + "comparison: {method: optimal}\n", "comparison.method"),
        (PROTOCOL + "comparison: {with_replacement: true}\n", "comparison.with_replacement"),
        (PROTOCOL + "comparison: {caliper_definition: everyone}\n", "comparison.caliper_definition"),
        (PROTOCOL + "spells: {continuous_rule: hf_che}\n", "spells.continuous_rule"),
        (PROTOCOL.replace("follow_up_months: 6", "follow_up_months: 12"), "periods.follow_up_months"),
    ],
)
def test_a_changed_setting_that_the_pairs_rest_on_is_refused_by_name(study, protocol, setting):
    freeze(study)
    message = refusal(with_protocol(study, protocol))
    assert message.startswith(f"{setting}: changed since the design was frozen on 2010-03-09")
    assert "--again" in message


def test_another_primary_outcome_is_refused_where_the_design_rests_on_the_risk_of_it(study):
    other = PROTOCOL.replace("metric: emergency_admissions", "metric: elective_admissions")
    assert other != PROTOCOL
    freeze(study)
    assert frozen_design(with_protocol(study, other)) is not None
    asked = "comparison: {covariates: [sex, predictive_risk]}\n"
    asking = with_protocol(study, PROTOCOL + asked)
    freeze(asking, AGAIN)
    assert frozen_design(asking) is not None
    message = refusal(with_protocol(study, other + asked))
    assert message.startswith("outcomes (those of the predictive risk): changed since the design was frozen on")


def with_horizons(study: Study, months: str) -> Study:
    horizons = f"follow_up_months: 6, horizons_months: [{months}]"
    return with_protocol(study, PROTOCOL.replace("follow_up_months: 6", horizons))


def test_a_longer_horizon_is_refused_where_nobody_compared_may_enter_another_programme_before_its_end(study):
    programmes = "area,practice,programme,start_date\nNorth,,Teams,2011-04-01\n"
    (study.root / "other_programmes.csv").write_text(programmes, encoding="utf-8")
    freeze(with_horizons(study, "3, 6, 12"))
    assert frozen_design(with_horizons(study, "3, 9, 12")) is not None
    assert frozen_design(with_horizons(study, "6")) is not None
    message = refusal(with_horizons(study, "6, 24"))
    assert message.startswith("periods.horizons_months: changed since the design was frozen on 2010-03-09")
    assert "--again" in message


def test_without_other_programmes_a_frozen_design_allows_a_longer_horizon(study):
    freeze(with_horizons(study, "3, 6, 12"))
    assert frozen_design(with_horizons(study, "6, 24")) is not None


def test_sites_that_were_changed_are_refused(study):
    freeze(study)
    sites = pl.DataFrame({"site_id": ["S1"], "case_management": [True]})
    with_site = replace(study, sites=pl.concat([study.sites, sites], how="diagonal"))
    assert refusal(with_site).startswith("sites.csv, sites.csv (areas, models): changed")


@pytest.mark.parametrize(
    ("table", "name"),
    [("other_programmes", "other_programmes.csv"), ("imd", "imd.csv")],
)
def test_files_that_decide_who_may_be_compared_are_refused_when_changed(study, table, name):
    rows = {
        "other_programmes": pl.DataFrame(
            {"area": ["N"], "practice": [None], "programme": ["Wards"], "start_date": [date(2010, 1, 1)]}
        ),
        "imd": pl.DataFrame({"lsoa11": ["E01"], "imd_decile": [1], "release": ["2019"]}),
    }
    freeze(study)
    message = refusal(replace(study, **{table: rows[table]}))
    assert message.startswith(f"{name}: changed since the design was frozen on 2010-03-09")
    assert "--again" in message


def test_another_area_of_a_site_is_refused_and_another_cost_is_not(study):
    frame = load_study(study.root).sites
    site = pl.DataFrame({"site_id": ["S1"], "area": ["N"], "programme_cost_gbp": [1.0]})
    here = replace(study, sites=pl.concat([frame, site], how="diagonal"))
    freeze(here)
    dearer = here.sites.with_columns(programme_cost_gbp=pl.lit(2.0))
    assert frozen_design(replace(here, sites=dearer)) is not None
    moved = here.sites.with_columns(area=pl.lit("M"))
    assert refusal(replace(here, sites=moved)).startswith("sites.csv (areas, models): changed")


def test_prices_are_no_part_of_a_frozen_design(study):
    freeze(study)
    prices = pl.DataFrame(
        {"price_set": ["r"], "price_year": ["2010"], "activity": ["elective_spell"], "unit_cost_gbp": [1.0]}
    )
    assert frozen_design(replace(study, prices=prices)) is not None


def test_a_design_that_was_frozen_before_files_were_looked_at_still_stands(study):
    frozen = freeze(study)
    manifest = study.output / "frozen_design" / "design.json"
    known = {name: value for name, value in frozen.settings.items() if name not in (AREAS, *FROZEN_FILES)}
    manifest.write_text(frozen.model_copy(update={"settings": known}).sealed().model_dump_json())
    assert frozen_design(study) is not None


def test_later_data_another_title_or_a_default_that_is_written_out_change_nothing(study):
    freeze(study)
    later = PROTOCOL.replace("2010-12-31", "2011-03-31") + "title: Tiny\ncomparison: {ratio: 5}\n"
    assert frozen_design(with_protocol(study, later)) is not None


def test_a_freeze_makes_the_next_run_a_new_one(study):
    before = inputs_fingerprint(study, key_id="")
    freeze(study)
    assert inputs_fingerprint(study, key_id="") != before


def test_what_a_killed_freeze_left_is_removed(study):
    part = Path(study.output / ".frozen_design.part")
    part.mkdir(parents=True)
    (part / "half.parquet").write_bytes(b"half")
    assert freeze(study).times == 1
    assert not part.exists()
    assert not (study.output / "frozen_design" / "half.parquet").exists()
