"""No valid NHS number is stored, whatever its column is called: not in the quarantine, not as somebody's pseudonym."""

import hashlib

import nhs_number
import pytest

from pipelines.reading.rules import REFUSED_FILES
from pipelines.reading.withholding import WITHHELD, is_nhs_number, without_numbers
from tests.small_extracts import EPISODE, as_csv
from tests.three_records import three

NUMBER = "9434765919"
NUMBERS = [n for n in map(str, range(9434765000, 9434766500)) if nhs_number.is_valid(n)][:100]
WRONG = [n for n in map(str, range(9434767000, 9434769000)) if not nhs_number.is_valid(n)][:100]


def pseudonyms_of(*numbers: str) -> str:
    return as_csv([{**EPISODE, "EPIKEY": f"k{place}", "PSEUDO_HESID": n} for place, n in enumerate(numbers)])


@pytest.mark.parametrize("written", [NUMBER, "943 476 5919", "943-476-5919", f"number{NUMBER}"])
def test_a_broken_line_of_a_file_with_pseudonyms_loses_the_numbers_of_its_other_columns_and_nothing_else(lake, written):
    first, second, third = ({**record, "NHS_NUMBER": written} for record in three("admissions", {}))
    header, one, two, three_ = as_csv([first, second, third]).splitlines()
    lake.put("a.csv", "\n".join([header, one, f"{two},1234567890", three_, ""]))
    (delivery,) = lake.read()
    kept = f"{two},1234567890".replace(written.removeprefix("number"), WITHHELD)
    assert lake.quarantined(delivery, "rule_id, original_text") == [("wrong_field_count", kept)]


def test_a_number_in_the_column_that_fails_is_withheld_and_other_text_of_other_records_is_kept(lake):
    changed = [{"EPISTART": f"called {NUMBER}"}, {"EPISTART": "call 1234567890"}, {"EPISTART": "soon"}]
    lake.put("a.csv", as_csv([{**EPISODE, "EPIKEY": f"{n}", **change} for n, change in enumerate(changed)]))
    (delivery,) = lake.read()
    texts = [text for (text,) in lake.quarantined(delivery, "original_text")]
    assert texts == [f"called {WITHHELD}", "call 1234567890", "soon"]


@pytest.mark.parametrize("number", [NUMBER, "9990000018", "1234567890", "3459124359", "9434765918"])
def test_a_number_is_withheld_when_the_nhs_number_package_says_that_it_is_one(number):
    assert is_nhs_number(number) == nhs_number.is_valid(number)
    shown = WITHHELD if nhs_number.is_valid(number) else number
    assert without_numbers(f"1,{number},2010-01-02", has_numbers=False) == f"1,{shown},2010-01-02"


def test_ten_digits_within_a_longer_number_are_not_withheld():
    assert without_numbers(f"1{NUMBER}", has_numbers=False) == f"1{NUMBER}"


@pytest.mark.parametrize(
    "content",
    [
        pseudonyms_of(NUMBER),
        pseudonyms_of("9990000018"),
        pseudonyms_of("943 476 5919"),
        pseudonyms_of(*NUMBERS),
        pseudonyms_of(*NUMBERS[:90], *WRONG[:5], "", "-", "9434"),
    ],
)
def test_a_pseudonym_column_of_nhs_numbers_is_refused_and_nothing_of_it_is_stored(lake, content):
    lake.put("a.csv", content)
    (delivery,) = lake.read()
    rule = REFUSED_FILES["nhs_numbers_as_pseudonyms"]
    assert delivery.reason == (
        "nhs_numbers_as_pseudonyms: its column PSEUDO_HESID holds NHS numbers; "
        f"expected: {rule.expected}; do: {rule.advice}"
    )
    assert [path for path in (lake.root / "lake").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "content",
    [
        pseudonyms_of("Ab1", "Ab2"),
        pseudonyms_of(*(hashlib.md5(n.encode()).hexdigest() for n in NUMBERS)),
        pseudonyms_of(*NUMBERS[:9], *WRONG[:90]),
        pseudonyms_of(*NUMBERS[:50], *(f"P{n}" for n in NUMBERS[:50])),
        pseudonyms_of("94347659190", "94347659191"),
    ],
)
def test_pseudonyms_are_read_even_if_one_in_eleven_passes_for_an_nhs_number(lake, content):
    lake.put("a.csv", content)
    (delivery,) = lake.read()
    assert (delivery.status, delivery.rows_quarantined) == ("accepted", 0)
