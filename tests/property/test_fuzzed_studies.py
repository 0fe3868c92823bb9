"""Whole studies of which a file was changed: read, staged and counted, every record has one fate, and only one."""

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.errors import StudyError
from pipelines.study import load_study
from tests.fuzzed_files import examples
from tests.property.test_fuzzed_bytes_and_lines import BYTE_CHANGES, changed_bytes
from tests.quick_run import quick_run
from tests.tiny_study import FILES, write_tiny_study

FATES = ("rows_accepted", "rows_quarantined", "rows_superseded", "rows_duplicate")


@settings(examples(8), deadline=None)
@example("population/population.csv", [("flip", 0.5, b"\xff", 1)])
@example("admissions/admissions_2010-01_to_2010-12.csv", [("repeat", 0.5, b"\n", 40)])
@given(st.sampled_from(sorted(FILES)), BYTE_CHANGES)
def test_a_study_with_a_changed_file_balances_its_books_or_says_what_it_cannot_do_without(name, changes):
    with tempfile.TemporaryDirectory() as root:
        folder = write_tiny_study(Path(root) / "study")
        (folder / "extracts" / name).write_bytes(changed_bytes(FILES[name].encode(), changes))
        try:
            ledger = quick_run(load_study(folder))
        except StudyError:
            return
    assert ledger.height == len(FILES)
    for row in ledger.iter_rows(named=True):
        assert row["rows_read"] == sum(row[fate] for fate in FATES)
        assert (row["refusal_reason"] is not None) == (row["status"] == "refused")
