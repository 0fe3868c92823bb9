"""The predictive risk of the demo: whom it is fitted on and when, whom it is asked of, a design that rests on it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from evaluation.matching import COVARIATES
from evaluation.matching.draws import draws
from pipelines import predictive_risk
from pipelines.checking import check_study
from pipelines.cli import icp
from pipelines.comparison import found_design
from pipelines.demo import write_demo
from pipelines.errors import StudyError
from pipelines.predictive_risk import earlier_pool, predictive_risks
from pipelines.protocol import Protocol
from pipelines.run import run_study
from pipelines.study import load_study
from pipelines.warehouse import Warehouse
from tests.conftest import in_silence
from tests.tiny_study import FILES, PROTOCOL, write_tiny_study

OUTCOMES = ("emergency_admissions", "elective_admissions", "outpatient_attendances")
RISK = f"predictive_risk_{OUTCOMES[0]}"
PAIR = ["pilot_person_id", "comparison_person_id"]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory) -> Path:
    """A small study whose covariates and pairs rest on the risk: frozen, then run when half of a year's admissions are
    withdrawn, so that everybody's risk is another one; what the design stage had found stands beside it.
    """
    folder = tmp_path_factory.mktemp("by_risk") / "demo"
    write_demo(folder, people=60, seed=3, effects=(), dirt=False, progress=in_silence)
    protocol = folder / "protocol.yaml"
    asked = f"comparison:\n  covariates: [predictive_risk, {', '.join(COVARIATES)}]\n  method: prognostic\n"
    protocol.write_text(protocol.read_text().replace("comparison:\n", asked))
    done = CliRunner().invoke(icp, ["freeze", str(folder), "--by", "Anna Example"])
    assert done.exit_code == 0, done.output
    shutil.copy(folder / "output" / "warehouse.duckdb", folder / "designed.duckdb")
    path = folder / "extracts" / "admissions" / "admissions_2007-04_to_2008-03.csv"
    header, *lines = path.read_text(encoding="cp1252").splitlines(keepends=True)
    path.write_text("".join([header, *lines[::2]]), encoding="cp1252")
    assert run_study(load_study(folder), say=in_silence).is_new
    return folder


@pytest.fixture(scope="module")
def asking(frozen) -> Protocol:
    return load_study(frozen).protocol


@pytest.fixture
def warehouse(frozen, tmp_path) -> Iterator[Warehouse]:
    """A copy of what the run worked with."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(frozen / "output" / "warehouse.duckdb", copy)
    with Warehouse(copy) as opened:
        yield opened


def with_comparison(protocol: Protocol, **settings: object) -> Protocol:
    return protocol.model_copy(update={"comparison": protocol.comparison.model_copy(update=settings)})


def test_unless_the_protocol_asks_nothing_is_made(warehouse, asking):
    assert predictive_risks(warehouse, with_comparison(asking, covariates=COVARIATES, method="nearest")).is_empty()


def test_the_earlier_cohort_is_of_the_pool_a_year_before_their_index_date_with_six_months_that_end_before_it(
    warehouse, asking
):
    earlier = earlier_pool(warehouse, asking)
    warehouse.connection.register("earlier", earlier)
    pool, recorded, last = warehouse.connection.sql(
        """select
            count(*) filter (where comparison_pool = 'outside'),
            count(*) filter (
                where earlier.emergency_admissions = counted.emergency_admissions
                and round(earlier.person_years * 365.25) = counted.person_days
            ),
            max(counted.last_month_end_date - people.index_date)
        from earlier
        inner join comparison_cohort using (person_id)
        inner join people using (person_id)
        inner join (
            select
                person_id,
                sum(emergency_admissions) as emergency_admissions,
                sum(person_days) as person_days,
                max(cast(date_add(month_start_date, to_months(1)) as date)) as last_month_end_date
            from person_months where month_from_index between -12 and -7 group by person_id
        ) as counted using (person_id)"""
    ).fetchone()
    warehouse.connection.unregister("earlier")
    assert pool == recorded == earlier.height > 300
    assert last < -170
    assert earlier["emergency_admissions"].sum() > 30


