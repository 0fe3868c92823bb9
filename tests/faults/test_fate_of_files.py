"""Every kind of file that is not what its folder is for is refused by one rule and one message; the others are read.

A file that is still written to is left for the next run.
"""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from pipelines.checking import check_study
from pipelines.reading.rules import REFUSED_FILES
from pipelines.study import load_study
from tests.fuzzed_files import parquet
from tests.small_extracts import APPOINTMENT, EPISODE, as_csv, as_xlsx, zipped
from tests.three_records import three
from tests.tiny_study import write_tiny_study

TEXT = as_csv(three("admissions", {}))
HEADER, FIRST, SECOND, _ = TEXT.splitlines()


def encrypted() -> bytes:
    """An archive whose entry is marked as encrypted, in its own header and in the directory."""
    content = bytearray(zipped({"b.csv": TEXT}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def twice() -> bytes:
    """An archive with two files of the same name."""
    return zipped({"b.csv": TEXT, "c.csv": TEXT.replace("Ab1", "Ab2")}).replace(b"c.csv", b"b.csv")


COMPRESSIONS = {"deflate": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "LZMA": zipfile.ZIP_LZMA}


def changed_inside(compression: int) -> bytes:
    """An archive in which some bytes of the packed text are not what they were."""
    content = bytearray(zipped({"b.csv": TEXT}, compression=compression))
    content[60:75] = bytes(byte ^ 0xFF for byte in content[60:75])
    return bytes(content)


def linked() -> bytes:
    """An archive with a member that is a symbolic link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("b.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/hostname")
    return buffer.getvalue()


def stretched() -> bytes:
    return gzip.compress(b"0" * 30_000_000)


def with_rows(rows: bytes) -> bytes:
    """A spreadsheet with some XML behind its only record."""
    with zipfile.ZipFile(io.BytesIO(as_xlsx([list(EPISODE), list(EPISODE.values())]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped({name: part.replace(b"</sheetData>", rows + b"</sheetData>") for name, part in parts.items()})


def constant_parquet() -> bytes:
    """A Parquet file of a few kilobytes with ten million rows of the same content."""
    return parquet(pl.DataFrame({name: pl.repeat(value, 10_000_000, eager=True) for name, value in EPISODE.items()}))


def two_sheets() -> bytes:
    buffer = io.BytesIO(as_xlsx([list(EPISODE), list(EPISODE.values())]))
    changed = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            sheet = '<sheet name="Sheet1" sheetId="1" r:id="r1"/>'
            text = text.replace(sheet, sheet + sheet.replace("Sheet1", "Sheet2").replace('"1"', '"2"'))
            new.writestr(name, text)
    return changed.getvalue()


REFUSED: Mapping[str, tuple[str, bytes, str]] = {
    "required column missing": ("a.csv", TEXT.replace("EPISTART", "BEGUN").encode(), "required_column_missing"),
    "header missing": ("a.csv", f"{FIRST}\n{SECOND}\n".encode(), "header_missing"),
    "header with an open quote": ("a.csv", f'{HEADER},"x\n{FIRST},1\n{SECOND},"2\n'.encode(), "header_broken"),
    "line ends that were lost": ("a.csv", (TEXT.replace("\n", ",") * 70).encode(), "records_unreadable"),
    "column twice": ("a.csv", TEXT.replace("SEX", "EPIKEY").encode(), "column_repeated"),
    "zero bytes": ("a.csv", b"", "empty_file"),
    "blank lines only": ("a.csv", b"\n \r\n\n", "empty_file"),
    "zero bytes in gzip": ("a.csv.gz", gzip.compress(b""), "empty_file"),
    "header only": ("a.csv", f"{HEADER}\n".encode(), "no_records"),
    "another data set": ("a.csv", as_csv([APPOINTMENT]).encode(), "required_column_missing"),
    "another data set without a common column": ("a.csv", b"AEKEY,TEAM\n1,x\n", "header_missing"),
    "not text": ("a.csv", zipped({"b.csv": TEXT}), "misnamed_file"),
    "half of UTF-16": ("a.csv", TEXT.encode("utf-16") + b"\x00\xd8", "encoding_broken"),
    "unknown kind of file": ("a.docx", b"x", "unknown_file_type"),
    "broken gzip": ("a.csv.gz", gzip.compress(TEXT.encode())[:-9], "archive_broken"),
    "broken zip": ("a.zip", zipped({"b.csv": TEXT})[:-30], "archive_broken"),
    "zip with a wrong checksum": ("a.zip", zipped({"b.csv": TEXT}).replace(b"b.csv", b"c.csv", 1), "archive_broken"),
    **{
        f"zip with broken {name} content": ("a.zip", changed_inside(compression), "archive_broken")
        for name, compression in COMPRESSIONS.items()
    },
    "zip with a name that is not UTF-8": ("a.zip", zipped({"é.csv": TEXT}).replace(b"\xc3", b"\xff"), "archive_broken"),
    "zip with one name that is not UTF-8": (
        "a.zip",
        zipped({"é.csv": TEXT}).replace(b"\xc3", b"\xff", 1),
        "archive_broken",
    ),
    "empty zip": ("a.zip", zipped({}), "archive_empty"),
    "zip with two files of one name": ("a.zip", twice(), "archive_broken"),
    "encrypted zip": ("a.zip", encrypted(), "archive_encrypted"),
    "zip in a zip": ("a.zip", zipped({"b.zip": zipped({})}), "archive_nested"),
    "gzip of a zip": ("a.zip.gz", gzip.compress(zipped({})), "archive_nested"),
    "gzip of a spreadsheet": ("a.xlsx.gz", gzip.compress(b"x"), "archive_nested"),
    "absurdly compressed gzip": ("a.csv.gz", stretched(), "archive_too_large"),
    "absurdly compressed zip": ("a.zip", zipped({"b.csv": b"0" * 30_000_000}), "archive_too_large"),
    "zip of many members that are small only one by one": (
        "a.zip",
        zipped({f"{number}.csv": b"0" * 900_000 for number in range(40)}),
        "archive_too_large",
    ),
    "absurdly compressed Parquet": ("a.parquet", constant_parquet(), "archive_too_large"),
    "absurdly compressed spreadsheet": (
        "a.xlsx",
        with_rows(b"<row><c><v>1</v></c></row>" * 2_000_000),
        "spreadsheet_too_large",
    ),
    "spreadsheet with a cell far away": (
        "a.xlsx",
        with_rows(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "spreadsheet_too_large",
    ),
    "spreadsheet of one wide row and many short ones": (
        "a.xlsx",
        with_rows(b"<row>" + b"<c><v>1</v></c>" * 16_000 + b"</row>" + b"<row><c/></row>" * 4_000),
        "spreadsheet_too_large",
    ),
    "path out of the archive": ("a.zip", zipped({"../b.csv": TEXT}), "path_leaves_archive"),
    "absolute path": ("a.zip", zipped({"/tmp/b.csv": TEXT}), "path_leaves_archive"),
    "Windows path": ("a.zip", zipped({"C:\\b.csv": TEXT}), "path_leaves_archive"),
    "link in an archive": ("a.zip", linked(), "path_leaves_archive"),
    "broken Parquet": ("a.parquet", b"PAR1 no more", "parquet_unreadable"),
    "broken spreadsheet": ("a.xlsx", b"no sheet", "spreadsheet_unreadable"),
    "two sheets": ("a.xlsx", two_sheets(), "spreadsheet_several_sheets"),
}


def put_refused_links(folder: Path, outside: Path) -> None:
    """What cannot be written as bytes: links out of the folder, a link to itself, and a folder."""
    outside.write_text(TEXT, encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)
    (folder / "link to a folder").symlink_to(outside.parent)
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "old").mkdir()


LINKS = {
    "link.csv": "path_leaves_folder",
    "link to a folder": "path_leaves_folder",
    "loop.csv": "not_a_file",
    "old": "not_a_file",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_is_refused_by_a_rule_that_says_what_was_expected_and_what_to_do(lake, kind):
    name, content, rule = REFUSED[kind]
    lake.put(name, content)
    lake.put("z.csv", TEXT)
    refused, good = lake.read()
    assert (refused.status, refused.rows_read, refused.records) == ("refused", 0, None)
    assert (refused.reason or "").startswith(f"{rule}: ")
    assert (refused.reason or "").endswith(
        f"; expected: {REFUSED_FILES[rule].expected}; do: {REFUSED_FILES[rule].advice}"
    )
    assert (good.status, good.rows_read, good.rows_quarantined) == ("accepted", 3, 0)


def test_links_out_of_the_folder_and_folders_are_refused_by_their_rules(lake):
    put_refused_links(lake.folder(), lake.root / "outside.csv")
    reasons = {delivery.file_name: (delivery.reason or "").split(":")[0] for delivery in lake.read()}
    assert reasons == LINKS


def test_every_rule_that_refuses_files_has_its_case_here():
    elsewhere = {
        "overlapping_periods",
        "file_unreadable",
        "file_name_undecodable",
        "nhs_numbers_as_pseudonyms",
    }
    assert {rule for _, _, rule in REFUSED.values()} | set(LINKS.values()) | elsewhere == set(REFUSED_FILES)


def test_the_check_names_file_rule_expectation_and_advice_of_every_refused_file(tmp_path):
    folder = write_tiny_study(tmp_path / "study")
    extract = folder / "extracts" / "admissions"
    put_refused_links(extract, tmp_path / "outside.csv")
    for number, (name, content, _) in enumerate(REFUSED.values()):
        (extract / f"{number}_{name}").write_bytes(content)
    report = check_study(load_study(folder), say=lambda _line: None)
    assert report.exit_code == 3
    for number, (name, _, rule) in enumerate(REFUSED.values()):
        assert f"admissions/{number}_{name}" in report.text
        assert any(
            line.startswith(f"admissions/{number}_{name}") and f" was refused: {rule}: " in line and "; do: " in line
            for line in report.text.splitlines()
        )
    assert "admissions/link.csv was refused: path_leaves_folder: " in report.text


# Growing: left for the next run.


def test_a_file_that_is_written_to_between_two_looks_is_left_for_the_next_run(lake):
    path = lake.put("a.csv", f"{HEADER}\n{FIRST}\n")
    lake.put("z.csv", TEXT.replace("first", "z1").replace("second", "z2").replace("third", "z3"))

    class Writing(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if "a.csv" in line:
                path.write_text(TEXT, encoding="utf-8")

    growing, good = lake.read(heard=Writing())
    assert (growing.status, growing.rows_read, growing.records) == ("growing", 0, None)
    assert (good.status, good.rows_read) == ("accepted", 3)
    assert [(delivery.status, delivery.rows_read) for delivery in lake.read()] == [("accepted", 3), ("accepted", 3)]
