"""Broken, strange and repeated files: a clear reason or a balanced book, never a wrong count."""

import gzip
from dataclasses import replace

import pytest

from pipelines.reading import summarise_quarantine
from tests.small_extracts import APPOINTMENT, DATA_UNTIL, EPISODE, PERSON, as_csv, zipped

GOOD = as_csv([EPISODE, {**EPISODE, "EPIKEY": "2"}])
HEADER, FIRST, SECOND = GOOD.splitlines()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n \n\n", "empty"),
        ("a.csv", f"{HEADER}\n".encode(), "no record"),
        ("a.csv", f"{FIRST}\n{SECOND}\n".encode(), "names no column"),
        ("a.csv", GOOD.replace("EPISTART", "STARTED").encode(), "missing: EPISTART"),
        ("a.csv", as_csv([APPOINTMENT]).encode(), "another data set"),
        ("a.csv", GOOD.replace("SEX", "EPIKEY").encode(), "stands twice"),
        ("a.csv", zipped({"b.csv": GOOD.encode()}), "under the name of a text file"),
        ("a.csv.gz", b"\x1f\x8b\x08broken", "archive is broken"),
        ("a.csv.gz", gzip.compress(GOOD.encode())[:-9], "archive is broken"),
        ("a.csv.gz", gzip.compress(b"0" * 300_000_000), "expands"),
        ("a.zip", b"PK\x03\x04broken", "archive is broken"),
        ("a.zip", zipped({}), "no file"),
        ("a.zip", zipped({"b.zip": b"x"}), "archive in an archive"),
        ("a.zip", zipped({"../b.csv": GOOD.encode()}), "path leaves"),
        ("a.parquet", b"PAR1 no more", "not a readable Parquet"),
        ("a.xlsx", b"no sheet", "not a readable spreadsheet"),
        ("a.docx", b"text", "is not read"),
        ("a.csv", GOOD.encode("utf-16") + b"\x00\xd8", "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason_and_the_others_are_read(lake, name, content, reason):
    lake.put(name, content)
    lake.put("z.csv", GOOD)
    refused, good = lake.read()
    assert (refused.status, refused.rows_read, refused.records) == ("refused", 0, None)
    assert reason in refused.reason
    assert (good.status, good.rows_read, good.rows_quarantined) == ("accepted", 2, 0)


def test_a_link_that_leaves_the_folder_and_a_folder_are_refused(lake):
    outside = lake.put("a.csv", GOOD, extract="outside")
    (lake.folder() / "link.csv").symlink_to(outside)
    (lake.folder() / "old").mkdir()
    assert {d.file_name: d.status for d in lake.read()} == {"link.csv": "refused", "old": "refused"}


def test_unfinished_transfers_are_not_looked_at(lake):
    for name in ("a.csv.part", "b.tmp", "~$c.xlsx", ".hidden.csv"):
        lake.put(name, GOOD)
    assert lake.read() == ()


def test_an_empty_list_of_opt_outs_is_a_list(lake):
    lake.put("a.csv", "PSEUDO_HESID\n", extract="opt_outs")
    (delivery,) = lake.read("opt_outs")
    assert (delivery.status, delivery.rows_read) == ("accepted", 0)


def test_blank_lines_are_counted_and_are_no_rows(lake):
    lake.put("a.csv", f"\n{HEADER}\n\n{FIRST}\n   \n{SECOND}\n\n")
    (delivery,) = lake.read()
    assert (delivery.rows_read, delivery.rows_quarantined, delivery.lines_blank) == (2, 0, 4)


def test_blank_lines_of_a_list_with_one_column_are_no_rows(lake):
    lake.put("a.csv", "PSEUDO_HESID\nx\n\n-\ny\n", extract="opt_outs")
    (delivery,) = lake.read("opt_outs")
    assert (delivery.rows_read, delivery.rows_quarantined, delivery.lines_blank) == (3, 1, 1)
    assert lake.rows("opt_outs", "record, person_id", (delivery,)) == [(1, "x"), (3, "y")]


BROKEN = [
    ("wrong_field_count", f"{SECOND},more".encode()),
    ("wrong_field_count", b"2,Ab1,2010-01-02"),
    ("repeated_header", HEADER.encode()),
    ("undecodable_row", SECOND.replace("RXA", "R\x81A").encode("latin-1")),
    ("unclosed_quote", SECOND.replace("RXA", '"RXA').encode()),
    ("unclosed_quote", SECOND.replace("RXA", '"R"XA').encode()),
    ("record_too_long", SECOND.replace("RXA", "R" * 3_000_000).encode()),
]


@pytest.mark.parametrize(("rule", "line"), BROKEN)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_record_that_cannot_be_taken_apart_is_quarantined_and_the_file_goes_on(lake, rule, line, line_end):
    third = FIRST.replace("1", "3", 1).encode()
    lake.put("a.csv", line_end.join([HEADER.encode(), FIRST.encode(), line, third, b""]))
    (delivery,) = lake.read()
    assert (delivery.status, delivery.rows_read, delivery.rows_quarantined) == ("accepted", 3, 1)
    assert lake.rows("admissions", "record, epikey", (delivery,)) == [(1, "1"), (3, "3")]
    assert lake.quarantined(delivery, "record, line, rule_id") == [(2, 3, rule)]


def test_a_last_line_that_breaks_off_is_quarantined(lake):
    lake.put("a.csv", f"{HEADER}\n{FIRST}\n2,Ab1,2010-0")
    (delivery,) = lake.read()
    assert lake.quarantined(delivery, "record, rule_id, original_text") == [(2, "truncated_last_line", "2,Ab1,2010-0")]


def test_many_quotes_that_are_never_closed_swallow_nothing(lake):
    broken = [SECOND.replace("RXA", '"RXA')] * 3000
    lake.put("a.csv", "\n".join([HEADER, *broken, FIRST, ""]))
    (delivery,) = lake.read()
    assert (delivery.rows_read, delivery.rows_quarantined) == (3001, 3000)
    assert lake.rows("admissions", "record", (delivery,)) == [(3001,)]


def test_a_line_break_in_a_quoted_field_is_repaired_and_lines_are_those_of_the_file(lake):
    two_lines = FIRST.replace("RXA", '"RX\nA"')
    lake.put("a.csv", f'{HEADER},NOTE\n{FIRST},"a\nb"\n{SECOND},x\n{two_lines},y\n')
    (delivery,) = lake.read()
    assert delivery.rows_read == 3
    assert lake.rows("admissions", "record", (delivery,)) == [(1,), (2,)]
    assert lake.quarantined(delivery, "record, line, rule_id") == [(3, 5, "malformed_code")]


def test_a_windows_line_is_repaired(lake):
    lines = [f"{HEADER},ETHNOS", f"{FIRST},A", f"{SECOND},\x92"]
    lake.put("a.csv", "\n".join(lines).encode("latin-1"))
    (delivery,) = lake.read()
    assert lake.rows("admissions", "record, ethnos, repaired_fields", (delivery,)) == [
        (1, "A", None),
        (2, "’", "cp1252_line:record"),
    ]


def test_a_delivery_in_the_lake_is_not_read_again(lake):
    lake.put("a.csv", GOOD)
    heard: list[str] = []
    first = lake.read(heard=heard)
    assert lake.read(heard=heard) == first
    assert heard == ["reading admissions/a.csv"]


def test_a_note_without_its_files_does_not_count(lake):
    lake.put("a.csv", GOOD)
    (delivery,) = lake.read()
    delivery.records.unlink()
    assert lake.read() == (delivery,)
    assert delivery.records.is_file()


def test_a_kill_before_the_note_leaves_nothing_that_counts(lake):
    lake.put("a.csv", GOOD)
    (delivery,) = lake.read()
    delivery.records.with_suffix(".json").unlink()
    delivery.records.write_bytes(b"half a file")
    left_over = delivery.records.parent / ".aside" / "raw.parquet"
    left_over.parent.mkdir()
    left_over.write_bytes(b"half a file")
    assert lake.read() == (delivery,)
    assert lake.rows("admissions", "record", (delivery,)) == [(1,), (2,)]
    assert not left_over.exists()


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(lake):
    path = lake.put("a.csv", GOOD)

    class MoreArrives(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            path.write_text(GOOD + SECOND.replace("2", "9", 1) + "\n", encoding="utf-8")

    (delivery,) = lake.read(heard=MoreArrives())
    assert (delivery.status, delivery.records, delivery.rows_read) == ("growing", None, 0)
    assert not list((lake.root / "lake").rglob("*.json"))
    (delivery,) = lake.read()
    assert (delivery.status, delivery.rows_read) == ("accepted", 3)


def test_a_later_end_of_data_reads_again_only_what_it_touches(lake):
    late = {**EPISODE, "EPISTART": "2011-07-09", "EPIEND": "2011-07-31", "DISDATE": "2011-07-31"}
    lake.put("early.csv", GOOD)
    lake.put("late.csv", as_csv([late]))
    quarantined = [[d.rows_quarantined for d in lake.read()]]
    heard: list[str] = []
    quarantined.append([d.rows_quarantined for d in lake.read(data_until=DATA_UNTIL.replace(year=2012), heard=heard)])
    quarantined.append([d.rows_quarantined for d in lake.read(heard=heard)])
    assert quarantined == [[0, 1], [0, 0], [0, 1]]
    assert heard == ["reading admissions/late.csv"] * 2


def test_two_files_with_the_same_content_are_one_delivery(lake):
    lake.put("a.csv", GOOD)
    lake.put("b.csv", GOOD)
    first, second = lake.read()
    assert (first.status, second.status) == ("accepted", "duplicate_file")
    assert first.delivery_id == second.delivery_id
    assert len(lake.rows("admissions", "record", (first, second))) == 2


def test_refused_records_are_counted_by_rule_and_column(lake):
    lake.put("a.csv", as_csv([EPISODE, {**EPISODE, "EPIKEY": ""}, {**EPISODE, "EPIKEY": "-"}]) + "x\n")
    deliveries = lake.read()
    counted = summarise_quarantine(lake.connection, deliveries).drop("delivery_id").rows()
    assert counted == [("missing_value", "EPIKEY", 2), ("wrong_field_count", "*", 1)]
    assert summarise_quarantine(lake.connection, [replace(d, status="duplicate_file") for d in deliveries]).is_empty()


def test_ignored_columns_are_listed(lake):
    lake.put("a.csv", as_csv([{**EPISODE, "SPELDUR": "3", "note": "x"}]))
    assert lake.read()[0].ignored_columns == ("SPELDUR", "NOTE")


def test_an_extract_without_any_file_has_an_empty_view_with_all_columns(lake):
    assert lake.rows("population", "person_id, dob, care_home, delivery_id, record", ()) == []
    lake.put("a.csv", as_csv([PERSON]), extract="population")
    assert len(lake.rows("population", "*", lake.read("population"))) == 1
