"""A study folder is read whole or refused with the place and what was expected."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import StudyError
from pipelines.parameters import PARAMETER_TABLES, parameter_frames
from pipelines.study import load_study

PROTOCOL = """
study: a_pilot
extracts:
  admissions: {contract: hes_apc}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {baseline_months: 6, follow_up_months: 6, data_until: 2011-06-30}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for extract in ("admissions", "population", "enrolments"):
        (tmp_path / "extracts" / extract).mkdir(parents=True)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(StudyError) as refused:
        load_study(folder)
    return str(refused.value)


def test_small_tables_that_a_study_does_not_bring_are_empty_with_all_columns(folder):
    study = load_study(folder)
    assert study.sites.height == study.prices.height == study.imd.height == 0
    assert study.output == folder / "output"
    assert set(parameter_frames(study)) == set(PARAMETER_TABLES)


def test_sites_are_typed_and_absent_columns_are_null(folder):
    (folder / "sites.csv").write_text("site_id,go_live_date,case_management\nS1,2009-04-01,TRUE\nS2,,\n")
    sites = load_study(folder).sites
    assert sites["go_live_date"].to_list() == [date(2009, 4, 1), None]
    assert sites["case_management"].to_list() == [True, None]
    assert sites["breadth"].to_list() == [None, None]


def test_an_unknown_column_of_sites_is_refused_with_the_nearest_known_one(folder):
    (folder / "sites.csv").write_text("site_id,case_managment\nS1,true\n")
    message = refusal(folder)
    assert "sites.csv: case_managment is not a known column" in message
    assert "did you mean: case_management" in message


def test_a_wrong_date_in_sites_is_refused_with_its_row_and_without_its_value(folder):
    (folder / "sites.csv").write_text("site_id,go_live_date\nS1,2009-04-01\nS2,01.04.2009\n")
    message = refusal(folder)
    assert "go_live_date in data row 2 is not a date" in message
    assert "01.04.2009" not in message


def test_a_mean_across_sites_needs_two_of_them(folder):
    (folder / "sites.csv").write_text("site_id\nS1\n")
    (folder / "protocol.yaml").write_text(f"{PROTOCOL}\nsites_as: random\n", encoding="utf-8")
    message = refusal(folder)
    assert "sites_as: random is the mean across sites, and sites.csv names one site alone" in message
    assert "set sites_as: fixed" in message
    (folder / "sites.csv").write_text("site_id\nS1\nS2\n")
    assert load_study(folder).protocol.sites_as == "random"


def test_a_horizon_longer_than_the_data_can_hold_is_refused(folder):
    def horizons(months: str) -> None:
        text = PROTOCOL.replace("follow_up_months: 6", f"follow_up_months: 6, horizons_months: [{months}]")
        (folder / "protocol.yaml").write_text(text, encoding="utf-8")

    (folder / "sites.csv").write_text("site_id,go_live_date\nS1,2010-07-01\nS2,2010-09-01\n")
    horizons("3, 12")  # to the last day of data
    assert load_study(folder).protocol.periods.horizons_months == (3, 12)
    horizons("3, 13")
    message = refusal(folder)
    assert "periods.horizons_months: 13 months are longer than the data can hold" in message
    assert "13 months later is 2011-08-01, data end on 2011-06-30" in message


def test_a_site_that_stands_twice_is_refused(folder):
    (folder / "sites.csv").write_text("site_id\nS1\nS1\n")
    assert "a row stands twice" in refusal(folder)


def test_a_price_for_an_unknown_activity_is_refused(folder):
    (folder / "prices.csv").write_text(
        "price_set,price_year,activity,unit_cost_gbp\nmade_up,2010,emergency_spel,2000\n"
    )
    assert "did you mean: emergency_spell" in refusal(folder)


def test_two_price_sets_are_refused(folder):
    (folder / "prices.csv").write_text(
        "price_set,price_year,activity,unit_cost_gbp\na,2010,emergency_spell,2000\nb,2010,elective_spell,2000\n"
    )
    assert "more than one price set" in refusal(folder)


