"""For which months an extract holds data."""

from datetime import date, timedelta

from pipelines.contracts import source_contract
from pipelines.reading import coverage
from tests.small_extracts import APPOINTMENT, SmallLake, as_csv

WINDOW = (date(2009, 11, 15), date(2010, 6, 1))


def appointments(first: str, last: str, *, each_days: int) -> str:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = range(0, (end - start).days + 1, each_days)
    dates = [str(start + timedelta(d)) for d in days]
    return as_csv([{**APPOINTMENT, "ATTENDKEY": day, "APPTDATE": day} for day in dates])


def covered(lake: SmallLake) -> list[str]:
    found = coverage(
        lake.connection,
        extract="outpatients",
        contract=source_contract("hes_op"),
        deliveries=lake.read("outpatients"),
        window=WINDOW,
    )
    assert set(found["extract"]) <= {"outpatients"}
    return [f"{month:%Y-%m}" for month in found["month"]]


ALL = ["2009-11", "2009-12", "2010-01", "2010-02", "2010-03", "2010-04", "2010-05", "2010-06"]


def test_without_a_delivery_nothing_is_covered(lake):
    assert covered(lake) == []


def test_a_period_in_the_name_is_covered_whatever_the_file_holds(lake):
    text = appointments("2010-01-05", "2010-01-06", each_days=1)
    lake.put("op_2009-12_to_2010-02.csv", text, extract="outpatients")
    assert covered(lake) == ["2009-12", "2010-01", "2010-02"]


def test_the_labels_of_the_records_are_covered(lake):
    labelled = {**APPOINTMENT, "FYEAR": "0910", "PARTYEAR": "200999"}
    lake.put("op.csv", as_csv([labelled]), extract="outpatients")
    assert covered(lake) == ["2009-11", "2009-12", "2010-01", "2010-02", "2010-03"]


def test_months_before_the_first_and_after_the_last_record_of_a_full_file_are_not_covered(lake):
    lake.put("op.csv", appointments("2009-12-20", "2010-04-03", each_days=1), extract="outpatients")
    assert covered(lake) == ["2009-12", "2010-01", "2010-02", "2010-03", "2010-04"]


def test_a_month_without_any_record_between_full_ones_is_not_covered(lake):
    lake.put("a.csv", appointments("2009-12-01", "2010-01-31", each_days=2), extract="outpatients")
    lake.put("b.csv", appointments("2010-03-01", "2010-05-31", each_days=2), extract="outpatients")
    assert covered(lake) == ["2009-12", "2010-01", "2010-03", "2010-04", "2010-05"]


def test_a_thin_file_covers_the_whole_window(lake):
    lake.put("op.csv", appointments("2009-12-20", "2010-04-20", each_days=20), extract="outpatients")
    assert covered(lake) == ALL


def test_a_record_that_is_delivered_again_counts_once_and_where_its_last_delivery_places_it(lake):
    days = ["2009-12-01", "2009-12-08", "2010-03-01", "2010-03-08", "2010-05-01"]
    first = [{**APPOINTMENT, "ATTENDKEY": str(n), "APPTDATE": day} for n, day in enumerate(days)]
    lake.put("op_1.csv", as_csv(first), extract="outpatients")
    once = covered(lake)
    for number in range(2, 6):
        lake.put(f"op_{number}.csv", as_csv(first) + "\n" * number, extract="outpatients")
    assert covered(lake) == once == ALL
    dense = appointments("2009-11-15", "2010-04-30", each_days=1)
    moved = as_csv([{**APPOINTMENT, "ATTENDKEY": "2009-11-15", "APPTDATE": "2010-06-01"}])
    for name in ("op_1", "op_2", "op_3", "op_4", "op_5"):
        (lake.folder("outpatients") / f"{name}.csv").unlink()
    lake.put("op_1.csv", moved, extract="outpatients")
    lake.put("op_2.csv", dense, extract="outpatients")
    assert "2010-06" not in covered(lake)
