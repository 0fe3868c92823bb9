"""Code lists are checked when they are read, and say where they come from."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.code_lists import code_lists_frame, load_code_lists
from pipelines.errors import StudyError

GOOD = """
name: colours
version: v1
source: a paint shop
verified: false
description: Colours.
columns: [code, label, is_warm]
rows:
  - ["01", Red, true]
  - ["02", Blue, false]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "colours.yaml").write_text(text, encoding="utf-8")
    return folder


def test_codes_keep_their_leading_zeros_and_flags_their_type(tmp_path: Path) -> None:
    (colours,) = load_code_lists(written(tmp_path, GOOD))
    assert colours.table == "code_list__colours"
    assert colours.frame().equals(
        pl.DataFrame({"code": ["01", "02"], "label": ["Red", "Blue"], "is_warm": [True, False]})
    )


def test_the_register_names_version_source_and_whether_verified(tmp_path: Path) -> None:
    register = code_lists_frame(load_code_lists(written(tmp_path, GOOD)))
    assert register.rows() == [("colours", "v1", "a paint shop", False, "Colours.")]


@pytest.mark.parametrize(
    ("from_text", "to_text", "message"),
    [
        ("name: colours", "name: colors", "colours.yaml: name is colors"),
        ("verified: false", "verifed: false", "colours.yaml: verifed is not a known setting"),
        ("verified: false", "verified: perhaps", "colours.yaml: verified is missing or not true or false"),
        ("version: v1\n", "", "colours.yaml: version is missing or not text"),
        ('["02", Blue, false]', '["02", Blue]', "colours.yaml: row 1 has 2 values, not 3"),
        ('["02", Blue, false]', "[2, Blue, false]", "colours.yaml: column code mixes kinds of value"),
        ('["02", Blue, false]', '["01", Red, true]', "colours.yaml: a row stands twice"),
        ('\n  - ["01", Red, true]\n  - ["02", Blue, false]', " []", "colours.yaml: no rows"),
    ],
)
def test_a_list_out_of_form_is_refused_and_the_place_is_named(
    tmp_path: Path, from_text: str, to_text: str, message: str
) -> None:
    assert from_text in GOOD
    with pytest.raises(StudyError) as refusal:
        load_code_lists(written(tmp_path, GOOD.replace(from_text, to_text)))
    assert message in str(refusal.value)


def test_the_shipped_lists_are_in_form_and_say_which_were_not_verified() -> None:
    lists = {code_list.name: code_list for code_list in load_code_lists()}
    from_memory = {"chemotherapy", "dialysis", "cancer", "obstetric", "acsc_icd_only"}
    assert from_memory <= {name for name, code_list in lists.items() if not code_list.verified}
    assert all(code_list.source and code_list.version for code_list in lists.values())


def test_codes_of_a_list_with_labels_stand_once() -> None:
    for code_list in load_code_lists():
        if code_list.columns[:2] == ("code", "label"):
            codes = code_list.frame()["code"]
            assert codes.is_unique().all(), code_list.name
