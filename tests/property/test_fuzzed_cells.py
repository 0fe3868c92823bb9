"""Files whose cells were changed, in any encoding or type: no record is lost, and the others keep their content."""

import csv
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzzed_files import (
    ONE,
    as_text,
    content_of,
    examples,
    lines_of,
    parquet,
    read,
    untouched,
    valid,
    with_cells,
    written,
)

HOSTILE = [
    *["", " ", "-", "&", "NULL", "nan", "inf", "-0", "1e308", "99999999999999999999", "0x10", "٣", "½", "1,5", "1.5.5"],
    *["1801-01-01", "31/02/2010", "2010-01-02T00:00:00Z", "20100230", "epoch", "infinity", "9999-12-31", "0000-01-01"],
    *["24:00", "2561", "9:5", "::", "a\0b", "\0", "\x1a", "\x1f", "\x85", "\u2028", "\u00a0", "\u200b", "\ufeff", "😀"],
    *["'; drop table x; --", "{}", "[]", "%s", "$raw", "\\", "\\n", "a'b", "x" * 70, "y" * 140_000, "=1+1", "@", "~"],
    *["999 000 0018", "999-000-0018", "1111111111", "9990000019", "999000001", "\u0661" * 10, "J44.0", "j440", "5a"],
    *['"', '""', 'a"b', '"a', 'a"', '" ', "a,b", "a|b", "a\tb"],
]
CELLS = st.one_of(
    st.sampled_from(HOSTILE), st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
)
CELL_CHANGES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), CELLS), min_size=1, max_size=4)


@examples(60)
@example(ONE, [(0, 0, "")], ",", csv.QUOTE_MINIMAL, True)
@example(ONE, [(0, 0, ""), (0, 7, "")], ",", csv.QUOTE_MINIMAL, True)
@example(ONE, [(0, 0, "y" * 140_000)], ",", csv.QUOTE_ALL, True)
@given(
    valid(),
    CELL_CHANGES,
    st.sampled_from([",", "|", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_changed_cells_keep_the_number_of_records_and_the_content_of_the_others(
    found, changes, delimiter, quoting, has_line_break
):
    if has_line_break:
        changes = [(row, column, f"{cell}\n") for row, column, cell in changes if delimiter not in cell] or changes
    rows, others = with_cells(found, changes)
    text = written([found.names, *rows], delimiter=delimiter, quoting=quoting)
    is_blank = {
        n for n, row in enumerate(rows, 1) if len(row) == 1 and not row[0].strip() and quoting == csv.QUOTE_MINIMAL
    }
    (result,) = read(found, text.encode())
    if is_blank:
        return
    assert result.delivery.status == "accepted"
    assert result.delivery.rows_read == len(rows)
    expected = untouched(found)
    kept = content_of({number: result.accepted[number] for number in sorted(others)})
    assert kept == [expected[number - 1] for number in sorted(others)]


@examples(25)
@given(valid(), st.integers(0, 4), st.integers(0, 200), st.sampled_from(['"', '""', '"""', '" "', ' "']))
def test_one_stray_quote_costs_at_most_its_own_record(found, row, place, quote):
    header, *lines = lines_of(found)
    row %= len(lines)
    place %= len(lines[row]) + 1
    lines[row] = lines[row][:place] + quote + lines[row][place:]
    (result,) = read(found, as_text([header, *lines]).encode())
    assert result.delivery.rows_read == len(lines)
    expected = untouched(found)
    for number in set(range(1, len(lines) + 1)) - {row + 1}:
        assert content_of({number: result.accepted[number]}) == [expected[number - 1]]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp037", "utf-7"]


@examples(20)
@given(
    valid(),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["", "é", "’", "\x81", "\0", "\ufeff", "日"]),
    st.integers(0, 30),
)
def test_any_encoding_ends_in_a_refusal_or_in_all_records(found, encoding, letter, column):
    rows, _ = with_cells(found, [(0, column, letter)]) if letter else (found.rows, None)
    text = written([found.names, *rows], delimiter=",", quoting=csv.QUOTE_ALL)
    (result,) = read(found, text.encode(encoding, errors="ignore"))
    if result.delivery.status == "accepted":
        assert result.delivery.rows_read == len(rows)


AS_TYPED: dict[str, Callable[[int], pl.Series]] = {
    "nothing": lambda n: pl.Series([None] * n),
    "float": lambda n: pl.Series([float("nan"), float("inf"), 5.0, 1e300, None][:n], dtype=pl.Float64),
    "integer": lambda n: pl.Series([5, -1, 2**62, None, 0][:n], dtype=pl.Int64),
    "date": lambda n: pl.Series([date(2010, 1, 2), date(1, 1, 1), None, date(9999, 12, 31), date(2010, 1, 2)][:n]),
    "time": lambda n: pl.Series([timedelta(hours=9)] * n),
    "flag": lambda n: pl.Series([True, False, None, True, True][:n]),
    "list": lambda n: pl.Series([["a"], [], None, ["b", "c"], [""]][:n], dtype=pl.List(pl.String)),
    "record": lambda n: pl.Series([{"a": 1}] * n),
    "bytes": lambda n: pl.Series([b"5", b"\xff\x00", None, b"", b"RXA"][:n], dtype=pl.Binary),
    "text": lambda n: pl.Series(["", "-", "5", "a\nb", "x" * 5000][:n]),
    "category": lambda n: pl.Series(["5", "", "a", None, "5"][:n], dtype=pl.Categorical),
}


@examples(25)
@given(valid(), st.lists(st.tuples(st.integers(0, 30), st.sampled_from(sorted(AS_TYPED))), min_size=1, max_size=3))
def test_columns_of_any_type_keep_the_number_of_records(found, changes):
    frame = pl.DataFrame(list(found.records))
    for place, kind in changes:
        name = found.names[place % len(found.names)]
        frame = frame.with_columns(AS_TYPED[kind](frame.height).alias(name))
    (result,) = read(found, parquet(frame), name="a.parquet")
    assert result.delivery.status == "accepted"
    assert result.delivery.rows_read == frame.height
