"""The design stage reads no outcome after any index date: garbling them all changes nothing that it says or keeps."""

import gzip
import io
import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from evaluation.matching import COVARIATES
from pipelines.definitions import DESIGN_JOB, build_definitions
from pipelines.demo import write_demo
from pipelines.design import design_study
from pipelines.run_log import read_runs
from pipelines.study import load_study
from tests.conftest import in_silence

DESIGNED = (
    "attrition",
    "comparison_cohort",
    "comparison_designs",
    "comparison_weights",
    "covariate_balance",
    "covariates",
    "covariates_as_at_placebo",
    "earlier_baselines",
    "expected_power",
    "implied_bias",
    "index_months",
    "matched_pairs",
    "placebo_covariates",
    "placebo_use",
    "predictive_risks",
    "unmatched_cases",
)
DATES = {"admissions": "EPISTART", "outpatients": "APPTDATE", "emergency_care": "ARRIVALDATE"}
OTHER_CODES = {"ADMIMETH": "11", "CLASSPAT": "2", "PROCODE3": "RZ9", "ATTENDED": "3", "AEATTENDCAT": "2"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("design") / "demo"
    write_demo(folder, people=60, seed=3, effects=(), dirt=False, progress=in_silence)
    return folder


@pytest.fixture(scope="module")
def demo_by_risk(demo, tmp_path_factory) -> Path:
    """The same study with weights and pairs that rest on the predictive risk."""
    folder = shutil.copytree(demo, tmp_path_factory.mktemp("risk") / "demo", ignore=shutil.ignore_patterns("output"))
    protocol = folder / "protocol.yaml"
    asked = f"comparison:\n  covariates: [predictive_risk, {', '.join(COVARIATES)}]\n  method: prognostic\n"
    protocol.write_text(protocol.read_text().replace("comparison:\n", asked))
    return folder


@pytest.fixture(scope="module")
def report(demo) -> str:
    return design_study(load_study(demo), say=in_silence)


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    with duckdb.connect(folder / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        return {name: warehouse.sql(f"from {name} order by all").pl() for name in DESIGNED}


def activity(folder: Path) -> pl.DataFrame:
    """What is counted by month but in the last one: nights there of a stay that goes on are known at its end."""
    with duckdb.connect(folder / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.sql("from activity_by_month where month_from_index < -1 order by all").pl()


def read(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    header = content.splitlines()[0].decode("cp1252")
    separator = max(",|\t", key=header.count)
    return pl.read_csv(io.BytesIO(content), separator=separator, infer_schema=False, encoding="cp1252")


def write(path: Path, frame: pl.DataFrame) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
        return
    text = frame.write_csv(separator="|" if path.suffix == ".txt" else ",").encode("cp1252")
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def days_from(folder: Path) -> pl.DataFrame:
    """The day of each person from which on nothing of theirs may be read: the last of their index dates."""
    with duckdb.connect(folder / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.sql(
            "select record_person_id as person, max(index_date) as own_day from index_dates group by all"
        ).pl()


def garble_from(folder: Path, days: pl.DataFrame, *, others_from: date) -> int:
    """Every record of activity of a person (`person`) from a day on (`own_day`, or `others_from` where there is none)
    gets other codes, and every second one is gone; how many there were.

    An episode of a stay that began before keeps its provider: elsewhere it would tell of another admission before.
    """
    garbled = 0
    for extract, column in DATES.items():
        for path in (folder / "extracts" / extract).iterdir():
            frame = read(path)
            names = {name.upper(): name for name in frame.columns}
            person = pl.col(names["PSEUDO_HESID"])
            day = frame.select(person.alias("person")).join(days, on="person", how="left", maintain_order="left")
            first = day["own_day"].fill_null(others_from).cast(pl.String)
            is_after = frame[names[column]].cast(pl.String) >= first
            began = frame[names.get("ADMIDATE", names[column])].cast(pl.String) >= first
            others = [
                pl.when(began | pl.lit(name != "PROCODE3")).then(pl.lit(code)).otherwise(names[name]).alias(names[name])
                for name, code in OTHER_CODES.items()
                if name in names
            ]
            after = frame.with_columns(others).filter(is_after).gather_every(2)
            garbled += int(is_after.sum())
            write(path, pl.concat([frame.filter(~is_after), after]))
    return garbled


def assert_records_after_change_nothing(study, designed, report, activity_before, folder):
    """The design of a copy whose records are garbled from each person's own index date on is the same, all of it."""
    last = max(designed["index_months"]["index_date"])
    other = shutil.copytree(study, folder / "garbled", ignore=shutil.ignore_patterns("output"))
    assert garble_from(other, days_from(study), others_from=last) > 1000
    assert design_study(load_study(other), say=in_silence) == report
    found = tables(other)
    for name in DESIGNED:
        assert found[name].equals(designed[name]), name
    assert activity(other).equals(activity_before)


def test_garbling_every_record_after_a_persons_own_index_date_changes_nothing_that_the_design_says_or_keeps(
    demo, report, tmp_path
):
    designed = tables(demo)
    assert_records_after_change_nothing(demo, designed, report, activity(demo), tmp_path)


def test_a_predictive_risk_rests_on_no_record_from_a_persons_own_index_date_on(demo_by_risk, tmp_path):
    report = design_study(load_study(demo_by_risk), say=in_silence)
    designed, activity_before = tables(demo_by_risk), activity(demo_by_risk)
    risks = designed["predictive_risks"]
    assert 3 * risks["person_id"].n_unique() == risks.height > 3000
    row = designed["comparison_designs"].row(by_predicate=pl.col("population") == "all_sites", named=True)
    assert row["matching_method"] == "prognostic"
    for names in (row["weighted_covariates"], row["matched_covariates"]):
        assert names.startswith("predictive_risk_emergency_admissions, ")
    assert_records_after_change_nothing(demo_by_risk, designed, report, activity_before, tmp_path)


def test_garbling_what_lies_before_is_seen(demo, report, tmp_path):
    first = min(tables(demo)["index_months"]["index_date"])
    other = shutil.copytree(demo, tmp_path / "garbled", ignore=shutil.ignore_patterns("output"))
    nobody = days_from(demo).clear()
    garble_from(other, nobody, others_from=first.replace(year=first.year - 1))
    assert design_study(load_study(other), say=in_silence) != report


def test_the_design_stage_counts_no_month_from_the_index_date_on(demo, report):
    designed = tables(demo)
    assert set(designed["index_months"]["period"]) == {"look_back", "baseline"}
    with duckdb.connect(demo / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        assert warehouse.sql("select max(month_from_index) from activity_by_month").fetchone() == (-1,)
        assert set(warehouse.sql("select distinct period from use_by_period").pl()["period"]) == {"baseline", "earlier"}


def test_no_table_of_outcomes_is_made_in_the_design_stage(demo):
    job = build_definitions(study=load_study(demo), warehouse=dg.ResourceDefinition.none_resource()).resolve_job_def(
        DESIGN_JOB
    )
    made = {key.path[-1] for key in job.asset_layer.executable_asset_keys}
    assert set(DESIGNED) | {"deliveries"} <= made
    assert not made & {
        "person_periods",
        "person_months",
        "use_by_day",
        "survey_answers",
        "survey_estimates",
        "before_after_estimates",
        "controlled_estimates",
        "mortality_ratios",
        "event_study",
        "metric_estimates",
        "published",
    }
    assert {"no_delivery_refused", "books_balance", "pilot_people_are_linked"} <= {
        key.name for key in job.asset_layer.asset_graph.asset_check_keys
    }


def test_the_report_shows_cohort_balance_and_power_and_publishes_nothing(demo, report):
    assert "no outcome after any index date was read" in report
    for line in (
        "enrolled in a pilot",
        "of the pool that is compared",
        "matched within the caliper",
        "with a weight",
        "all_sites",
        "largest of all",
        "Implied bias",
        "Emergency admissions",
        "smallest fall found",
    ):
        assert line in report
    assert "observed after the index date" not in report
    assert not (demo / "output" / "published").exists()
    (run,) = read_runs(demo / "output")
    assert (run.status, run.inputs) == ("succeeded", "")


def test_the_gate_on_bias_is_fitted_on_use_before_the_index_date(demo, report):
    designed = tables(demo)
    bias = designed["implied_bias"].filter(pl.col("population") == "all_sites", pl.col("stage") == "before")
    assert bias["implied_bias_log_rate_ratio"].is_not_null().any()
    cases = designed["comparison_cohort"].filter("is_treated")
    assert designed["placebo_use"].join(cases, on="person_id", how="anti").height > 100
    use = designed["placebo_use"]
    with duckdb.connect(demo / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        counted = warehouse.sql(
            """select person_id, cast(sum(emergency_admissions) as bigint) as again from activity_by_month
            where month_from_index between -12 and -7 group by person_id"""
        ).pl()
    both = use.join(counted, on="person_id", how="left").with_columns(pl.col("again").fill_null(0))
    assert both["emergency_admissions"].equals(both["again"].rename("emergency_admissions"))
    assert both["emergency_admissions"].sum() > 50


def test_the_expected_power_is_that_of_the_earlier_baseline(demo, report):
    designed = tables(demo)
    power = designed["expected_power"].filter(
        pl.col("population") == "all_sites", pl.col("metric_id") == "emergency_admissions"
    )
    cases = designed["comparison_cohort"].filter("is_treated")
    earlier = designed["earlier_baselines"].join(cases, on="person_id", how="semi")
    rate = earlier["emergency_admissions"].sum() / (earlier["person_days"].sum() / 365.25)
    assert power["rate"][0] == pytest.approx(rate)
    assert power["follow_up_years"][0] == pytest.approx(0.5, abs=0.01)
    designs = designed["comparison_designs"].filter(pl.col("population") == "all_sites")
    assert power["pilot_people"][0] == designs["pilot_people"][0]
    assert power["comparison_people"][0] == pytest.approx(designs["effective_comparison_people"][0])


def test_the_expected_power_of_a_subgroup_is_of_its_own_people(demo, report):
    designed = tables(demo)
    power = designed["expected_power"].filter(
        pl.col("population") == "subgroup:age=75_and_over", pl.col("metric_id") == "emergency_admissions"
    )
    cases = designed["covariates"].filter("is_treated", pl.col("age_at_index") >= 75)
    earlier = designed["earlier_baselines"].join(cases, on="person_id", how="semi")
    assert power["rate"][0] == pytest.approx(
        earlier["emergency_admissions"].sum() / (earlier["person_days"].sum() / 365.25)
    )
    assert power["pilot_people"][0] == cases.height
