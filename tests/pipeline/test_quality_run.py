"""Quality of a whole run: planted faults are found, published and kept, and stop a run where they must."""

import shutil

import duckdb
import pytest

from pipelines.checking import check_study
from pipelines.errors import DataQualityError
from pipelines.quality.history import read_quality
from pipelines.run import run_study
from pipelines.run_log import read_runs
from pipelines.study import load_study
from tests.alert_channels import problems_of_study, run_telling
from tests.tiny_study import write_tiny_study

MARK = "Zebra"
PROTOCOL = """
study: tiny
synthetic: false
extracts:
  admissions: {contract: hes_apc}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2030-12-31}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""
HEADER = (
    "EPIKEY,PSEUDO_HESID,EPISTART,EPIEND,EPIORDER,EPISTAT,ADMIDATE,DISDATE,ADMIMETH,ADMISORC,DISMETH,DISDEST,"
    "CLASSPAT,PROCODE3,SEX"
)


def month(number, people, *, unreadable=0, sex="1", ago="2010"):
    """A delivery of one month: an admission a person; of the last records the date cannot be read."""
    lines = [HEADER]
    for person in range(people):
        day = f"{ago}-{number:02}-{person % 27 + 1:02}"
        start = f"{MARK}{person}" if person >= people - unreadable else day
        lines.append(f"{number}x{person},P{person},{start},{day},1,3,{day},{day},21,19,1,19,1,RXX,{sex}")
    return "\n".join(lines) + "\n"


def files(**changed):
    """Four months of which the last is small; one enrolled person is unknown, one site is not registered."""
    counts = {1: 120, 2: 120, 3: 120, 4: 60}
    return {
        "admissions/admissions_2010-01_to_2010-12.csv": None,
        **{f"admissions/admissions_2010-0{number}.csv": month(number, people) for number, people in counts.items()},
        "population/population.csv": "PSEUDO_HESID,DOB,SEX\n" + "".join(f"P{i},1930-01-01,1\n" for i in range(100)),
        "enrolments/enrolments.csv": f"PSEUDO_HESID,SITE,INDEX_DATE\nP1,S1,2010-03-01\n{MARK},{MARK},2010-03-01\n",
        **changed,
    }


FEW = "1 to 7 of 1 to 7 rows (too few rows for a share)"
CONTROL_TOTALS = """extract,provider_code,month,admissions_or_rows
admissions,RXX,2010-01,120
admissions,RXX,2010-02,200
"""


def in_silence(_line):
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The file that alerts go to."""
    return tmp_path_factory.mktemp("alerts") / "told.txt"


@pytest.fixture(scope="module")
def ran(tmp_path_factory, told):
    """A study with planted faults that no error rule stops, run once; its folder and study."""
    root = write_tiny_study(tmp_path_factory.mktemp("quality") / "study", protocol=PROTOCOL, files=files())
    (root / "sites.csv").write_text("site_id\nS1\n", encoding="utf-8")
    (root / "control_totals.csv").write_text(CONTROL_TOTALS, encoding="utf-8")
    study = load_study(root)
    run_telling(study, told)
    return study


def outcomes(study):
    """Of the last run: status, rows evaluated, rows failed by contract, rule and column."""
    quality = read_quality(study.output)
    last = quality.filter(run_id=read_runs(study.output)[-1].run_id)
    return {
        (row["contract_id"], row["rule_id"], row["column_name"]): (
            row["status"], row["evaluated_rows"], row["failed_rows"],
        )
        for row in last.iter_rows(named=True)
    }  # fmt: skip


def test_planted_faults_are_found_with_their_counts(ran):
    found = outcomes(ran)
    assert found["hes_apc", "delivery_volume", "*"] == ("fail", 1, 1)
    assert found["hes_apc", "provider_month_complete", "*"][0] == "pass"
    assert found["hes_apc", "control_total_agrees", "*"] == ("fail", 2, 1)
    assert found["hes_apc", "person_known", "*"] == ("fail", 420, 60)
    assert found["pilot_enrolment", "person_known", "*"] == ("fail", 2, 1)
    assert found["pilot_enrolment", "site_known", "*"] == ("fail", 2, 1)
    assert found["hes_apc", "extract_fresh", "*"] == ("pass", 1, 0)
    assert found["hes_apc", "quarantine_rate", "*"] == ("pass", 120, 0)
    assert found["hes_apc", "unique_key", "epikey"] == ("pass", 420, 0)


@pytest.mark.parametrize(
    ("contract", "rule", "table", "amount"),
    [
        ("hes_apc", "delivery_volume", "delivery_volumes", FEW),
        ("hes_apc", "control_total_agrees", "control_total_differences", FEW),
        ("hes_apc", "person_known", "record_references", "60 of 420 rows (14.3%)"),
        ("pilot_enrolment", "person_known", "record_references", FEW),
        ("pilot_enrolment", "site_known", "record_references", FEW),
    ],
)
def test_a_planted_fault_has_an_alert_of_its_own(ran, told, contract, rule, table, amount):
    problem = problems_of_study(ran)[f"quality:{contract}:{rule}:table"]
    assert (problem["kind"], problem["severity"]) == ("quality", "warning")
    where = f"Rule: {rule} (warning)\nWhere: {contract}, table {table}\nHow much: {amount}; allowed: "
    assert told.read_text().count(where) == 1
    assert MARK not in told.read_text()


