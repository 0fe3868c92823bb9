"""Is the page of rules true: does the reader do with every column what the page says, and nothing else?"""

import csv
import io
import re
from pathlib import Path

import polars as pl
import pytest

from pipelines.quality.rules import QUALITY_RULES, QualityRule
from pipelines.reading import PseudonymKey
from pipelines.reading.rules import BAD_VALUES, BROKEN_RECORDS, REFUSED_FILES, REPAIRS
from pipelines.reading.value import lake_name
from pipelines.rules_docs import extract_contracts, nulled_by, quarantined_by, repaired_by, rules_page
from tests.small_extracts import APPOINTMENT, EPISODE, PERSON, SmallLake

PAGE = rules_page()
OWN_RULES = {**REFUSED_FILES, **BROKEN_RECORDS, **BAD_VALUES, **REPAIRS}
# A full record of each extract, as it should be written.
WHOLE = {
    "admissions": {
        **EPISODE,
        **{"TRANSIT": "0", "ETHNOS": "A", "LSOA11": "E01000001", "GPPRAC": "A81001", "MAINSPEF": "300"},
        **{"TRETSPEF": "300", "HRG": "AA22A", "FYEAR": "0910", "PARTYEAR": "200999"},
    },
    "outpatients": {**APPOINTMENT, "MAINSPEF": "300", "SEX": "1", "APPTAGE": "67", "GPPRAC": "A81001"}
    | {"FYEAR": "0910", "PARTYEAR": "200999"},
    "emergency_care": {"AEKEY": "1", "PSEUDO_HESID": "Ab1", "ARRIVALDATE": "2010-01-02", "ARRIVALTIME": "0930"}
    | {"AEATTENDCAT": "1", "AEATTENDDISP": "03", "PROCODE3": "RXA", "AEDEPTTYPE": "01"}
    | {"FYEAR": "0910", "PARTYEAR": "200999"},
    "population": {**PERSON, "IMD_QUINTILE": "3", "LSOA11": "E01000001", "GPPRAC": "A81001", "AREA": "North"}
    | {"DATE_OF_DEATH": "2010-05-01", "REG_START": "2001-01-01", "REG_END": "2010-05-01", "CARE_HOME": "N"}
    | {"ETHNOS": "A"},
    "enrolments": {"PSEUDO_HESID": "Ab1", "SITE": "S1", "INDEX_DATE": "2010-01-02", "END_DATE": "2010-05-02"}
    | {"REFERRAL_DATE": "2010-01-01", "ELIGIBLE_DATE": "2010-01-01", "ROUTE": "gp", "TIER": "high", "STATUS": "open"},
    "opt_outs": {"PSEUDO_HESID": "Ab1", "NOTE": "x"},
    "patient_survey": {"PSEUDO_HESID": "Ab1", "STAFF_ID": "s1", "WAVE": "1", "SITE": "S1", "ROLE": "nurse"}
    | {"GROUP": "all", "AGE_BAND": "60-69", "DESIGN_WEIGHT": "1.5"},
}
BAD = [
    "",
    "!",
    "?!",
    "a b",
    "-1",
    "99999",
    "x",
    "1801-01-01",
    "2010-02-30",
    "2031-01-01",
    "1700-01-01",
    "2561",
    "x" * 65,
]


UNFINISHED = [{"EPISTAT": "1", "EPIEND": day, "DISDATE": ""} for day in ("1801-01-01", "2010-02-30", "2031-01-01")]
# Two columns that do not agree, and an end that does not place an unfinished episode.
TOGETHER = {
    "admissions": [
        {"EPISTART": "2010-01-01"},
        {"EPIEND": "2010-01-01", "DISDATE": ""},
        {"DISDATE": "2010-01-01"},
        *UNFINISHED,
    ],
    "population": [{"DATE_OF_DEATH": "1930-01-01"}],
    "enrolments": [{"END_DATE": "2009-12-31"}],
    "patient_survey": [{"PSEUDO_HESID": "", "NHSNO": "", "STAFF_ID": ""}],
}


def odd(written: str) -> list[str]:
    """Other ways to write a value that is as it should be, and values that it should not be."""
    day = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", written)
    return [
        *BAD,
        f" {written} ",
        f"{written}\n",
        f"{written[:1]}\n{written[1:]}",
        written.lower(),
        f"{written}.0",
        f"0{written}",
        "7001",
        f"{written[:3]}.{written[3:]}",
        f"{written[:2]}:{written[2:]}",
        *([f"{day[3]}/{day[2]}/{day[1]}"] if day else []),
    ]


