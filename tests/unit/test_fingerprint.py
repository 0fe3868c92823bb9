"""A run is skipped only if nothing it depends on has changed."""

import os

import pytest

from pipelines.fingerprint import inputs_fingerprint
from pipelines.study import load_study
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

ADMISSIONS = next(iter(FILES))


@pytest.fixture
def folder(tmp_path):
    protocol = PROTOCOL + "sites: tables/register.csv\n"
    folder = write_tiny_study(tmp_path / "study", protocol=protocol)
    (folder / "tables").mkdir()
    (folder / "tables" / "register.csv").write_text("site_id,case_management\nS1,true\n")
    return folder


def fingerprint(folder, key_id="") -> str:
    return inputs_fingerprint(load_study(folder), key_id=key_id)


def test_the_same_study_has_the_same_fingerprint(folder):
    assert fingerprint(folder) == fingerprint(folder)


def test_a_table_that_the_protocol_names_in_a_folder_of_its_own_counts(folder):
    before = fingerprint(folder)
    (folder / "tables" / "register.csv").write_text("site_id,case_management\nS1,false\n")
    assert fingerprint(folder) != before


def test_a_new_delivery_and_a_changed_one_count(folder):
    before = fingerprint(folder)
    path = folder / "extracts" / ADMISSIONS
    os.utime(path, ns=(1, 1))
    touched = fingerprint(folder)
    (path.parent / "admissions_2011-01.csv").write_text(FILES[ADMISSIONS])
    assert len({before, touched, fingerprint(folder)}) == 3


def test_the_key_counts(folder):
    assert fingerprint(folder) != fingerprint(folder, key_id="0123abcd")
