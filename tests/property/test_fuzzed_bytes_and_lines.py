"""Files whose bytes or lines were changed: a refusal by a known rule, or books that balance; never a wrong count."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzzed_files import (
    AS_FILE,
    ONE,
    content_of,
    examples,
    lines_of,
    read,
    untouched,
    valid,
)

BYTES = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x81", b"\xe9", b'"', b'""', b",", b"|", b"\t", b"\r", b"\n", b"\r\n"]
BYTES += [
    b"\x1a",
    b"\x1f",
    b"\\",
    b"'",
    b"PK\x03\x04",
    b"-",
    b"0",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b";",
    b" ",
]
PIECES = st.sampled_from(BYTES)
BYTE_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "flip", "cut", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(PIECES, st.binary(min_size=1, max_size=4)),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=4,
)


def changed_bytes(content: bytes, changes: Sequence[tuple[str, float, bytes, int]]) -> bytes:
    for kind, place, piece, length in changes:
        at = int(place * len(content))
        if kind == "insert":
            content = content[:at] + piece + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + length :]
        elif kind == "flip":
            content = content[:at] + bytes(byte ^ piece[0] for byte in content[at : at + 1]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        else:
            content = content[: at + length] + content[at : at + length] + content[at + length :]
    return content


@examples(70)
@given(valid(), st.sampled_from(sorted(AS_FILE)), BYTE_CHANGES)
def test_changed_bytes_end_in_a_refusal_or_in_balanced_books(found, name, changes):
    read(found, changed_bytes(AS_FILE[name](found), changes), name=name)


LINE_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["delete", "repeat", "swap", "merge", "blank", "header", "cut", "longer", "huge", "only_delimiters"]
        ),
        st.integers(0, 9),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=4,
)


def changed_lines(header: str, lines: list[str], changes: Sequence[tuple[str, int, int]], delimiter: str) -> list[str]:
    """Lines below the header, changed; no quotes come in."""
    for kind, place, length in changes:
        at = place % max(1, len(lines))
        line = lines[at] if lines else ""
        before, after = lines[:at], lines[at + 1 :]
        lines = {
            "delete": [*before, *after],
            "repeat": [*before, line, line, *after],
            "swap": [*after, line, *before],
            "merge": [*before, line + after[0], *after[1:]] if after else lines,
            "blank": [*before, line, " " * (length % 3), *after],
            "header": [*before, line, header, *after],
            "cut": [*before, line[:length], *after],
            "longer": [*before, line + delimiter * (length % 4), *after],
            "huge": [*before, line[:5] + "x" * 500_000 + line[5:], *after],
            "only_delimiters": [*before, line, delimiter * header.count(delimiter), *after],
        }[kind]
    return lines


@examples(40)
@example(ONE, [], ",", "\r", False, 1)
@example(ONE, [], ",", "\r", True, 3)
@example(ONE, [("only_delimiters", 0, 0)], "\t", "\r\n", True, 0)
@given(
    valid(),
    LINE_CHANGES,
    st.sampled_from([",", "|", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from([0, 0, 1, 3]),
)
def test_changed_lines_are_counted_and_whole_ones_keep_their_content(found, changes, delimiter, end, is_ended, above):
    header, *whole = lines_of(found, delimiter=delimiter)
    lines = changed_lines(header, whole, changes, delimiter)
    text = end.join([*[""] * above, header, *lines]) + (end if is_ended else "")
    filled = [line for line in lines if line.strip() or delimiter in line]
    (result,) = read(found, text.encode(), name="a.txt")
    if result.delivery.status == "refused":
        assert not filled
        assert (result.delivery.reason or "").startswith("no_records")
        return
    assert result.delivery.rows_read == len(filled)
    expected = untouched(found)
    numbers = [number for number, line in enumerate(filled, start=1) if line in whole]
    assert [result.accepted[number]["nulled_fields"] for number in numbers] == [None] * len(numbers)
    kept = content_of({number: result.accepted[number] for number in numbers})
    assert kept == [expected[whole.index(filled[number - 1])] for number in numbers]
