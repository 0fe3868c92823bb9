"""The reader's own rules: ids that never change, what each expects, and what to do when it fails.

Rules about two columns of one record are declared in the source contracts (`record_rules`), with their meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.contracts import Contract


@dataclass(frozen=True)
class Rule:
    """What a rule expects, and what to do about what fails it: two half sentences, without any value."""

    expected: str
    advice: str

    def told(self, rule_id: str) -> str:
        """The message of whatever failed this rule, the same wherever it is shown."""
        return f"{rule_id}: expected: {self.expected}; do: {self.advice}"


_SEND_AGAIN = "ask the supplier to send it again"
_CORRECT = "ask the supplier to correct the record and to deliver the file again"
_MAP = "ask the supplier what it means and to deliver a known code, or extend the contract"
_NOTHING = "nothing; many of them are worth a word to the supplier"

REFUSED_FILES: Mapping[str, Rule] = {
    "file_unreadable": Rule("a file that this user may open", "look at its permissions and at those of its folder"),
    "file_name_undecodable": Rule("a file name in UTF-8", "rename the file"),
    "not_a_file": Rule("files directly in the extract's folder", "move them out of the folder, or take it away"),
    "path_leaves_folder": Rule(
        "a file that lies in the extract's folder", "copy the file here instead of linking to it"
    ),
    "path_leaves_archive": Rule(
        "members with a path inside the archive", "ask the supplier for an archive of plain files"
    ),
    "unknown_file_type": Rule("csv, txt, gz, zip, Parquet or xlsx", "export the data as one of these"),
    "misnamed_file": Rule("text under the name of a text file", "give the file the extension of what it is"),
    "empty_file": Rule("a header and records", _SEND_AGAIN),
    "no_records": Rule("records below the header", "ask the supplier whether there is nothing to send"),
    "archive_broken": Rule("an archive that opens and passes its checksums", _SEND_AGAIN),
    "archive_empty": Rule("an archive with a delivery in it", _SEND_AGAIN),
    "archive_encrypted": Rule("an archive without a password", "ask for it unencrypted through a secure channel"),
    "archive_nested": Rule("plain files in an archive", "unpack the inner archive and put its files here"),
    "archive_too_large": Rule(
        "content of at most 200 times the archive's size and 20 GB", "send it unpacked if it is what it should be"
    ),
    "parquet_unreadable": Rule("a whole Parquet file", _SEND_AGAIN),
    "spreadsheet_unreadable": Rule("a whole spreadsheet without a password", "send it as csv"),
    "spreadsheet_too_large": Rule(
        "a spreadsheet of at most 50 million cells, counted to the last one, and 1 GB, 200 times its packed size",
        "send it as csv",
    ),
    "spreadsheet_several_sheets": Rule("one sheet with data", "send each sheet as its own file"),
    "encoding_broken": Rule("UTF-8, or UTF-16 throughout", "ask for UTF-8"),
    "records_unreadable": Rule(
        "one record a line, cells parted by comma, pipe or tab", "open the file, look at its form"
    ),
    "header_missing": Rule(
        "the contract's column names in the first line",
        "put a header line first, or move the file to its own folder if it belongs to another data set",
    ),
    "header_broken": Rule("every quote in the header closed in its name", _SEND_AGAIN),
    "required_column_missing": Rule(
        "every required column of the contract",
        "ask the supplier for it, or move the file to its own folder if it belongs to another data set",
    ),
    "column_repeated": Rule("each of the contract's columns once", "take one of the two out or rename it"),
    "nhs_numbers_as_pseudonyms": Rule(
        "pseudonyms in this column, NHS numbers in one named NHSNO only",
        "name the column NHSNO and set ICP_PSEUDONYM_KEY, or ask for pseudonyms; those of ten digits need a letter",
    ),
    "overlapping_periods": Rule("periods that are equal or apart", "take one of the two files out"),
}
BROKEN_RECORDS: Mapping[str, Rule] = {
    "wrong_field_count": Rule("as many cells as the header has", _CORRECT),
    "truncated_last_line": Rule("a last line with all its cells", "ask the supplier for the whole file"),
    "undecodable_row": Rule("UTF-8 or Windows text (cp1252)", "ask the supplier to export the file as UTF-8"),
    "unclosed_quote": Rule("every quote closed in its record", _CORRECT),
    "record_too_long": Rule("records of at most 400,000 characters", _CORRECT),
    "repeated_header": Rule("a header in the first line only", "nothing, if several files were joined into one"),
}
BAD_VALUES: Mapping[str, Rule] = {
    "missing_person": Rule("an identifier of the person", _CORRECT),
    "malformed_person": Rule("a pseudonym of at most 64 characters without blanks", _CORRECT),
    "nhs_number_not_numeric": Rule("an NHS number of digits", _CORRECT),
    "nhs_number_wrong_length": Rule("an NHS number of ten digits", _CORRECT),
    "nhs_number_equal_digits": Rule("an NHS number, not ten equal digits", _CORRECT),
    "nhs_number_wrong_check_digit": Rule("an NHS number whose tenth digit is its check digit", _CORRECT),
    "missing_value": Rule("a value in a column that places the record", _CORRECT),
    "impossible_date": Rule("a day of the calendar from 1850 to 2199", _CORRECT),
    "sentinel_date": Rule("a date, or nothing (1800-01-01, 1801-01-01 and 1582-10-15 stand for none)", _CORRECT),
    "future_date": Rule("a date up to the later of data_until and the end of the file's period", _CORRECT),
    "unknown_code": Rule("one of the codes of the contract", _MAP),
    "malformed_code": Rule("a code of the contract's form", _MAP),
    "not_a_number": Rule("a number", _CORRECT),
    "out_of_range": Rule("a number within the contract's bounds", _CORRECT),
    "impossible_time": Rule("a time from 0000 to 2359", _CORRECT),
}
REPAIRS: Mapping[str, Rule] = {
    "outer_blanks": Rule("no blanks around a value", _NOTHING),
    "newline_in_field": Rule("no line break in a value", _NOTHING),
    "blanks_in_number": Rule("ten digits without blanks or hyphens", _NOTHING),
    "padded_code": Rule("a code without blanks around it", _NOTHING),
    "lower_case_code": Rule("a code in upper case", _NOTHING),
    "dotted_code": Rule("a diagnosis or procedure code without its dot", _NOTHING),
    "date_format": Rule("a date as yyyy-mm-dd; dd/mm/yyyy, yyyymmdd and a time behind it are understood", _NOTHING),
    "time_format": Rule("a time as HHMM", _NOTHING),
    "whole_number": Rule("a whole number without decimals", _NOTHING),
    "number_format": Rule("a whole number without leading zeros or a sign", _NOTHING),
    "infant_age": Rule("age 0 for infants, whom 7001 to 7007 stand for", _NOTHING),
    "cp1252_line": Rule("UTF-8; the line was read as Windows text (cp1252)", "ask the supplier to export UTF-8"),
}
DECLARED_ADVICE = "ask the supplier which of the two columns is right and to deliver the file again"


def record_rule(rule_id: str, contract: Contract) -> Rule:
    """What a rule about a record or a value expects, whether the reader brings it or the contract declares it.

    Raises KeyError for an id that neither knows.
    """
    declared = {rule["id"]: Rule(rule["meaning"], DECLARED_ADVICE) for rule in contract.options.get("record_rules", [])}
    return {**BROKEN_RECORDS, **BAD_VALUES, **REPAIRS, **declared}[rule_id]