def found_rules(lake: SmallLake, extract: str, person: str) -> tuple[set[tuple[str, str]], ...]:
    """What the reader quarantined, nulled and repaired by, as rule and column, over one odd cell a record."""
    whole = {(person if name == "PSEUDO_HESID" else name): value for name, value in WHOLE[extract].items()}
    if person == "NHSNO":
        whole[person] = "9990000018"
    names = list(whole)
    rows = [[*whole.values()]]
    for place, name in enumerate(names):
        odd_values = odd(whole[name]) + (["999 000 0018", "1111111111", "9990000019"] if name == "NHSNO" else [])
        rows += [[*rows[0][:place], value, *rows[0][place + 1 :]] for value in odd_values]
    rows += [[changes.get(name, value) for name, value in whole.items()] for changes in TOGETHER.get(extract, [])]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([names, *rows])
    lake.put(f"{person}.csv", buffer.getvalue(), extract=extract)
    (delivery,) = [d for d in lake.read(extract, key=PseudonymKey(b"a key for tests")) if person in d.file_name]
    assert delivery.rows_read == len(rows)
    quarantined = pl.read_parquet(delivery.quarantine).select("rule_id", "column_name").rows()
    accepted = pl.read_parquet(delivery.records)
    tokens = (
        {tuple(t.split(":")) for tokens in accepted[written].drop_nulls() for t in tokens.split(" ")}
        for written in ("nulled_fields", "repaired_fields")
    )
    return (set(quarantined), *tokens)


@pytest.mark.parametrize("extract", WHOLE)
def test_the_reader_does_with_every_column_what_the_page_says(tmp_path: Path, extract: str):
    contract = extract_contracts()["surveys" if extract == "patient_survey" else extract]
    found = [found_rules(SmallLake(tmp_path / person), extract, person) for person in ("PSEUDO_HESID", "NHSNO")]
    quarantined, nulled, repaired = (set.union(*sets) for sets in zip(*found, strict=True))
    promised = {
        what: {(rule, column.name) for column in contract.columns for rule in rules_of(contract, column)}
        for what, rules_of in (("quarantined", quarantined_by), ("nulled", nulled_by), ("repaired", repaired_by))
    }
    names = {column.name: lake_name(column) for column in contract.columns}
    in_lake = {what: {(rule, names[column]) for rule, column in rules} for what, rules in promised.items()}
    assert quarantined == promised["quarantined"]
    assert nulled == in_lake["nulled"]
    assert repaired <= in_lake["repaired"]
    assert {rule for rule, _ in in_lake["repaired"]} <= {rule for rule, _ in repaired}


def test_a_rule_has_one_id_and_an_id_one_rule():
    assert len(OWN_RULES) == len(REFUSED_FILES) + len(BROKEN_RECORDS) + len(BAD_VALUES) + len(REPAIRS)
    declared = [
        rule["id"] for contract in extract_contracts().values() for rule in contract.options.get("record_rules", [])
    ]
    assert len(set(declared)) == len(declared)
    assert set(declared).isdisjoint(OWN_RULES)
    assert [rule for rule in [*OWN_RULES, *declared] if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", rule)] == []


@pytest.mark.parametrize("rule", OWN_RULES)
def test_a_rule_stands_on_the_page_with_what_it_expects_and_what_to_do(rule: str):
    assert f"| `{rule}` | {OWN_RULES[rule].expected} | {OWN_RULES[rule].advice} |" in PAGE


def test_a_rule_of_a_contract_stands_on_the_page_with_its_meaning():
    for extract, contract in extract_contracts().items():
        for rule in contract.options.get("record_rules", []):
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{rule['id']}` | {rule['meaning']} |"))
            assert f"`{rule['column']}` in {extract}" in row


def test_a_column_that_places_only_some_records_says_which():
    assert "where `epistat = '3'`: `missing_value`" in PAGE


@pytest.mark.parametrize("rule", QUALITY_RULES.values(), ids=list(QUALITY_RULES))
def test_a_quality_rule_stands_on_the_page_in_words_and_where_it_stands(rule: QualityRule):
    row = f"| `{rule.rule_id}` | {rule.title} | {rule.dimension} | {rule.meaning} | {rule.advice} |"
    assert row in PAGE
    assert re.search(rf"^\| `\w+` \| `{rule.rule_id}` \| `\w+` \|", PAGE, re.MULTILINE)


def test_a_quality_rule_stands_on_the_page_with_severity_and_limit_of_its_contract():
    assert "| `hes_apc` | `quarantine_rate` | `delivery_rates` |  | error | 5% |" in PAGE
    assert "| `hes_apc` | `not_null` | `lake_admissions` | `ethnos` | warning | 20% |" in PAGE
