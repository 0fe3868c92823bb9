"""Scores of the 2,072 people of NHS England's artificial HES, where the diagnoses lie beside the checkout.

The figures are those of two Python packages, comorbidipy 0.8.0 and pycomorb 1.20261001.1, on the same file (algorithm
of Quan 2005, graver forms instead of milder ones); their scores are the same person by person. The exceptions: the
updated weight of AIDS (nobody has it here), and one frailty score, where comorbidipy counts a code twice.
The file is Crown copyright, Open Government Licence v3; it is not part of this repository.
"""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from tests.sql.small_study import SmallStudy, enrolment, episode

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference_inputs"
FILE = SHARED / "14_comorbidity" / "input_artificial_hes_icd10_long.csv"
__test__ = FILE.is_file()  # where the file is not there, there is nothing to test

CHARLSON = {0: 1312, 1: 312, 2: 316, 3: 49, 4: 13, 5: 2, 6: 51, 7: 11, 8: 5, 9: 1}
CHARLSON_UPDATED = {0: 1470, 1: 259, 2: 231, 3: 36, 4: 7, 5: 1, 6: 58, 7: 9, 8: 1}
VAN_WALRAVEN = {
    -7: 5, -4: 6, -3: 14, -2: 11, -1: 14, 0: 1334, 1: 4, 2: 19, 3: 91, 4: 116, 5: 209, 6: 50, 7: 43, 8: 9, 9: 32,
    10: 13, 11: 15, 12: 63, 13: 2, 14: 3, 15: 4, 16: 2, 17: 8, 18: 2, 19: 1, 21: 2,
}  # fmt: skip
ELIXHAUSER_CONDITIONS = 1183
FRAILTY_TOTAL = 1655.8
# Sums of place (by identifier, from 1) x score: they hold only if each person has the score.
BY_PLACE = {
    "charlson_score": 1667131,
    "charlson_score_updated": 1342910,
    "elixhauser_score": 4339383,
    "hospital_frailty_score": 1722813.0,
}


@pytest.fixture(scope="module")
def study() -> SmallStudy:
    diagnoses = pl.read_csv(FILE, infer_schema_length=0).group_by("id").agg("code").sort("id")
    admissions = [
        episode("2010-05-01", "2010-05-04", person_id=person_id, diag_01=codes[0], diag_secondary=codes[1:])
        for person_id, codes in diagnoses.rows()
    ]
    enrolments = [enrolment("2010-07-01", person_id=person_id) for person_id in diagnoses["id"]]
    return SmallStudy(enrolments=enrolments, admissions=admissions)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("charlson_score", CHARLSON),
        ("charlson_score_updated", CHARLSON_UPDATED),
        ("elixhauser_score", VAN_WALRAVEN),
    ],
)
def test_as_many_people_have_each_score(study: SmallStudy, score: str, expected: dict[int, int]) -> None:
    assert Counter(value for (value,) in study.query(f"select {score} from covariates")) == expected


def test_conditions_and_frailty_points_add_up_to_the_same(study: SmallStudy) -> None:
    totals = "select count(*), sum(long_term_conditions), sum(hospital_frailty_score) from covariates"
    assert study.query(totals) == [(2072, ELIXHAUSER_CONDITIONS, pytest.approx(FRAILTY_TOTAL, abs=1e-6))]


@pytest.mark.parametrize(("score", "expected"), BY_PLACE.items())
def test_each_person_has_the_score(study: SmallStudy, score: str, expected: float) -> None:
    by_place = f"""select sum(place * {score}) from (
        select {score}, row_number() over (order by person_id) as place from covariates)"""
    assert study.value(by_place) == pytest.approx(expected, abs=1e-6)
