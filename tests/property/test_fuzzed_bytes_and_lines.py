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
    parts_of,
    read,
    untouched,
    valid,
)
from tests.small_extracts import zipped

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


@examples(110)
@example(ONE, "lzma.zip", [("flip", 0.2, b"\xff", 1)])
@example(ONE, "bzip2.zip", [("flip", 0.2, b"\xff", 1)])
@example(ONE, "lzma.zip", [("flip", 30 / len(AS_FILE["lzma.zip"](ONE)), b"\xff", 1)])
@given(valid(), st.sampled_from(sorted(AS_FILE)), BYTE_CHANGES)
def test_changed_bytes_end_in_a_refusal_or_in_balanced_books(found, name, changes):
    read(found, changed_bytes(AS_FILE[name](found), changes), name=name)


XML = [
    b"<",
    b">",
    b"&",
    b'"',
    b"/>",
    b"\xff",
    b'<c r="XFD1048576"><v>1</v></c>',
    b'<row r="999999999">',
    b'<c r="A1"/>',
    b'<c t="s"><v>9</v></c>',
]
XML += [b"<v>1e999</v>", b's="99"', b'<c s="1"><v>1e308</v></c>', b'<c t="d"><v>x</v></c>', b'numFmtId="999"']
PART_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "flip", "cut", "repeat", "drop", "copy"]),
        st.integers(0, 9),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.sampled_from(XML), PIECES),
    ),
    min_size=1,
    max_size=3,
)


def changed_parts(parts: dict[str, bytes], changes: Sequence[tuple[str, int, float, bytes]]) -> dict[str, bytes]:
    """Parts of a spreadsheet, changed inside, left out, or put in each other's place."""
    for kind, which, place, piece in changes:
        if not parts:
            break
        names = sorted(parts)
        name = names[which % len(names)]
        if kind == "drop":
            del parts[name]
        elif kind == "copy":
            parts[name] = parts[names[(which + 1) % len(names)]]
        else:
            parts[name] = changed_bytes(parts[name], [(kind, place, piece, 20)])
    return parts


@examples(40)
@given(valid(), PART_CHANGES)
def test_changed_parts_of_a_spreadsheet_end_in_a_refusal_or_in_balanced_books(found, changes):
    read(found, zipped(changed_parts(parts_of(found), changes)), name="a.xlsx")


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
