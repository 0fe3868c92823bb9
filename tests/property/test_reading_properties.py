"""What must not change the lake: how records are split into files, ordered, and written down."""

import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.small_extracts import EPISODE, Record, SmallLake, as_csv, as_xlsx

CONTENT = (
    "person_id, epikey, epistart, epiend, admimeth, sex, startage, diag_01, diag_secondary, opertn, "
    "nulled_fields, repaired_fields"
)
DATES = ["2010-01-02", "2009-12-31", "03/01/2010", "1801-01-01", "", "2010-02-30"]


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Episodes, some of them dirty."""
    count = draw(st.integers(1, 8))
    return [
        {
            **EPISODE,
            "EPIKEY": str(number),
            "PSEUDO_HESID": draw(st.sampled_from(["Ab1", "cD2", " e3 ", "", "-", "f g"])),
            "EPISTART": draw(st.sampled_from(DATES)),
            "EPIEND": draw(st.sampled_from(DATES)),
            "EPISTAT": draw(st.sampled_from(["3", "1", "7"])),
            "ADMIDATE": "",
            "DISDATE": "",
            "ADMIMETH": draw(st.sampled_from(["21", "2a", " 11", "99", "X", "&"])),
            "STARTAGE": draw(st.sampled_from(["67", "54.0", "7001", "x"])),
            "DIAG_02": draw(st.sampled_from(["J440", "j44.0", "-", "9999"])),
        }
        for number in range(count)
    ]


def lake_content(files: Sequence[tuple[str, bytes]], extract: str = "admissions") -> tuple[object, ...]:
    """Accepted content and refused rules of some files, in an order of their own."""
    with tempfile.TemporaryDirectory() as root:
        lake = SmallLake(Path(root))
        for name, content in files:
            lake.put(name, content, extract=extract)
        deliveries = lake.read(extract)
        assert {delivery.status for delivery in deliveries} == {"accepted"}
        accepted = lake.rows(extract, CONTENT, deliveries)
        refused = [
            row
            for delivery in deliveries
            for row in lake.quarantined(delivery, "rule_id, also_failed, column_name, original_text")
        ]
        assert sum(d.rows_read for d in deliveries) == len(accepted) + len(refused)
        return accepted, sorted(refused, key=str)


def plain(found: Sequence[Record]) -> bytes:
    return as_csv(found).encode()


few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_records_and_of_columns_and_the_case_of_names_change_nothing(found, random):
    names = list(found[0])
    mixed = random.sample(found, len(found))
    columns = random.sample(names, len(names))
    text = as_csv(mixed, header=columns)
    header, rest = text.split("\n", 1)
    assert lake_content([("a.csv", f"{header.lower()}\n{rest}".encode())]) == lake_content([("a.csv", plain(found))])


@few
@given(records(), st.data())
def test_splitting_a_file_changes_nothing(found, data):
    cut = data.draw(st.integers(0, len(found)))
    parts = [part for part in (found[:cut], found[cut:]) if part]
    files = [(f"part_{number}.csv", plain(part)) for number, part in enumerate(parts)]
    assert lake_content(files) == lake_content([("a.csv", plain(found))])


def as_zip(found: Sequence[Record]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside/b.csv", plain(found))
    return buffer.getvalue()


def as_parquet(found: Sequence[Record]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(found).with_columns(pl.all().replace("", None)).write_parquet(buffer)
    return buffer.getvalue()


def quoted(found: Sequence[Record]) -> str:
    lines = [",".join(f'"{value}"' for value in row) for row in [list(found[0]), *(list(r.values()) for r in found)]]
    return "\n".join(lines) + "\n"


WAYS: dict[str, Callable[[Sequence[Record]], bytes]] = {
    "quoted.csv": lambda found: quoted(found).encode(),
    "windows.csv": lambda found: as_csv(found).replace("\n", "\r\n").encode(),
    "quoted_windows.csv": lambda found: quoted(found).replace("\n", "\r\n").encode(),
    "old_mac.csv": lambda found: as_csv(found).replace("\n", "\r").encode(),
    "mixed_ends.csv": lambda found: as_csv(found).replace("\n", "\r\n", 1).encode(),
    "no_end.csv": lambda found: as_csv(found)[:-1].encode(),
    "mark.csv": lambda found: as_csv(found).encode("utf-8-sig"),
    "sixteen.csv": lambda found: as_csv(found).encode("utf-16"),
    "sixteen_no_mark.csv": lambda found: as_csv(found).encode("utf-16-le"),
    "pipe.txt": lambda found: as_csv(found, delimiter="|").encode(),
    "tab.txt": lambda found: as_csv(found, delimiter="\t").encode(),
    "packed.csv.gz": lambda found: gzip.compress(plain(found)),
    "packed.zip": as_zip,
    "columns.parquet": as_parquet,
    "sheet.xlsx": lambda found: as_xlsx([list(found[0]), *(list(record.values()) for record in found)]),
    "blank_lines.csv": lambda found: as_csv(found).replace("\n", "\n\n").encode(),
}


@settings(few, max_examples=4)
@given(records())
def test_the_kind_of_file_and_its_encoding_change_nothing(found):
    expected = lake_content([("a.csv", plain(found))])
    for name, write in WAYS.items():
        assert (name, lake_content([(name, write(found))])) == (name, expected)
