"""What a user of `icp` sees: messages, exit codes, and a published file that no failure touches."""

import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from evaluation.estimation.spending import nominal_level, spending_boundaries
from pipelines.cli import main
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

ADMISSIONS = "admissions/admissions_2010-01_to_2010-12.csv"


def icp(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "ICP_PSEUDONYM_KEY"}
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def icp_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same by its entry point in this process, which need not import everything again."""
    command, code = ["icp", *map(str, arguments)], 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        patch.setattr(sys, "argv", command)
        patch.delenv("ICP_PSEUDONYM_KEY", raising=False)
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def ask(study: Path, query: str) -> list[tuple]:
    with duckdb.connect(study / "output" / "published" / "evaluation.duckdb", read_only=True) as published:
        return published.sql(query).fetchall()


@pytest.fixture(scope="module")
def published_study(tmp_path_factory) -> Path:
    study = write_tiny_study(tmp_path_factory.mktemp("tiny") / "study")
    done = icp("run", study)
    assert done.returncode == 0, done.stderr
    assert "Published" in done.stdout
    return study


def test_the_counts_are_those_that_can_be_followed_by_eye(published_study):
    periods = ask(
        published_study,
        """select person_id, is_pilot, period, emergency_admissions, emergency_bed_days, person_days
        from person_periods order by person_id, period""",
    )
    assert periods == [
        ("A", True, "baseline", 2, 2, 181),
        ("A", True, "follow_up", 1, 1, 184),
        ("B", True, "baseline", 0, 0, 181),
        ("B", True, "follow_up", 1, 1, 184),
        ("C", False, "baseline", 1, 1, 181),
        ("C", False, "follow_up", 0, 0, 184),
    ]


def test_what_has_no_extract_is_null_and_its_metrics_are_absent(published_study):
    assert ask(published_study, "select count(outpatient_attendances), count(cost_gbp) from person_periods") == [(0, 0)]
    metrics = {metric for (metric,) in ask(published_study, "select metric_id from metric_estimates")}
    assert "emergency_admissions" in metrics
    assert not metrics & {"outpatient_attendances", "ae_attendances", "cost_gbp"}


def test_sites_that_only_enrolments_name_have_their_results(published_study):
    assert ("site:S1",) in ask(published_study, "select distinct population from metric_estimates")


def test_a_second_run_finds_nothing_new_and_leaves_the_file_as_it_is(published_study):
    link = published_study / "output" / "published" / "evaluation.duckdb"
    before = link.resolve()
    again = icp_here("run", published_study)
    assert again.returncode == 0
    assert "Nothing new" in again.stdout
    assert link.resolve() == before


def test_a_protocol_that_was_changed_after_its_first_use_is_published_as_an_amendment(published_study, tmp_path):
    study = shutil.copytree(published_study, tmp_path / "study", symlinks=True)
    assert ask(study, "from protocol_amendments") == []
    reason = "amendments:\n  - {amended_on: 2999-01-01, setting: outcomes, reason: not of that day}\n"
    changed = PROTOCOL.replace("priority: primary", "priority: secondary") + "analysis_dates: [2011-12-31]\n"
    (study / "protocol.yaml").write_text(changed + reason)
    assert icp_here("run", study).returncode == 0
    query = "select amendment_number, setting, value_before, value_after, reason from protocol_amendments"
    assert ask(study, f"{query} order by setting") == [
        (1, "analysis_dates", None, '["2011-12-31"]', None),
        (1, "outcomes.emergency_admissions.priority", "primary", "secondary", None),
    ]
    hashes = ask(study, "select distinct previous_protocol_hash, protocol_hash from protocol_amendments")
    assert hashes == [tuple(hash_ for (hash_,) in ask(study, "select protocol_hash from runs order by started_at"))]
    amended = ask(study, "select distinct metric_id from metric_estimates where caution like '%was amended on%'")
    assert amended == [("emergency_admissions",)]
    looks = "select distinct interim, nominal_level, caution like '%An interim result%' from metric_estimates"
    assert ask(published_study, looks) == [(None, None, False)]
    assert [(interim, said) for interim, _, said in ask(study, looks)] == [(True, True)]


def test_a_second_unplanned_look_pays_for_the_first(published_study, tmp_path):
    study = shutil.copytree(published_study, tmp_path / "study", symlinks=True)
    (study / "output" / "runs.jsonl").unlink()
    for day in ("2010-10-31", "2010-11-30"):
        planned = PROTOCOL.replace("data_until: 2010-12-31", f"data_until: {day}") + "analysis_dates: [2011-12-31]\n"
        (study / "protocol.yaml").write_text(planned)
        assert icp_here("run", study).returncode == 0
    asked = "select distinct nominal_level, caution like '%count too: data until 2010-10-31.%' from metric_estimates"
    ((level, is_said),) = ask(study, asked)
    # two people from 1 July for 184 days: 123 days by the end of October, 153 by the end of November
    assert level == pytest.approx(nominal_level(spending_boundaries([123 / 184, 153 / 184])[-1]))
    assert is_said


def test_results_withhold_what_rests_on_few_people(published_study):
    shown = icp("results", published_study, "--format", "csv")
    assert shown.returncode == 0
    assert "1 to 7" in shown.stdout


def test_an_unknown_population_is_refused(published_study):
    refused = icp("results", published_study, "--population", "all_site")
    assert refused.returncode == 2
    assert "did you mean: all_sites" in refused.stderr


def test_a_dry_run_says_what_is_there_and_writes_nothing(tmp_path):
    study = write_tiny_study(tmp_path / "study")
    looked = icp("run", study, "--dry-run")
    assert looked.returncode == 0
    assert "read it: new" in looked.stdout
    assert "1 to 7" in looked.stdout
    assert not (study / "output").exists()


def test_a_refused_file_ends_the_run_with_3_and_leaves_the_published_file(published_study, tmp_path):
    study = shutil.copytree(published_study, tmp_path / "study", symlinks=True)
    link = study / "output" / "published" / "evaluation.duckdb"
    before = link.resolve()
    (study / "extracts" / "admissions" / "admissions_2011-01.csv").write_text("EPIKEY,PSEUDO_HESID\n6,A\n")
    stopped = icp("run", study)
    assert stopped.returncode == 3
    assert "admissions/admissions_2011-01.csv was refused" in stopped.stderr
    assert "nothing new was published" in stopped.stderr
    assert link.resolve() == before
    assert before.parent == study / "output" / "published"
    assert icp_here("check", study).returncode == 3


def test_refused_records_are_shown_to_the_data_manager_alone(tmp_path):
    broken = "6,A,2010-13-01,2010-09-02,1,3,2010-09-01,2010-09-02,21,19,1,19,1,RXX\n7,A,2010-09-05,2010-09-02,1,3\n"
    study = write_tiny_study(tmp_path / "study", files={ADMISSIONS: FILES[ADMISSIONS] + broken})
    assert icp_here("quarantine", study).returncode == 2
    assert icp_here("run", study).returncode == 0
    shown = icp_here("quarantine", study)
    assert shown.stdout.startswith("SENSITIVE")
    assert "impossible_date" in shown.stdout
    assert "2010-13-01" in shown.stdout
    assert "wrong_field_count" in shown.stdout
    assert "1 to 7 records quarantined" in shown.stdout
    assert ask(study, "select sum(records_quarantined) from record_quality") == [(2,)]
    (delivery,) = ask(study, "select delivery_id from deliveries where extract = 'admissions'")
    assert "impossible_date" in icp_here("quarantine", study, "--delivery", *delivery).stdout
    refused = icp_here("quarantine", study, "--delivery", "nothing")
    assert refused.returncode == 2
    assert "no such delivery" in refused.stderr


def test_nobody_linked_ends_the_run_with_3(tmp_path):
    strangers = "PSEUDO_HESID,SITE,INDEX_DATE\nX,S1,2010-07-01\n"
    stopped = icp_here("run", write_tiny_study(tmp_path / "study", files={"enrolments/enrolments.csv": strangers}))
    assert stopped.returncode == 3
    assert "no enrolled person stands in the population" in stopped.stderr


def test_without_comparison_people_the_change_is_uncontrolled_only(tmp_path):
    people = FILES["population/population.csv"].replace("C,1932-01-01,2\n", "")
    study = write_tiny_study(tmp_path / "study", files={"population/population.csv": people})
    assert icp_here("run", study).returncode == 0
    assert ask(study, "select distinct design, is_default from metric_estimates") == [("uncontrolled", True)]
    assert ask(study, "select * from sensitivity_estimates") == ask(study, "select * from robustness") == []


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (PROTOCOL.replace("emergency_admissions", "emergency_admision"), "did you mean: emergency_admissions"),
        (PROTOCOL.replace("emergency_admissions", "ae_attendances"), "needs the extract emergency_care"),
        (PROTOCOL + "seed: 1\n", "seed is not a known setting"),
    ],
)
def test_a_protocol_that_cannot_be_run_ends_with_2_and_says_why(tmp_path, protocol, message):
    refused = icp("run", write_tiny_study(tmp_path / "study", protocol=protocol))
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_init_makes_a_study_that_check_understands_and_finds_empty(tmp_path):
    made = icp("init", tmp_path / "new")
    assert made.returncode == 0
    checked = icp("check", tmp_path / "new")
    assert checked.returncode == 2
    assert "extracts/admissions: no delivery yet" in checked.stderr
    assert "population is required" in checked.stderr
    assert icp("init", tmp_path / "new").returncode == 2


def test_an_outcome_whose_extract_was_never_delivered_ends_the_run_with_2(tmp_path):
    protocol = PROTOCOL.replace("  population:", "  emergency_care: {contract: hes_ae}\n  population:").replace(
        "metric: emergency_admissions", "metric: ae_attendances"
    )
    study = write_tiny_study(tmp_path / "study", protocol=protocol, files={"emergency_care/empty.csv": None})
    refused = icp_here("run", study)
    assert refused.returncode == 2
    assert "emergency_care is needed by the outcome ae_attendances" in refused.stderr


def test_an_unknown_command_ends_with_2():
    assert icp("runn", "somewhere").returncode == 2
