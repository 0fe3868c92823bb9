"""Which metrics a study has, and which cautions they carry because of its extracts and periods."""

from datetime import date

import polars as pl
import pytest

from pipelines.errors import StudyError
from pipelines.metrics import (
    activity_metrics,
    check_outcomes,
    coding_cautions,
    end_of_data_cautions,
    joined,
    site_register,
    some_sites_without_area,
)
from pipelines.study import load_study
from tests.tiny_study import write_tiny_study


@pytest.fixture
def study(tmp_path):
    return load_study(write_tiny_study(tmp_path / "study"))


def people(*index_dates: date) -> pl.DataFrame:
    return pl.DataFrame({"index_date": list(index_dates)})


def test_periods_that_cross_april_2013_carry_a_coding_caution(study):
    found = coding_cautions(study, people(date(2012, 10, 2), date(2012, 1, 1)))
    assert "April 2013" in found["admissions"][0]


@pytest.mark.parametrize("index_date", [date(2012, 10, 1), date(2013, 10, 1)])
def test_periods_that_end_or_begin_on_the_day_do_not_cross_it(study, index_date):
    assert coding_cautions(study, people(index_date)) == {}


def test_a_study_without_people_carries_no_coding_caution(study):
    assert coding_cautions(study, people().cast({"index_date": pl.Date})) == {}


def test_a_caution_on_an_extract_stands_on_its_metrics_only(study):
    metrics = {m.metric_id: m for m in activity_metrics(study, extract_cautions={"admissions": ("Beware.",)})}
    assert "Beware." in metrics["emergency_admissions"].notes
    assert "Beware." not in metrics["died"].notes


def test_an_extract_that_ends_before_it_should_carries_a_caution_and_no_other_does():
    ended = pl.DataFrame(
        [
            ("outpatients", False, "Known to be complete up to 2011-05-31 only."),
            ("admissions", True, None),
            ("emergency_care", None, "Whether it is could not be judged."),
            ("study", False, "Known to be complete up to 2011-05-31 only."),
        ],
        schema=["extract", "is_data_until_supported", "caution"],
        orient="row",
    )
    assert end_of_data_cautions(ended) == {
        "outpatients": ("Data of outpatients: Known to be complete up to 2011-05-31 only.",)
    }
    assert end_of_data_cautions(ended.filter("is_data_until_supported")) == {}


def test_cautions_of_several_sources_are_joined():
    assert joined({"a": ("1",)}, {"a": ("2",), "b": ("3",)}) == {"a": ("1", "2"), "b": ("3",)}


def test_a_site_that_only_enrolments_name_is_a_site_too():
    sites = pl.DataFrame({"site_id": ["s1"], "case_management": [True], "models": ["team"]})
    register = site_register(sites, pl.DataFrame({"site_id": ["s1", "s2", None]}))
    assert register.sort("site_id").rows() == [("s1", True, "team"), ("s2", None, None)]


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ("dialysis_sessions", "dialysis_sessions is not a known metric"),
        ("outpatient_attendances", "the negative control outpatient_attendances cannot be computed from this study"),
    ],
)
def test_a_negative_control_that_cannot_be_computed_is_refused(study, control, message):
    protocol = study.root / "protocol.yaml"
    protocol.write_text(protocol.read_text(encoding="utf-8") + f"negative_controls: [{control}]\n", encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        check_outcomes(load_study(study.root))


@pytest.mark.parametrize(
    ("asked", "other"),
    [
        ("{covariates: [sex, predictive_risk]}", ("metric: emergency_admissions", "metric: died")),
        ("{method: prognostic}", ("priority: primary", "priority: secondary")),
    ],
)
def test_a_predictive_risk_without_an_outcome_that_it_could_be_of_is_refused(study, asked, other):
    protocol = study.root / "protocol.yaml"
    text = protocol.read_text(encoding="utf-8").replace("look_back_months: 6", "look_back_months: 24")
    protocol.write_text(f"{text}comparison: {asked}\n", encoding="utf-8")
    check_outcomes(load_study(study.root))
    protocol.write_text(f"{text.replace(*other)}comparison: {asked}\n", encoding="utf-8")
    with pytest.raises(StudyError, match="a predictive risk is that of an outcome that counts events") as refused:
        check_outcomes(load_study(study.root))
    assert refused.value.exit_code == 2
    assert "take predictive_risk out of covariates" in str(refused.value)


def test_a_negative_control_that_the_extracts_allow_is_accepted(study):
    protocol = study.root / "protocol.yaml"
    protocol.write_text(
        protocol.read_text(encoding="utf-8") + "negative_controls: [regular_attendances]\n", encoding="utf-8"
    )
    check_outcomes(load_study(study.root))


@pytest.mark.parametrize(
    ("areas", "enrolled", "expected"),
    [(["A", "B"], ["s1", None], False), (["A", None], ["s1", None], True), (["A", "B"], ["s1", "s3"], True)],
)
def test_a_site_has_no_area_if_none_is_given_or_enrolments_alone_name_it(areas, enrolled, expected):
    sites = pl.DataFrame({"site_id": ["s1", "s2"], "area": areas})
    assert some_sites_without_area(sites, pl.DataFrame({"site_id": enrolled})) is expected
