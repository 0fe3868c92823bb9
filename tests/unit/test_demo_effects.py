"""Effects to plant are read as people write them, or refused with what was expected."""

import pytest

from pipelines.demo_effects import parse_effects
from pipelines.errors import StudyError

ITEMS = ("has_care_plan", "involved_in_decisions")


def refusal(*texts: str) -> str:
    with pytest.raises(StudyError) as refused:
        parse_effects(texts, items=ITEMS)
    return str(refused.value)


def test_rate_ratios_and_points_are_told_apart():
    planted = parse_effects(["emergency_admissions=1.02", " has_care_plan = -5pp "], items=ITEMS)
    assert planted.rate_ratios == {"emergency_admissions": 1.02}
    assert planted.points == {"has_care_plan": -5.0}


def test_nothing_is_planted_by_no_text():
    planted = parse_effects([], items=ITEMS)
    assert (planted.rate_ratios, planted.points) == ({}, {})


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    assert "did you mean: emergency_admissions" in refusal("emergancy_admissions=1.1")
    assert "did you mean: has_care_plan" in refusal("has_care_plans=5pp")
    assert "metrics: emergency_admissions, elective_admissions" in refusal("nonsense=2")


def test_a_metric_that_follows_another_says_where_to_plant_the_effect():
    assert "it follows emergency_admissions" in refusal("emergency_bed_days=0.9")
    assert "it follows outpatient_attendances" in refusal("outpatient_did_not_attend=0.9")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("emergency_admissions", "write METRIC=1.02"),
        ("emergency_admissions=", "nothing is not a number"),
        ("emergency_admissions=much", "expected a rate ratio: emergency_admissions=1.02"),
        ("emergency_admissions=nan", "not a number"),
        ("emergency_admissions=-5pp", "is a rate, not a share"),
        ("emergency_admissions=-0.1", "between 0 and 5"),
        ("emergency_admissions=6", "between 0 and 5"),
        ("has_care_plan=0.9", "expected percentage points: has_care_plan=-5pp"),
        ("has_care_plan=manypp", "many is not a number"),
        ("regular_attendances=2", "not a metric or item"),
    ],
)
def test_a_wrong_effect_is_refused_with_what_was_expected(text, expected):
    assert expected in refusal(text)


def test_an_effect_given_twice_is_refused():
    assert "more than once" in refusal("ae_attendances=1.1", "ae_attendances=1.2")


def test_a_refusal_ends_with_exit_code_2():
    with pytest.raises(StudyError) as refused:
        parse_effects(["nonsense=2"], items=ITEMS)
    assert refused.value.exit_code == 2
