"""Three records of an extract of which the first and the last are good: what becomes of the one between them."""

from collections.abc import Mapping

import polars as pl

from pipelines.contracts import source_contract
from pipelines.reading import Delivery
from pipelines.reading.rules import record_rule
from pipelines.rules_docs import rules_page
from tests.small_extracts import APPOINTMENT, ATTENDANCE, CONTRACTS, EPISODE, KEY, PERSON, Record, SmallLake

ENROLMENT = {"PSEUDO_HESID": "Ab1", "SITE": "S1", "INDEX_DATE": "2010-01-02", "END_DATE": "2010-05-02"}
ANSWERS = {"STAFF_ID": "s1", "WAVE": "1", "SITE": "S1"}
GOOD: Mapping[str, tuple[str, Record]] = {
    "admissions": ("EPIKEY", EPISODE),
    "outpatients": ("ATTENDKEY", APPOINTMENT),
    "emergency_care": ("AEKEY", ATTENDANCE),
    "population": ("PSEUDO_HESID", {**PERSON, "DATE_OF_DEATH": "", "REG_START": "", "CARE_HOME": ""}),
    "enrolments": ("PSEUDO_HESID", ENROLMENT),
    "opt_outs": ("PSEUDO_HESID", {"PSEUDO_HESID": "Ab1"}),
    "patient_survey": ("STAFF_ID", ANSWERS),
}


def three(extract: str, changes: Mapping[str, str]) -> list[Record]:
    """A good record, one with changes, another good one."""
    key, good = GOOD[extract]
    return [{**good, key: "first"}, {**good, key: "second", **changes}, {**good, key: "third"}]


def second_of(lake: SmallLake, extract: str, content: str | bytes, *, name: str = "a.csv") -> tuple[Delivery, bool]:
    """Read a file of three records of which the first and the third are good; whether the second was accepted."""
    lake.put(name, content, extract=extract)
    (delivery,) = lake.read(extract, key=KEY)
    assert (delivery.status, delivery.rows_read) == ("accepted", 3)
    accepted = pl.read_parquet(delivery.records)
    assert set(accepted.filter(pl.col("record") != 2)["record"]) == {1, 3}
    assert accepted.filter(pl.col("record") != 2)["nulled_fields"].is_null().all()
    return delivery, delivery.rows_quarantined == 0


def assert_has_a_message(rule: str, extract: str) -> None:
    """The rule's message names it, what was expected and what to do; the page of the rules says the same of it."""
    text = record_rule(rule, source_contract(CONTRACTS[extract]))
    assert text.told(rule) == f"{rule}: expected: {text.expected}; do: {text.advice}"
    listed = [line for line in rules_page().splitlines() if line.startswith(f"| `{rule}` | ")]
    cells = [tuple(cell.strip() for cell in line.split("|")[2:4]) for line in listed]
    assert (text.expected, text.advice) in cells
