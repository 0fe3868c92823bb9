import pytest

from pipelines.masking import masked_count, masked_share


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
        (1000, 1000, "100.0%"),
        (2, 7, "too few rows for a share"),
        (0, 0, "nothing evaluated"),
    ],
)
def test_a_share_does_not_give_a_small_count_away(failed, evaluated, shown):
    assert masked_share(failed, evaluated) == shown
