"""Which deliveries count, whatever order they arrived in."""

from datetime import date, datetime
from itertools import permutations
from pathlib import Path

import pytest

from pipelines.errors import StudyError
from pipelines.reading import Delivery, require_one_person_column, resolve
from pipelines.reading.names import period_in_name, version_in_name


def delivery(name: str, content: str = "", **changes: object) -> Delivery:
    values = {
        "delivery_id": f"id of {content or name}",
        "extract": "admissions",
        "file_name": name,
        "sha256": content or name,
        "received_at": datetime(2011, 7, 1),  # noqa: DTZ001
        "status": "accepted",
        "contract_id": "hes_apc",
        "contract_version": "1.0.0",
        "period": period_in_name(name),
        "version": version_in_name(name),
        "records": Path(f"{name}.parquet"),
    }
    return Delivery(**{**values, **changes})


def statuses(*deliveries: Delivery) -> dict[str, str]:
    """Status by name, the same for every order of arrival."""
    found = {tuple((d.file_name, d.status) for d in resolve(order)) for order in permutations(deliveries)}
    assert len(found) == 1
    return dict(found.pop())


def test_deliveries_without_a_period_all_count_in_natural_order():
    ten, nine = resolve([delivery("b_10.csv"), delivery("b_9.csv")])[::-1]
    assert (nine.file_name, nine.position, ten.position) == ("b_9.csv", 1, 2)
    assert {nine.status, ten.status} == {"accepted"}


def test_a_later_version_replaces_the_whole_period():
    assert statuses(delivery("a_2010-01.csv"), delivery("z_2010-01_v2.csv"), delivery("a_2010-01_v10.csv")) == {
        "a_2010-01.csv": "superseded",
        "z_2010-01_v2.csv": "superseded",
        "a_2010-01_v10.csv": "accepted",
    }


def test_what_is_set_aside_names_the_file_that_counts_in_its_place():
    first, second = delivery("a_2010-01.csv"), delivery("b_2010-01_v2.csv")
    third, copy = delivery("c_2010-01_v3.csv", "same"), delivery("d_2010-02.csv", "same")
    reasons = {one.file_name: one.reason for one in resolve([copy, second, third, first])}
    assert reasons == {
        "a_2010-01.csv": "c_2010-01_v3.csv replaces it as a whole",
        "b_2010-01_v2.csv": "c_2010-01_v3.csv replaces it as a whole",
        "c_2010-01_v3.csv": None,
        "d_2010-02.csv": "the same content as c_2010-01_v3.csv",
    }


def test_periods_that_overlap_without_being_equal_are_refused():
    quarter, month = delivery("a_2010-01_to_2010-03.csv"), delivery("a_2010-02.csv")
    assert statuses(quarter, month, delivery("a_2010-04.csv")) == {
        "a_2010-01_to_2010-03.csv": "accepted",
        "a_2010-02.csv": "refused",
        "a_2010-04.csv": "accepted",
    }
    assert "a_2010-01_to_2010-03.csv" in resolve([quarter, month])[1].reason


def test_equal_content_counts_once():
    assert statuses(delivery("a.csv", "same"), delivery("copy of a.csv", "same"), delivery("b.csv")) == {
        "a.csv": "accepted",
        "b.csv": "accepted",
        "copy of a.csv": "duplicate_file",
    }


def test_a_version_that_goes_back_to_earlier_content_counts():
    assert statuses(
        delivery("a_2010-01_v1.csv", "old"), delivery("a_2010-01_v2.csv", "wrong"), delivery("a_2010-01_v3.csv", "old")
    ) == {"a_2010-01_v1.csv": "duplicate_file", "a_2010-01_v2.csv": "superseded", "a_2010-01_v3.csv": "accepted"}


def test_of_snapshots_the_latest_counts():
    old, new = delivery("p_2010-01.csv", is_snapshot=True), delivery("p_2010-02.csv", is_snapshot=True)
    assert statuses(old, new) == {"p_2010-01.csv": "superseded", "p_2010-02.csv": "accepted"}


def test_refused_and_growing_files_replace_nothing():
    refused = delivery("a_2010-01_v2.csv", status="refused", records=None)
    growing = delivery("a_2010-01_v3.csv", status="growing", records=None)
    assert statuses(delivery("a_2010-01.csv"), refused, growing)["a_2010-01.csv"] == "accepted"


def test_extracts_do_not_touch_each_other():
    one = delivery("a_2010-01.csv", "same")
    other = delivery("a_2010-01.csv", "same", extract="outpatients")
    assert [d.status for d in resolve([one, other])] == ["accepted", "accepted"]


def test_people_named_in_two_ways_are_wrong_use():
    one = delivery("a.csv", person_column="PSEUDO_HESID")
    other = delivery("b.csv", person_column="NHSNO")
    require_one_person_column([one, one])
    with pytest.raises(StudyError, match="different columns"):
        require_one_person_column([one, other])


def test_dates_are_compared_by_month_only():
    assert delivery("a_2010-01.csv").period.last_day == date(2010, 1, 31)
