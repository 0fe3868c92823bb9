"""Charlson, Elixhauser and frailty scores, worked by hand from the published tables."""

from typing import Any

import pytest

from tests.sql.small_study import SmallStudy, enrolment, episode

SCORES = ("charlson_score", "charlson_score_updated", "elixhauser_score", "long_term_conditions")
CODING = ("episodes_24_months", "diagnoses_24_months", "diagnoses_per_episode")


def known(*columns: str, rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Covariates of p1 at 1 July 2010 with these episodes."""
    study = SmallStudy(enrolments=[enrolment("2010-07-01")], admissions=rows)
    (found,) = study.query(f"select {', '.join(columns)} from covariates where person_id = 'p1'")
    return found


def coded(*codes: str) -> list[dict[str, Any]]:
    """One finished stay with a primary diagnosis and secondary ones."""
    return [episode("2010-05-01", "2010-05-04", diag_01=codes[0], diag_secondary=list(codes[1:]))]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["I500"], (1, 2, 7, 1)),  # heart failure
        (["S720", "I500"], (1, 2, 7, 1)),  # in a secondary position
        (["E119"], (1, 0, 0, 1)),  # diabetes without complications
        (["E119", "E112"], (2, 1, 0, 1)),  # with: counts instead of, not on top
        (["E116"], (1, 0, 0, 1)),  # other specified complications: not "complicated" in Charlson, but in Elixhauser
        (["E116", "E119"], (1, 0, 0, 1)),
        (["K703", "K704"], (3, 4, 11, 2)),  # liver: mild and severe; K703 is alcohol abuse as well
        (["C509", "C780"], (6, 6, 12, 1)),  # metastases instead of the cancer
        (["C509"], (2, 2, 4, 1)),
        (["C819"], (2, 2, 9, 1)),  # lymphoma is a cancer in Charlson
        (["C449"], (0, 0, 0, 0)),  # skin: none
        (["B20X"], (6, 4, 0, 1)),  # AIDS
        (["G811"], (2, 2, 7, 1)),  # hemiplegia
        (["N189"], (2, 1, 5, 1)),  # kidney
        (["I10X"], (0, 0, 0, 1)),  # a padded three-character code
        (["I10X", "I119"], (0, 0, 0, 1)),  # complicated hypertension instead of uncomplicated
        (["I110"], (1, 2, 7, 2)),  # one code, two conditions
        (["I213", "I252"], (1, 0, 0, 0)),  # two codes, one condition
        (["E669", "F112"], (0, 0, -11, 2)),  # van Walraven's weights can be negative
        (["F00X", "J440", "I702"], (3, 3, 5, 2)),  # dementia is no Elixhauser condition
        (["Z000"], (0, 0, 0, 0)),
    ],
)
def test_scores_add_the_weights_of_the_conditions_recorded(codes: list[str], expected: tuple[int, ...]) -> None:
    assert known(*SCORES, rows=coded(*codes)) == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["F00X"], 7.1),
        (["F001", "G819"], 11.5),
        (["R296", "R298", "R29"], 3.6),  # a three-character code counts once
        (["F001", "G819", "G309", "I694", "R296", "N390", "F059", "W199"], 7.1 + 4.4 + 4.0 + 3.7 + 3.6 + 3 * 3.2),
        (["R509"], 0.1),
        (["I500"], 0.0),
    ],
)
def test_the_frailty_score_adds_the_points_of_each_code_once(codes: list[str], expected: float) -> None:
    assert known("hospital_frailty_score", rows=coded(*codes)) == (pytest.approx(expected, abs=1e-12),)


def test_a_condition_counts_once_over_all_episodes_and_positions() -> None:
    rows = [
        episode("2009-05-01", "2009-05-04", diag_01="I500", diag_secondary=["E112", "R296"]),
        episode("2010-05-01", "2010-05-04", diag_01="S720", diag_secondary=["I500", "E119", "R298"]),
    ]
    assert known(*SCORES, "hospital_frailty_score", rows=rows) == (3, 3, 7, 2, pytest.approx(1.4 + 3.6))


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        ("2010-06-20", "2010-06-30", True),  # ended on the day before
        ("2010-06-20", "2010-07-01", False),  # coded on the index date
        ("2010-06-20", "2010-07-20", False),  # coded later
        ("2010-06-20", None, False),  # not known to have ended
        ("2008-06-20", "2008-07-01", True),  # ended on the first day of the window
        ("2008-06-20", "2008-06-30", False),  # before it
    ],
)
def test_diagnoses_are_those_of_episodes_that_ended_in_the_window(start: str, end: str | None, counts: bool) -> None:
    rows = [episode(start, end, diag_01="I500", epistat="3" if end else "1")]
    assert known("charlson_score", "episodes_24_months", rows=rows) == ((1, 1) if counts else (0, 0))


def test_earlier_episodes_of_a_stay_that_goes_on_count() -> None:
    rows = [
        episode("2010-06-01", "2010-06-10", disdate=None, dismeth="8", diag_01="I500"),
        episode("2010-06-10", "2010-07-20", admidate="2010-06-01", epiorder=2, diag_01="G819"),
    ]
    assert known("is_in_hospital", "charlson_score", rows=rows) == (True, 1)


def test_diagnoses_per_episode_count_each_code_of_an_episode_once() -> None:
    rows = [
        episode("2010-03-01", "2010-03-04", diag_01="I500", diag_secondary=["E112", "E112", "I10X"]),
        episode("2010-04-01", "2010-04-04", diag_01="I500"),
        episode("2010-05-01", "2010-05-04"),  # not coded, an episode all the same
    ]
    assert known(*CODING, rows=rows) == (3, 4, pytest.approx(4 / 3))


def test_somebody_without_episodes_has_no_conditions_and_an_unknown_coding_depth() -> None:
    assert known(*SCORES, "hospital_frailty_score", *CODING, rows=[]) == (0, 0, 0, 0, 0.0, 0, 0, None)
