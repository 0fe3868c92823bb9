"""Words such as "n of N matched" don't give small counts away in what is printed."""

import pytest

from pipelines.results_withholding import withheld_estimate


def printed(words: str | None, *, known: int = 2000) -> str | None:
    names = ("pilot_baseline", "pilot_follow_up", "comparator_baseline", "comparator_follow_up")
    row = {
        **dict.fromkeys(names),
        "metric_id": "emergency_admissions",
        "population": "all_sites",
        "design": "matched_cohort",
        "unit": "admissions per person-year",
        "estimand_population": words,
        "n_pilot": known,
        "n_comparator": 8000,
        "person_years_pilot": 1000.0,
        "person_years_comparator": 4000.0,
    }
    return withheld_estimate(row, survey=())["estimand_population"]


def test_large_counts_are_printed():
    assert printed("pilot people, all sites; 1678 of 1997 matched") == "pilot people, all sites; 1678 of 1997 matched"


@pytest.mark.parametrize("counts", ["1995 of 1997", "5 of 1997", "3 of 6"])
def test_small_counts_and_small_differences_are_left_out(counts):
    assert printed(f"pilot people, all sites; {counts} matched") == "pilot people, all sites"


def test_the_matched_are_left_out_where_a_few_of_them_are_not_known_to_the_estimate():
    words = "pilot people, all sites; 1678 of 1997 matched"
    assert printed(words, known=1678) == printed(words, known=1600) == words
    assert printed(words, known=1675) == "pilot people, all sites"


def test_words_without_counts_stay():
    assert printed("people who answered, all sites") == "people who answered, all sites"
    assert printed(None) is None