def test_optional_columns_that_were_not_delivered_and_small_samples_are_not_evaluated(ran):
    found = outcomes(ran)
    assert found["hes_apc", "not_null", "lsoa11"] == ("not_evaluated", 0, 0)
    assert found["hes_apc", "coding_depth_by_arm", "*"] == ("not_evaluated", 0, 0)
    assert found["population", "delivery_volume", "*"] == ("not_evaluated", 0, 0)
    assert found["hes_apc", "not_null", "sex"] == ("pass", 420, 0)


def test_analysts_get_the_outcomes_as_a_view_over_counts_and_limits(ran):
    with duckdb.connect(ran.published / "evaluation.duckdb", read_only=True) as published:
        published_status = "select contract_id, rule_id, column_name, status, evaluated_rows, failed_rows"
        found = published.execute(f"{published_status} from data_quality").fetchall()
        views = published.execute("select view_name from duckdb_views() where not internal").fetchall()
        comment = published.execute("select comment from duckdb_views() where view_name = 'data_quality'").fetchone()
    assert {tuple(row[:3]): tuple(row[3:]) for row in found} == outcomes(ran)
    assert ("data_quality",) in views
    assert "judged by the limits of today" in comment[0]


def test_a_rule_that_is_an_error_stops_the_run_and_the_published_file_stays(ran, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(ran.root, root, symlinks=True)
    before = (root / "output" / "published" / "evaluation.duckdb").readlink()
    (root / "extracts" / "admissions" / "admissions_2010-05.csv").write_text(
        month(5, 120, unreadable=12), encoding="utf-8"
    )
    study, told = load_study(root), tmp_path / "told.txt"
    with pytest.raises(DataQualityError) as stopped:
        run_telling(study, told)
    assert stopped.value.exit_code == 3
    assert stopped.value.hints == (
        "hes_apc: delivery_rates: quarantine_rate fails: 12 of 120, share 10.0%, at most 5.0% allowed",
    )
    assert (root / "output" / "published" / "evaluation.duckdb").readlink() == before
    assert outcomes(study)["hes_apc", "quarantine_rate", "*"] == ("fail", 120, 12)
    assert read_quality(study.output)["run_id"].n_unique() == 2
    problem = problems_of_study(study)["quality:hes_apc:quarantine_rate:table"]
    assert (problem["kind"], problem["severity"]) == ("quality", "error")
    where = "Rule: quarantine_rate (error)\nWhere: hes_apc, table delivery_rates\n"
    assert told.read_text().count(f"{where}How much: 12 of 120 rows (10.0%); allowed: 5%") == 1
    assert MARK not in told.read_text()
    assert not [path for path in _written(study) if MARK.encode() in path.read_bytes()]


def test_a_look_before_the_run_says_which_rule_would_stop_it_and_which_the_run_alone_evaluates(tmp_path):
    unreadable = {"admissions/admissions_2010-05.csv": month(5, 120, unreadable=60)}
    study = load_study(write_tiny_study(tmp_path / "study", protocol=PROTOCOL, files=files(**unreadable)))
    report = check_study(study, say=in_silence)
    *_, rule, volume, stop, left = report.text.splitlines()
    assert report.exit_code == 3
    assert rule.startswith("ERROR: hes_apc: delivery_rates: quarantine_rate fails: ")
    assert rule.endswith("share 50.0%, at most 5.0% allowed")
    assert volume.startswith("warning: hes_apc: delivery_volumes: delivery_volume fails: ")
    assert stop == "a run would stop: a rule of severity error fails"
    assert left == (
        "evaluated in a run only, on the joined tables: coding_depth_by_arm, continuous_spells_agree, "
        "control_total_agrees, data_until_supported, extract_fresh, person_known, provider_month_complete, "
        "provider_month_filled, site_known"
    )
    assert not study.output.exists()
    with pytest.raises(DataQualityError) as stopped:
        run_study(study, say=in_silence)
    assert stopped.value.hints == (rule.removeprefix("ERROR: "),)


def test_a_look_before_the_run_lets_a_warning_pass(ran):
    report = check_study(ran, say=in_silence)
    assert report.exit_code == 0
    assert "warning: hes_apc: delivery_volumes: delivery_volume fails" in report.text
    assert "nothing found here would stop a run" in report.text


def _written(study):
    """Everything of the output that a run shows to others: neither the lake nor the analysts' tables of people."""
    shown = [study.output / name for name in ("quality", "dagster", "alerts.json", "runs.jsonl")]
    return [path for top in shown for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]
