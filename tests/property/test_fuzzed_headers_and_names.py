"""Files whose header was changed or whose name has wildcards: no record is lost and no other file is read."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzzed_files import (
    AS_FILE,
    ONE,
    VALID,
    as_text,
    examples,
    lines_of,
    numbered,
    read,
    valid,
)
from tests.small_extracts import SmallLake

NAMES = [
    "",
    " ",
    "NHSNO",
    "PSEUDO_HESID",
    "ENCRYPTED_HESID",
    "SEX",
    "EPIKEY",
    "FYEAR",
    "PARTYEAR",
    "DIAG_02",
    "PROCODE5",
]
NAMES += [
    "record",
    "delivery_id",
    "person_id",
    "__c0",
    "__line_state",
    "nulled_fields",
    "x" * 140_000,
    "\ufeff",
    "'",
    '"',
    "\0",
]
HEADER_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["rename", "repeat", "drop", "swap", "lower", "pad", "extra", "quote"]),
        st.integers(0, 30),
        st.sampled_from(NAMES),
    ),
    min_size=1,
    max_size=3,
)


def changed_header(names: list[str], changes: Sequence[tuple[str, int, str]]) -> list[str]:
    for kind, place, name in changes:
        at = place % max(1, len(names))
        before, after = names[:at], names[at + 1 :]
        old = names[at] if names else ""
        names = {
            "rename": [*before, name, *after],
            "repeat": [*before, old, old, *after],
            "drop": [*before, *after],
            "swap": [*after, old, *before],
            "lower": [*before, old.lower(), *after],
            "pad": [*before, f" {old}\u00a0", *after],
            "extra": [*names, name],
            "quote": [*before, f'"{old}', *after],
        }[kind]
    return names


@examples(40)
@example(numbered("opt_outs", "PSEUDO_HESID", {"PSEUDO_HESID": "Ab1"}, count=3), [("extra", 0, '"')], ",")
@given(valid(), HEADER_CHANGES, st.sampled_from([",", "|"]))
def test_a_changed_header_loses_no_record(found, changes, delimiter):
    lines = lines_of(found, delimiter=delimiter)[1:]
    (result,) = read(found, as_text([delimiter.join(changed_header(found.names, changes)), *lines]).encode())
    if result.delivery.status == "accepted":
        assert result.delivery.rows_read == len(lines)


def test_a_carriage_return_above_the_header_hides_no_record():
    header, *lines = lines_of(numbered(*VALID[0], count=3))
    (result,) = read(ONE, f"\r{as_text([header, *lines])}".encode())
    assert result.delivery.rows_read == len(lines)


def test_a_quote_in_the_header_that_is_closed_in_a_record_hides_no_record():
    header, *lines = lines_of(numbered(*VALID[0], count=3))
    text = as_text([f'{header},"NOTE', *(f"{line},x" for line in lines[:-1]), f'{lines[-1]},"'])
    (result,) = read(ONE, text.encode())
    assert (result.delivery.reason or "").startswith("header_broken: ")


@pytest.mark.parametrize("name", ["a[1].csv", "a?.csv", "a*.csv", "a[1].parquet", "a*.parquet"])
def test_a_file_name_stands_for_no_other_file(tmp_path, name):
    lake = SmallLake(tmp_path)
    one, other = numbered(*VALID[0], count=1), numbered(*VALID[0], count=2)
    write = AS_FILE["a.csv" if name.endswith("csv") else "a.parquet"]
    lake.put(name, write(one), extract="outpatients")
    lake.put(name.replace("[1]", "1").replace("*", "1").replace("?", "1"), write(other), extract="outpatients")
    assert {delivery.file_name: delivery.rows_read for delivery in lake.read("outpatients")}[name] == 1
