"""How large a sheet is once opened: every place from the first cell to the last."""

import pytest

from pipelines.reading.spreadsheets import cells_between


@pytest.mark.parametrize(
    ("xml", "places"),
    [
        (b'<sheetData><row r="1"><c r="A1"/><c r="B1"/></row></sheetData>', 2),
        (b'<row r="1000"><c r="C1000"/></row>', 3_000),
        (b"<row><c/><c/></row><row><c/></row>", 4),
        (b'<row><c s="1" r="AA3"></c></row>', 81),
        (b"<x:row r='2'><x:c r='B2'/></x:row>", 4),
        (b"<sst><si><t>row</t></si></sst>", 0),
        (b"", 0),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_places_are_counted_to_the_last_row_and_column_however_the_sheet_is_cut_up(xml, places, size):
    assert cells_between(iter([xml[start : start + size] for start in range(0, len(xml), size)])) == places
