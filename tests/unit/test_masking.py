import pytest

from pipelines.masking import masked_count, masked_part, masked_share


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (1, "1 to 7"), (7, "1 to 7"), (8, "8"), (12345, "12345")])
def test_counts_from_one_to_seven_are_shown_as_a_range(count, shown):
    assert masked_count(count) == shown


@pytest.mark.parametrize(
    ("failed", "evaluated", "shown"),
    [
        (0, 1000, "0.0%"),
        (1, 1000, "below 0.8%"),
        (7, 1000, "below 0.8%"),
        (3, 412345, "below 0.1%"),
        (8, 1000, "0.8%"),
        (992, 1000, "99.2%"),
        (993, 1000, "above 99.2%"),
        (999, 1000, "above 99.2%"),
        (412344, 412345, "above 99.9%"),
        (1000, 1000, "100.0%"),
        (2, 7, "too few rows for a share"),
        (0, 0, "nothing evaluated"),
    ],
)
def test_a_share_does_not_give_a_small_count_away(failed, evaluated, shown):
    assert masked_share(failed, evaluated) == shown


def test_no_share_gives_away_that_one_to_seven_rows_were_good():
    assert {masked_share(1000 - good, 1000) for good in range(1, 8)} == {"above 99.2%"}


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (112, 120, "112"),
        (113, 120, "all but 1 to 7"),
        (119, 120, "all but 1 to 7"),
        (120, 120, "120"),
        (3, 120, "1 to 7"),
        (3, 5, "1 to 7"),
        (0, 5, "0"),
    ],
)
def test_a_part_beside_its_whole_does_not_give_away_what_is_left(part, whole, shown):
    assert masked_part(part, whole) == shown
