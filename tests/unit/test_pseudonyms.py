"""NHS numbers are checked, and replaced before anything is stored."""

import hashlib
import hmac
from pathlib import Path

import duckdb
import nhs_number
import pytest

from pipelines.errors import StudyError
from pipelines.reading import PseudonymKey
from pipelines.reading.pseudonym import hmac_sql, nhs_number_rule_sql
from tests.small_extracts import EPISODE, SmallLake, as_csv

KEY = PseudonymKey(b"a secret of this test")
NUMBERS = [
    "9434765919",
    "9990000018",
    "3459124359",
    "0000000000",
    "1111111111",
    "943476591",
    "94347659199",
    "94347659x9",
]


def rule_of(written: str) -> str | None:
    digits = "replace(replace(trim(written), ' ', ''), '-', '')"
    sql = f"select {nhs_number_rule_sql('written', digits)} from (select ?::varchar as written)"
    return duckdb.execute(sql, [written]).fetchone()[0]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_valid_when_the_nhs_number_package_says_so(number):
    is_valid = nhs_number.is_valid(number) and len(set(number)) > 1
    assert (rule_of(number) is None) == is_valid


def test_the_check_digit_agrees_with_the_nhs_number_package_for_many_numbers():
    numbers = "select lpad(i::varchar, 10, '0') as n from range(?, ?) t(i)"
    sql = f"select n, {nhs_number_rule_sql('n', 'n')} is null from ({numbers})"
    found = duckdb.execute(sql, [4857773450, 4857774450]).fetchall()
    assert [number for number, valid in found if valid] == [n for n, _ in found if nhs_number.is_valid(n)]


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("", "missing_person"),
        ("-", "missing_person"),
        ("94347659x9", "nhs_number_not_numeric"),
        ("943476591", "nhs_number_wrong_length"),
        ("3459124359", "nhs_number_wrong_check_digit"),
        ("2222222222", "nhs_number_equal_digits"),
        ("943 476 5919", None),
        ("943-476-5919", None),
    ],
)
def test_each_fault_of_a_number_has_its_own_rule(written, rule):
    assert rule_of(written) == rule


@pytest.mark.parametrize("secret", [b"short", b"x" * 64, b"y" * 200])
def test_the_pseudonym_is_pythons_hmac(secret):
    inner, outer = PseudonymKey(secret).pads
    found = duckdb.execute(f"select {hmac_sql('m')} from (select '9434765919' as m)", {"inner": inner, "outer": outer})
    assert found.fetchone()[0] == hmac.new(secret, b"9434765919", hashlib.sha256).hexdigest()[:32]


def test_the_key_shows_neither_in_its_text_nor_in_its_id():
    assert "secret" not in repr(KEY)
    assert len(KEY.key_id) == 8
    assert KEY.key_id != PseudonymKey(b"another").key_id


def with_numbers(*numbers: str) -> str:
    records = [{**EPISODE, "PSEUDO_HESID": number, "EPIKEY": str(key)} for key, number in enumerate(numbers)]
    return as_csv(records).replace("PSEUDO_HESID", "NHSNO")


def test_no_number_of_a_file_is_written_to_the_lake(tmp_path: Path):
    lake = SmallLake(tmp_path)
    broken_line = "1,9990000018,too short\n"
    lake.put("a.csv", with_numbers("9434765919", "943 476 5919", "3459124359") + broken_line)
    (delivery,) = lake.read(key=KEY)
    expected = hmac.new(KEY.secret, b"9434765919", hashlib.sha256).hexdigest()[:32]
    assert lake.rows("admissions", "record, person_id, repaired_fields", (delivery,)) == [
        (1, expected, None),
        (2, expected, "blanks_in_number:person_id"),
    ]
    assert lake.quarantined(delivery, "record, line, rule_id, column_name, original_text") == [
        (3, 4, "nhs_number_wrong_check_digit", "PSEUDO_HESID", None),
        (4, 5, "wrong_field_count", "*", "1,[number withheld],too short"),
    ]
    for path in (tmp_path / "lake").rglob("*"):
        if path.is_file():
            assert not [n for n in (b"9434765919", b"3459124359", b"9990000018") if n in path.read_bytes()]


def test_numbers_without_a_key_are_wrong_use(tmp_path: Path):
    lake = SmallLake(tmp_path)
    lake.put("a.csv", with_numbers("9434765919"))
    with pytest.raises(StudyError, match="no pseudonym key"):
        lake.read(key=None)


def test_another_key_makes_another_delivery_of_numbers_and_not_of_pseudonyms(tmp_path: Path):
    lake = SmallLake(tmp_path)
    lake.put("numbers.csv", with_numbers("9434765919"))
    lake.put("pseudonyms.csv", as_csv([EPISODE]))
    one, other = ({d.file_name: d.delivery_id for d in lake.read(key=PseudonymKey(k))} for k in (b"one", b"two"))
    assert one["numbers.csv"] != other["numbers.csv"]
    assert one["pseudonyms.csv"] == other["pseudonyms.csv"]
