"""A delivery that is short at its end: found, told by its rule and by every estimate from its extract, by no other."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.demo import write_demo
from pipelines.run import run_study
from pipelines.study import load_study
from tests.conftest import in_silence

LAST_DELIVERY = "extracts/outpatients/outpatients_2011-04_to_2011-06.csv"
LARGER_PROVIDER = "RZZ"
OF_OUTPATIENTS = {
    "outpatient_attendances",
    "outpatient_tele_attendances",
    "outpatient_did_not_attend",
    "cost_gbp",  # holds the attendances too
}
CAUTION = (
    "Data of outpatients: Known to be complete up to 2011-05-31 only, data are needed up to 2011-06-26: later counts "
    "may miss records."
)
CARRIED = "select metric_id, bool_or(contains(caution, $caution)), bool_and(contains(caution, $caution)) from"


def merge_all_but_four_providers(folder: Path) -> list[str]:
    """Makes one larger provider of the demo's, which have too few records each for a fall to show."""
    codes = pl.read_csv(folder / LAST_DELIVERY, infer_schema=False)["PROCODE3"].unique().sort()[4:]
    rows = "".join(f"{code},{LARGER_PROVIDER},2005-04-01\n" for code in codes)
    (folder / "provider_successions.csv").write_text(f"provider_code,successor_code,from_date\n{rows}")
    return codes.to_list()


def deliver_a_fifth_of_june(folder: Path, codes: list[str]) -> None:
    """Takes four of five appointments of June 2011 at these providers out of the last delivery."""
    delivered = pl.read_csv(folder / LAST_DELIVERY, infer_schema=False).with_row_index()
    is_theirs = pl.col("PROCODE3").is_in(codes) & pl.col("APPTDATE").str.starts_with("2011-06")
    kept = delivered.filter(~is_theirs | (pl.col("index").rank().over(is_theirs) % 5 == 0))
    kept.drop("index").write_csv(folder / LAST_DELIVERY)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was published of a demo whose last month of appointments is short at one larger provider."""
    folder = tmp_path_factory.mktemp("short") / "demo"
    write_demo(folder, people=100, seed=7, effects=(), dirt=False, progress=in_silence)
    deliver_a_fifth_of_june(folder, merge_all_but_four_providers(folder))
    study = load_study(folder)
    run_study(study, say=in_silence)
    with duckdb.connect(study.published / "evaluation.duckdb", read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def complete(published_demo) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(published_demo, read_only=True) as connection:
        yield connection


def supported(published: duckdb.DuckDBPyConnection) -> dict[str, tuple]:
    rows = published.sql("select extract, is_data_until_supported, is_number_withheld, caution from end_of_data")
    return {extract: tuple(rest) for extract, *rest in rows.fetchall()}


def verdicts(published: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    rows = published.sql(
        "select contract_id, severity, status from data_quality where rule_id = 'data_until_supported'"
    )
    return {contract: (severity, status) for contract, severity, status in rows.fetchall()}


def test_the_end_is_the_month_before_the_short_one_and_other_extracts_are_complete(short):
    found = supported(short)
    caution = CAUTION.removeprefix("Data of outpatients: ")
    assert found.pop("outpatients") == (False, True, caution)
    assert found == {
        "admissions": (True, False, None), "emergency_care": (True, False, None), "study": (False, False, caution)
    }  # fmt: skip


def test_the_rule_warns_of_that_extract_alone_and_the_run_publishes(short):
    passes = ("warning", "pass")
    assert verdicts(short) == {"hes_op": ("warning", "fail"), "hes_apc": passes, "hes_ae": passes}


@pytest.mark.parametrize("table", ["metric_estimates", "estimates_by_horizon", "sensitivity_estimates"])
def test_every_estimate_from_that_extract_carries_the_caution_and_no_other_does(short, table):
    rows = short.execute(f"{CARRIED} {table} group by metric_id", {"caution": CAUTION}).fetchall()
    shown = {metric for metric, *_ in rows}
    assert {metric for metric, some, _ in rows if some} == shown & OF_OUTPATIENTS
    assert {metric for metric, _, every in rows if every} == shown & OF_OUTPATIENTS
    assert shown - OF_OUTPATIENTS


def test_a_study_whose_data_are_complete_is_not_warned_of(complete):
    assert set(supported(complete).values()) == {(True, False, None)}
    assert set(verdicts(complete).values()) == {("warning", "pass")}
    assert complete.sql("from metric_estimates where contains(caution, 'known to be complete')").fetchall() == []
    assert complete.sql("from metric_estimates where contains(caution, 'Data of ')").fetchall() == []