def test_the_earlier_cohort_is_of_the_lowest_draws_among_people_of_the_cases_kind(warehouse, asking, monkeypatch):
    everybody = earlier_pool(warehouse, asking)
    monkeypatch.setattr(predictive_risk, "FEWEST_SAMPLED", 100)
    some = earlier_pool(warehouse, asking)["person_id"]
    drawn = everybody.select("person_id", draw=pl.Series(draws(everybody["person_id"], seed=asking.comparison.seed)))
    assert some.to_list() == drawn.sort("draw").head(100)["person_id"].sort().to_list()
    kinds = warehouse.connection.sql(
        """select person_id from covariates semi join comparison_cohort using (person_id)
        where not is_treated and (sex, age_band, index_month) in
            (select (sex, age_band, index_month) from covariates where is_treated)"""
    ).pl()["person_id"]
    assert len(set(kinds) - set(everybody["person_id"])) < len(set(kinds)) / 10


def test_everybody_who_may_be_compared_has_a_risk_and_pilot_people_the_higher_one(warehouse, asking):
    risks = predictive_risks(warehouse, asking)
    people = warehouse.connection.sql("select person_id, is_treated from comparison_pools order by person_id").pl()
    for metric in OUTCOMES:
        assert risks.filter(metric_id=metric)["person_id"].equals(people["person_id"])
    assert risks.height == len(OUTCOMES) * people.height
    found = risks.filter(metric_id="emergency_admissions")
    means = found.join(people, on="person_id").group_by("is_treated").agg(pl.col("predictive_risk").exp().mean())
    by_arm = dict(means.iter_rows())
    assert by_arm[True] > 1.5 * by_arm[False]
    earlier = earlier_pool(warehouse, asking)
    rate = earlier["emergency_admissions"].sum() / earlier["person_years"].sum()
    same = found.join(earlier.select("person_id"), on="person_id", how="semi")
    assert same["predictive_risk"].exp().mean() == pytest.approx(rate, rel=0.2)


def test_where_the_look_back_holds_no_earlier_cohort_pairs_by_risk_are_refused_and_the_covariate_is_left_out(
    warehouse, asking
):
    warehouse.connection.execute("update study_design set look_back_months = 17")
    with pytest.raises(StudyError, match="prognostic: The data do not reach back far enough") as refused:
        predictive_risks(warehouse, asking)
    assert refused.value.exit_code == 2
    assert "choose another method, such as nearest" in str(refused.value)
    assert predictive_risks(warehouse, asking, for_new_pairs=False).is_empty()
    by_score = with_comparison(asking, method="nearest")
    risks = predictive_risks(warehouse, by_score)
    assert risks.is_empty()
    warehouse.write("predictive_risks", risks)
    row = found_design(warehouse, by_score)["comparison_designs"].row(0, named=True)
    for caution in ("weighting_caution", "matching_caution"):
        assert f"Not known of anybody, so not made alike: {RISK}, predictive_risk_elective" in row[caution]
    assert row["weighted_covariates"].startswith("emergency_admissions_12_months, ")


def test_too_few_events_for_a_score_are_said(warehouse, asking):
    warehouse.connection.execute("delete from activity_by_month where month_from_index between -12 and -7")
    with pytest.raises(StudyError, match="prognostic: Too few events in the earlier cohort"):
        predictive_risks(warehouse, asking)


def test_a_check_says_before_a_run_that_admissions_do_not_reach_back_far_enough(tmp_path):
    protocol = PROTOCOL.replace("look_back_months: 6", "look_back_months: 24") + "comparison: {method: prognostic}\n"
    admissions = FILES["admissions/admissions_2010-01_to_2010-12.csv"]
    short = load_study(write_tiny_study(tmp_path / "short", protocol=protocol))
    with pytest.raises(StudyError, match="prognostic: The data do not reach back far enough") as refused:
        check_study(short, say=in_silence)
    assert refused.value.exit_code == 2
    files = {
        "admissions/admissions_2010-01_to_2010-12.csv": None,
        "admissions/admissions_2009-01_to_2010-12.csv": admissions,
    }
    long = load_study(write_tiny_study(tmp_path / "long", protocol=protocol, files=files))
    assert check_study(long, say=in_silence).exit_code == 0
    nobody = {"enrolments/enrolments.csv": "PSEUDO_HESID,SITE,INDEX_DATE\n"}
    empty = load_study(write_tiny_study(tmp_path / "empty", protocol=protocol, files=nobody))
    assert "enrolments" in check_study(empty, say=in_silence).text
    other = load_study(write_tiny_study(tmp_path / "other", protocol=protocol.replace("prognostic", "nearest")))
    assert check_study(other, say=in_silence).exit_code == 0


