"""What a delivery's name, labels and content say about it."""

from datetime import date

import pytest

from pipelines.contracts import source_contract
from pipelines.reading import Period, period_text
from pipelines.reading.identity import delivery_id_of
from pipelines.reading.names import natural_key, period_in_name, version_in_name
from pipelines.reading.periods import label_period


def test_numbers_in_names_are_ordered_as_numbers():
    names = ["part_10.csv", "Part_9.csv", "part_9_v2.csv", "part_1.csv"]
    assert sorted(names, key=natural_key) == ["part_1.csv", "Part_9.csv", "part_9_v2.csv", "part_10.csv"]


@pytest.mark.parametrize(
    ("name", "first", "last", "version"),
    [
        ("apc_2009-04.csv", "2009-04", "2009-04", 1),
        ("apc_2009-04_v3.csv.gz", "2009-04", "2009-04", 3),
        ("apc_2009-04_to_2010-03.txt", "2009-04", "2010-03", 1),
        ("a.zip/apc_2009-12_to_2010-01_V2.csv", "2009-12", "2010-01", 2),
    ],
)
def test_a_period_stands_in_the_name(name, first, last, version):
    period = Period(date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01"))
    assert (period_in_name(name), version_in_name(name)) == (period, version)


@pytest.mark.parametrize("name", ["apc.csv", "apc_2009-13.csv", "apc_2010-03_to_2009-04.csv", "2009-04_apc.csv"])
def test_a_name_without_a_period_has_none(name):
    assert period_in_name(name) is None


@pytest.mark.parametrize(
    ("fyear", "partyear", "expected"),
    [
        ("0102", "200199", "2001-04_to_2002-03"),
        ("9900", "199999", "1999-04_to_2000-03"),
        ("0910", "200904", "2009-04"),
        ("0910", "201002", "2010-02"),
    ],
)
def test_labels_of_hes_are_financial_years_and_their_months(fyear, partyear, expected):
    assert period_text(label_period(fyear, partyear)) == expected


@pytest.mark.parametrize(
    ("fyear", "partyear"), [("0103", "200199"), ("0102", "200204"), ("FYEAR", "PARTYEAR"), ("0102", "200100")]
)
def test_a_label_that_contradicts_itself_is_none(fyear, partyear):
    assert label_period(fyear, partyear) is None


def test_a_period_ends_with_the_last_day_of_its_last_month():
    assert Period(date(2008, 1, 1), date(2008, 2, 1)).last_day == date(2008, 2, 29)
    assert Period(date(2008, 12, 1), date(2008, 12, 1)).last_day == date(2008, 12, 31)
    assert list(Period(date(2008, 12, 1), date(2009, 1, 1)).months()) == [date(2008, 12, 1), date(2009, 1, 1)]


def test_a_delivery_is_known_by_content_contract_and_key():
    apc, op = source_contract("hes_apc"), source_contract("hes_op")
    ids = {delivery_id_of(s, c, k) for s in ("a" * 64, "b" * 64) for c in (apc, op) for k in ("", "0123abcd")}
    assert len(ids) == 8
    assert all(len(one) == 16 for one in ids)
    assert delivery_id_of("a" * 64, apc, "") == delivery_id_of("a" * 64, apc, "")
