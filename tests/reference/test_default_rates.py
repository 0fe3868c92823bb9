"""The rates that a plan starts from are those of the published survey that it names."""

import pytest

from evaluation.planning import DEFAULT_RATES, event_rate
from tests.reference.reference_inputs import PRESENT, read

__test__ = PRESENT  # where the folder is not there, there is nothing to test


@pytest.mark.parametrize(("metric", "column"), [("emergency_admissions", "hospital"), ("ae_attendances", "emergency")])
def test_the_default_rates_are_those_of_the_published_survey(metric, column):
    counts = read("11_count_rate_ratios/input_NMES1988.csv")[column]
    found = event_rate(counts, [1.0] * counts.len())
    assert DEFAULT_RATES[metric].per_year == pytest.approx(found.per_year, abs=0.0006)
    assert DEFAULT_RATES[metric].dispersion == pytest.approx(found.dispersion, abs=0.006)