def published(folder: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(folder / "output" / "published" / "evaluation.duckdb", read_only=True) as connection:
        return connection.sql(query).pl()


def test_weights_pairs_and_balance_hold_the_risk_like_any_covariate(frozen):
    row = published(frozen, "from comparison_designs where population = 'all_sites'").row(0, named=True)
    all_of_them = ", ".join(f"predictive_risk_{metric}" for metric in OUTCOMES)
    assert row["weighted_covariates"].startswith(f"{all_of_them}, ")
    assert row["adjusted_covariates"].startswith(f"{all_of_them}, ")
    assert row["matched_covariates"].startswith(f"{RISK}, emergency_admissions_12_months")
    balance = published(frozen, f"from covariate_balance where population = 'all_sites' and covariate = '{RISK}'")
    sizes = dict(balance.select("stage", "standardised_mean_difference").iter_rows())
    assert sizes["before"] > 0.3
    assert sizes["after_weighting"] == pytest.approx(0, abs=1e-5)
    assert published(frozen, "select emulation from target_trial where element = 'assignment'").item().count(RISK) == 1


def test_estimates_of_a_frozen_design_rest_on_it_and_other_dates_do_without(frozen):
    estimates = published(frozen, "from metric_estimates where is_default and population = 'all_sites'")
    theirs = estimates.filter(metric_id="emergency_admissions").row(0, named=True)
    assert theirs["design"] == "weighted_cohort"
    assert theirs["relative_change_pct"] is not None
    assert "Design frozen on " in theirs["caution"]
    placebo = published(frozen, "from sensitivity_estimates where analysis = 'placebo_index_date'")
    assert placebo["caution"].str.contains("Weighted without the predictive risk").all()
    months = published(frozen, "select distinct role from event_study where month_from_index = -24")
    assert months["role"].to_list() == ["used_for_matching"]


def test_pairs_are_the_nearest_in_the_risk_and_stay_as_they_were_frozen_when_everybodys_risk_has_changed(frozen):
    with Warehouse(frozen / "designed.duckdb") as designed, Warehouse(frozen / "output" / "warehouse.duckdb") as run:
        then, now = (one.connection.sql("from predictive_risks order by all").pl() for one in (designed, run))
        assert then.height == now.height
        assert not then.equals(now)
        for name in ("matched_pairs", "comparison_weights", "design_people"):
            kept = (one.connection.sql(f"from {name} order by all").pl() for one in (designed, run))
            assert next(kept).equals(next(kept)), name
        people = run.read("design_people")
        row = run.read("comparison_designs").row(0, named=True)
        pairs = run.read("matched_pairs")
    of_emergencies = then.filter(metric_id="emergency_admissions")
    risks_then = people.join(of_emergencies, on="person_id", maintain_order="left")["predictive_risk"]
    assert risks_then.to_list() == people[RISK].to_list()
    assert (row["population"], row["matching_method"]) == ("all_sites", "prognostic")
    risks = dict(people.select("person_id", RISK).iter_rows())
    exact = row["exact"].split(", ")
    apart = [abs(risks[case] - risks[other]) for case, other in pairs.select(*PAIR).iter_rows()]
    ratios = [distance / size for distance, size in zip(pairs["distance"], apart, strict=True) if size]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    equal = people.join(people, on=exact, suffix="_other").filter(pl.col("is_treated"), ~pl.col("is_treated_other"))
    assert pairs.join(equal, left_on=PAIR, right_on=["person_id", "person_id_other"], how="anti").is_empty()
    words = published(frozen, "select emulation from target_trial where element = 'analysis'").item()
    assert "the nearest in the rate of the first primary outcome that an earlier cohort foretells" in words
