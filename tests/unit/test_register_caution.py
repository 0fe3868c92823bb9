"""What a design says of care home and deprivation that are as of a day after the index date, or of no known day."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from evaluation.matching.registers import register_caution, share_of_pilot_people
from tests.compared_cohort import SETTINGS, cohort, designed, row_of

BOTH = ("imd_quintile", "is_care_home_resident", "sex")
EARLY, LATE = date(2010, 3, 15), date(2010, 7, 15)
JUNE, AUGUST = date(2010, 6, 30), date(2010, 8, 31)


def cases(care_home: list[date | None], deprivation: list[date | None] | None = None) -> pl.DataFrame:
    """Half of 20 pilot people have an early index date and half a late one."""
    dates = {"index_date": [EARLY, LATE] * 10, "care_home_as_of_date": care_home}
    return pl.DataFrame(dates | {"deprivation_as_of_date": deprivation or care_home})


def test_a_file_from_before_all_index_dates_needs_no_caution():
    assert register_caution(cases([EARLY] * 20), BOTH) == ""


def test_what_is_later_than_the_index_date_is_said_with_the_share_of_pilot_people_and_what_to_do():
    assert register_caution(cases([JUNE] * 20), BOTH) == (
        "Care home and deprivation of 50% of the pilot people are as in a population file later than the index date: a "
        "change in between, which may be an effect of the pilot, is balanced away. Leave them out under "
        "comparison.covariates, or deliver a population file from before."
    )
    assert register_caution(cases([AUGUST] * 20), ["imd_quintile"]).startswith(
        "Deprivation of all pilot people is as in a population file later than the index date"
    )
    assert register_caution(cases([AUGUST] * 20), ["sex", "age_at_index"]) == ""


def test_each_of_the_two_has_its_own_share():
    words = register_caution(cases([JUNE] * 20, [AUGUST] * 20), BOTH)
    assert "Care home of 50% of the pilot people is as in a population file later" in words
    assert "Deprivation of all pilot people is as in a population file later" in words


def test_a_file_of_no_known_day_is_said_to_be_one():
    words = register_caution(cases([None] * 20, [EARLY] * 20), BOTH)
    assert words == (
        "Care home of all pilot people is as in a population file without a month in its name, which may be later than "
        "the index date: a change in between, which may be an effect of the pilot, is then balanced away. Name the "
        "month, or leave it out under comparison.covariates."
    )


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (1, "1 to 7 pilot people"),
        (7, "1 to 7 pilot people"),
        (8, "20% of the pilot people"),
        (32, "80% of the pilot people"),
        (33, "all but 1 to 7 pilot people"),
        (39, "all but 1 to 7 pilot people"),
        (40, "all pilot people"),
    ],
)
def test_a_share_gives_no_count_of_one_to_seven_away(part, words):
    assert share_of_pilot_people(part, 40) == words


def test_a_small_share_of_very_many_is_not_none():
    assert share_of_pilot_people(8, 10_000) == "0.08% of the pilot people"
    assert share_of_pilot_people(9_980, 10_000) == "99.8% of the pilot people"


def test_a_design_says_it_of_the_covariates_that_it_uses_on_weights_and_on_pairs():
    people = cohort().with_columns(
        pl.Series("is_care_home_resident", [number % 9 == 0 for number in range(2120)]),
        index_date=pl.lit(EARLY),
        care_home_as_of_date=pl.lit(AUGUST),
        deprivation_as_of_date=pl.lit(AUGUST),
    )
    used = replace(SETTINGS, covariates=(*SETTINGS.covariates, "is_care_home_resident"))
    for population in ("all_sites", "site:north"):
        row = row_of(designed(people, used), population)
        for kind in ("weighting_caution", "matching_caution"):
            assert "Care home of all pilot people is as in a population file later than the index date" in row[kind]
            assert "eprivation" not in row[kind]
    without = row_of(designed(people))
    assert "population file" not in without["weighting_caution"] + without["matching_caution"]
