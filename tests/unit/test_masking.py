import pytest

from pipelines.masking import masked_count


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (1, "1 to 7"), (7, "1 to 7"), (8, "8"), (12345, "12345")])
def test_counts_from_one_to_seven_are_shown_as_a_range(count, shown):
    assert masked_count(count) == shown
