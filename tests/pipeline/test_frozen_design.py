"""After the freeze new deliveries do not match again, and nothing that the design rests on can be changed unseen."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from evaluation.estimation import NOT_FROZEN
from pipelines.cli import icp
from pipelines.demo import write_demo
from pipelines.errors import StudyError
from pipelines.run import run_study
from pipelines.study import load_study
from tests.conftest import in_silence

KEPT = ("comparison_designs", "comparison_weights", "covariate_balance", "matched_pairs", "unmatched_cases")
FROZEN = "Design frozen on "


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("frozen") / "demo"
    write_demo(folder, people=60, seed=3, effects=(), dirt=False, progress=in_silence)
    return folder


@pytest.fixture(scope="module")
def frozen(demo) -> Path:
    """A study that was designed and frozen before its first run, and has run since."""
    done = CliRunner().invoke(icp, ["freeze", str(demo), "--by", "Anna Example"])
    assert done.exit_code == 0, done.output
    assert FROZEN in done.output
    assert "by Anna Example. SHA-256 " in done.output
    (demo / "output" / "warehouse.duckdb").unlink()
    assert run_study(load_study(demo), say=in_silence).is_new
    return demo


def published(folder: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(folder / "output" / "published" / "evaluation.duckdb", read_only=True) as connection:
        return connection.sql(query).pl()


def kept(folder: Path) -> dict[str, pl.DataFrame]:
    return {name: published(folder, f"from {name} order by all") for name in KEPT}


def copied(folder: Path, target: Path, *, output: bool) -> Path:
    ignored = None if output else shutil.ignore_patterns("output")
    return shutil.copytree(folder, target, symlinks=True, ignore=ignored)


def deliver_more(folder: Path, *, opted_out: str) -> None:
    """Somebody who is compared with nobody enrols, which draws all comparison people other dates; somebody opts out."""
    extracts = folder / "extracts"
    enrolments = pl.read_csv(next((extracts / "enrolments").iterdir()), infer_schema=False)
    population = pl.read_csv(next((extracts / "population").iterdir()), infer_schema=False)
    person = enrolments.columns[0]
    query = "select comparison_person_id as person from matched_pairs union select person_id from comparison_weights"
    compared = published(folder, query)["person"]
    others = population.filter(~pl.col(person).is_in([*enrolments[person], *compared, opted_out]))
    newcomer = enrolments.head(1).with_columns(pl.lit(others[person][0]).alias(person))
    pl.concat([enrolments, newcomer]).write_csv(extracts / "enrolments" / "enrolments_2011-07.csv")
    header = next((extracts / "opt_outs").iterdir()).read_text().splitlines()
    text = "\n".join([*header, opted_out]) + "\n"
    (extracts / "opt_outs" / "opt_outs_2011-07.csv").write_text(text)


def default_effect(folder: Path) -> dict:
    query = """from metric_estimates where is_default and population = 'all_sites'
        and metric_id = 'outpatient_attendances'"""
    return published(folder, query).row(0, named=True)


def test_every_controlled_result_says_by_whom_the_design_was_frozen_and_none_that_it_was_not(frozen):
    cautions = published(
        frozen,
        "select caution from metric_estimates where design in ('weighted_cohort', 'matched_cohort', 'matched_did')",
    )["caution"]
    assert cautions.len() > 0
    assert cautions.str.contains(FROZEN + r"\d{4}-\d\d-\d\d by Anna Example\.").all()
    assert not cautions.str.contains(NOT_FROZEN, literal=True).any()


def test_new_deliveries_do_not_match_again(frozen, tmp_path):
    later = copied(frozen, tmp_path / "later", output=True)
    control = published(frozen, "select min(comparison_person_id) as person from matched_pairs")["person"][0]
    deliver_more(later, opted_out=control)
    assert run_study(load_study(later), say=in_silence).is_new
    before, after = kept(frozen), kept(later)
    for name in KEPT:
        assert after[name].equals(before[name]), name
    in_overlap = "select distinct effective_pilot_people from sensitivity_estimates where analysis = 'overlap_weights'"
    assert published(later, in_overlap).rows() == published(frozen, in_overlap).rows() != []
    dates = "select person_id, index_date from people where not is_pilot"
    moved = published(later, dates).join(published(frozen, dates), on="person_id", suffix="_before")
    paired = moved.join(before["matched_pairs"].select(person_id="comparison_person_id").unique(), on="person_id")
    assert paired.filter(pl.col("index_date") != pl.col("index_date_before")).is_empty()
    others = moved.join(paired, on="person_id", how="anti")
    assert not others.filter(pl.col("index_date") != pl.col("index_date_before")).is_empty()
    was, now = default_effect(frozen), default_effect(later)
    assert now["relative_change_pct"] == pytest.approx(was["relative_change_pct"], abs=5)
    assert now["n_pilot"] == was["n_pilot"]
    assert now["n_comparator"] <= was["n_comparator"]
    assert "People whose count is not known are left out." in now["caution"]


def enrol_from_practice_of_a_control(folder: Path) -> str:
    """Somebody in no pair enrols from the practice of a paired comparison person; who that is."""
    extracts = folder / "extracts"
    enrolments = pl.read_csv(next((extracts / "enrolments").iterdir()), infer_schema=False)
    population = pl.read_csv(next((extracts / "population").iterdir()), infer_schema=False)
    person = enrolments.columns[0]
    paired = published(folder, "select distinct comparison_person_id as person from matched_pairs")["person"]
    controls = population.filter(pl.col(person).is_in(paired.implode()))
    free = population.filter(~pl.col(person).is_in([*enrolments[person], *paired]))
    both = controls.join(free, on="GPPRAC", suffix="_of_newcomer").sort(person, f"{person}_of_newcomer")
    newcomer = enrolments.head(1).with_columns(pl.lit(both[f"{person}_of_newcomer"][0]).alias(person))
    pl.concat([enrolments, newcomer]).write_csv(extracts / "enrolments" / "enrolments_2011-07.csv")
    return str(both[person][0])


def matched_effects(folder: Path) -> pl.DataFrame:
    """Everything that the pairs of all sites say of use of hospital, but cautions and what names the run."""
    return published(
        folder,
        """select metric_id, n_pilot, n_comparator, person_years_pilot, person_years_comparator,
            pilot_baseline, comparator_baseline, change, change_low, change_high, relative_change_pct
        from metric_estimates where design = 'matched_did' and population = 'all_sites' order by metric_id""",
    )


def test_a_control_whose_practice_joins_the_pilot_later_stays_in_the_frozen_pairs(frozen, tmp_path):
    later = copied(frozen, tmp_path / "later", output=True)
    control = enrol_from_practice_of_a_control(later)
    assert run_study(load_study(later), say=in_silence).is_new
    with duckdb.connect(later / "output" / "warehouse.duckdb", read_only=True) as warehouse:
        query = f"select count(*) from comparison_cohort where person_id = '{control}'"
        assert warehouse.sql(query).fetchone() == (0,)
    was, now = matched_effects(frozen), matched_effects(later)
    assert was.height > 5
    assert was["change"].is_not_null().any()
    assert now.equals(was)


def enrol_control(folder: Path, control: str, day: date) -> None:
    """A comparison person of the frozen pairs enrols, after their index date, at the first site."""
    extracts = folder / "extracts" / "enrolments"
    enrolments = pl.read_csv(next(extracts.iterdir()), infer_schema=False)
    newcomer = enrolments.head(1).with_columns(
        pl.lit(control).alias(enrolments.columns[0]), INDEX_DATE=pl.lit(str(day))
    )
    pl.concat([enrolments, newcomer]).write_csv(extracts / "enrolments_2011-07.csv")


def test_a_control_who_enrols_after_the_freeze_keeps_the_place_and_is_followed_until_then(frozen, tmp_path):
    later = copied(frozen, tmp_path / "later", output=True)
    alive = """select person_id, people.index_date from people
        inner join matched_pairs on people.person_id = matched_pairs.comparison_person_id
        where people.date_of_death is null order by all limit 1"""
    control, index_date = published(frozen, alive).row(0)
    day = index_date + timedelta(days=40)
    enrol_control(later, control, day)
    assert run_study(load_study(later), say=in_silence).is_new
    before = f"{control} before enrolment"
    arms = f"""select person_id, is_pilot, index_date, later_enrolment_date, observed_until_date from people
        where record_person_id = '{control}' order by 1"""
    until = published(frozen, f"select observed_until_date from people where person_id = '{control}'").item()
    assert published(later, arms).rows() == [
        (control, True, day, None, until),
        (before, False, index_date, day, day),
    ]
    pairs = [
        folder_pairs["comparison_person_id"]
        for folder_pairs in (kept(frozen)["matched_pairs"], kept(later)["matched_pairs"])
    ]
    assert sorted(pairs[0].replace(control, before)) == sorted(pairs[1])
    was, now = default_effect(frozen), default_effect(later)
    assert (now["n_pilot"], now["n_comparator"]) == (was["n_pilot"], was["n_comparator"])
    days = f"select person_days from person_periods where person_id = '{before}' and period = 'follow_up'"
    assert published(later, days).item() == 40
    assert now["person_years_comparator"] < was["person_years_comparator"]
    assert "People whose count is not known are left out." not in now["caution"]


def test_without_a_freeze_the_same_deliveries_match_again(frozen, tmp_path):
    later = copied(frozen, tmp_path / "later", output=True)
    control = published(frozen, "select min(comparison_person_id) as person from matched_pairs")["person"][0]
    deliver_more(later, opted_out=control)
    shutil.rmtree(later / "output" / "frozen_design")
    assert run_study(load_study(later), say=in_silence).is_new
    assert not kept(later)["matched_pairs"].equals(kept(frozen)["matched_pairs"])
    assert NOT_FROZEN in default_effect(later)["caution"]


def test_a_frozen_run_finds_what_a_run_without_a_freeze_finds_on_the_same_data(frozen, tmp_path):
    other = copied(frozen, tmp_path / "other", output=False)
    run_study(load_study(other), say=in_silence)
    was, now = default_effect(other), default_effect(frozen)
    for name in ("relative_change_pct", "relative_low_pct", "n_pilot", "n_comparator"):
        assert now[name] == pytest.approx(was[name], rel=1e-6)


def test_a_run_on_a_tampered_or_bent_design_is_refused_and_the_published_file_stays(frozen, tmp_path):
    later = copied(frozen, tmp_path / "later", output=True)
    link = later / "output" / "published" / "evaluation.duckdb"
    was = link.resolve()
    pairs = later / "output" / "frozen_design" / "matched_pairs.parquet"
    content = pairs.read_bytes()
    pl.read_parquet(pairs).head(5).write_parquet(pairs)
    with pytest.raises(StudyError, match="not as it was when the design was frozen") as refused:
        run_study(load_study(later), say=in_silence)
    assert refused.value.exit_code == 2
    pairs.write_bytes(content)
    protocol = later / "protocol.yaml"
    protocol.write_text(protocol.read_text().replace("seed: 20090401", "seed: 20090402"))
    with pytest.raises(StudyError, match=r"comparison\.seed: changed since the design was frozen"):
        run_study(load_study(later), say=in_silence)
    assert link.resolve() == was


def test_a_second_run_finds_nothing_new_and_a_second_freeze_is_refused(frozen):
    assert not run_study(load_study(frozen), say=in_silence).is_new
    refused = CliRunner().invoke(icp, ["freeze", str(frozen), "--by", "Ben"])
    assert isinstance(refused.exception, StudyError)
    assert "--again" in str(refused.exception)


def test_the_plan_of_the_study_rests_on_its_own_people(frozen):
    shown = CliRunner().invoke(icp, ["plan", str(frozen)])
    assert shown.exit_code == 0, shown.output
    assert "Is this evaluable yet? Not yet: with 60 pilot people" in shown.output