def test_an_extract_without_a_folder_is_refused(folder):
    (folder / "extracts" / "population").rmdir()
    assert "extracts/population: no such folder" in refusal(folder)


def test_an_unknown_instrument_is_refused(folder):
    survey = "  patient_survey: {contract: survey, instrument: patient_experiense}\nperiods:"
    (folder / "protocol.yaml").write_text(PROTOCOL.replace("periods:", survey), encoding="utf-8")
    assert "instrument patient_experiense is not known" in refusal(folder)


def test_a_folder_that_is_not_there_is_refused_with_the_way_to_make_one(tmp_path):
    assert "icp init" in refusal(tmp_path / "nowhere")


def test_prices_that_leave_out_an_activity_of_the_study_are_refused(folder):
    (folder / "prices.csv").write_text(
        "price_set,price_year,activity,unit_cost_gbp\na,2010,emergency_spell,2000\na,2010,elective_spell,2000\n"
    )
    assert "prices.csv: no price for elective_day_case" in refusal(folder)


def test_an_activity_without_an_extract_needs_no_price(folder):
    activities = ("emergency_spell", "elective_spell", "elective_day_case")
    rows = "".join(f"a,2010,{activity},100\n" for activity in activities)
    (folder / "prices.csv").write_text("price_set,price_year,activity,unit_cost_gbp\n" + rows)
    assert load_study(folder).prices.height == 3


def test_two_surveys_that_ask_the_same_item_are_refused(folder):
    surveys = "".join(f"  {name}: {{contract: survey, instrument: patient_experience}}\n" for name in ("one", "two"))
    for name in ("one", "two"):
        (folder / "extracts" / name).mkdir()
    (folder / "protocol.yaml").write_text(PROTOCOL.replace("periods:", surveys + "periods:"), encoding="utf-8")
    assert "the extracts one and two both ask the item" in refusal(folder)


def test_control_totals_name_their_month_by_its_first_day_or_as_a_month(folder):
    (folder / "control_totals.csv").write_text(
        "extract,provider_code,month,admissions_or_rows\nadmissions,RXA,2010-01,120\nadmissions,RXA,2010-02-01,90\n"
    )
    totals = load_study(folder).control_totals
    assert totals["month"].to_list() == [date(2010, 1, 1), date(2010, 2, 1)]
    assert totals["admissions_or_rows"].to_list() == [120, 90]


def test_a_control_total_of_an_extract_that_the_study_has_not_is_refused(folder):
    (folder / "control_totals.csv").write_text(
        "extract,provider_code,month,admissions_or_rows\nadmission,RXA,2010-01,120\n"
    )
    message = refusal(folder)
    assert "control_totals.csv: admission is not an extract of this study" in message
    assert "did you mean: admissions" in message


def test_two_control_totals_of_one_provider_and_month_are_refused(folder):
    (folder / "control_totals.csv").write_text(
        "extract,provider_code,month,admissions_or_rows\nadmissions,RXA,2010-01,120\nadmissions,RXA,2010-01,90\n"
    )
    assert "control_totals.csv: a row stands twice" in refusal(folder)


def test_another_programme_is_of_an_area_or_of_a_practice(folder):
    header = "area,practice,programme,start_date\n"
    (folder / "other_programmes.csv").write_text(f"{header}North,,Teams,2010-04-01\n,P1,Teams,2010-04-01\n")
    assert load_study(folder).other_programmes.height == 2
    for row in (",,Teams,2010-04-01", "North,P1,Teams,2010-04-01"):
        (folder / "other_programmes.csv").write_text(f"{header}{row}\n")
        assert "data row 1 names no area and no practice, or both" in refusal(folder)


def test_another_programme_that_stands_twice_or_has_no_start_is_refused(folder):
    row = "North,Teams,2010-04-01\n"
    (folder / "other_programmes.csv").write_text(f"area,programme,start_date\n{row}{row}")
    assert "other_programmes.csv: a row stands twice" in refusal(folder)
    (folder / "other_programmes.csv").write_text("area,programme,start_date\nNorth,Teams,\n")
    assert "other_programmes.csv: start_date in data row 1 is empty" in refusal(folder)
