"""Simulated extracts have the form, the peculiarities and the coherence of real ones."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from evaluation.simulation import PilotSite, SimulatedStudy, SimulationSettings, simulate_study
from evaluation.simulation.enrolment import first_joining
from evaluation.simulation.timeline import one_after_the_other, spells_of

SITES = tuple(
    PilotSite(site_id=f"s{n}", area=f"area_{n}", go_live_date=date(2009, 6, 1) + timedelta(days=60 * n))
    for n in range(4)
)
DATA_UNTIL = date(2011, 6, 30)
STAY = {"person": 0, "lead": 0, "gap_2": -1, "los_2": -1, "gap_3": -1, "los_3": -1, "late_gap": -1, "late_los": -1}


def simulated(*, seed: int = 5, **changes: object) -> SimulatedStudy:
    settings = SimulationSettings(sites=SITES, data_until=DATA_UNTIL, people=600, **changes)
    return simulate_study(settings, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def study() -> SimulatedStudy:
    return simulated()


def test_the_same_seed_gives_the_same_study_and_another_seed_another(study):
    again, other = simulated(), simulated(seed=6)
    for name in vars(study):
        assert getattr(again, name).equals(getattr(study, name)), name
    assert not other.admissions.equals(study.admissions)


def test_planted_effects_do_not_change_who_lives_and_who_joins(study):
    with_effects = simulated(effects={"emergency_admissions": 0.5, "outpatient_attendances": 1.5})
    joined = ["PSEUDO_HESID", "SITE", "INDEX_DATE"]
    assert with_effects.enrolments.select(joined).unique().sort(joined).height > 600
    assert with_effects.population["DATE_OF_DEATH"].equals(study.population["DATE_OF_DEATH"])
    assert with_effects.person_periods.select("person_id", "index_date").equals(
        study.person_periods.select("person_id", "index_date")
    )
    before = {"is_pilot": True, "period": "baseline"}
    assert with_effects.person_periods.filter(**before).equals(study.person_periods.filter(**before))


def test_keys_and_people_are_unique(study):
    for frame, key in (
        (study.admissions, "EPIKEY"),
        (study.outpatients, "ATTENDKEY"),
        (study.emergency_care, "AEKEY"),
        (study.population, "PSEUDO_HESID"),
        (study.opt_outs, "PSEUDO_HESID"),
    ):
        assert frame[key].is_unique().all(), key
    assert study.population["PSEUDO_HESID"].str.len_chars().unique().to_list() == [32]


def test_there_are_20_others_for_each_pilot_person_and_every_pilot_person_is_listed(study):
    assert study.population.height == pytest.approx(600 * 21, rel=0.01)
    pilot = study.person_periods.filter("is_pilot")
    assert pilot.height == 2 * 600
    assert set(pilot["person_id"]) <= set(study.population["PSEUDO_HESID"])
    assert pilot["site_id"].n_unique() == len(SITES)


def test_some_enrolments_are_second_ones_unknown_or_of_people_who_opted_out(study):
    assert study.enrolments["PSEUDO_HESID"].is_duplicated().any()
    assert not study.enrolments["PSEUDO_HESID"].is_in(study.population["PSEUDO_HESID"].implode()).all()
    assert study.enrolments["PSEUDO_HESID"].is_in(study.opt_outs["PSEUDO_HESID"].implode()).any()


def test_no_one_who_opted_out_is_in_the_truth(study):
    assert not study.person_periods["person_id"].is_in(study.opt_outs["PSEUDO_HESID"].implode()).any()


def test_every_record_lies_within_the_data(study):
    first = date(2007, 4, 1)
    for frame, column in (
        (study.admissions, "ADMIDATE"),
        (study.admissions, "EPISTART"),
        (study.admissions, "EPIEND"),
        (study.admissions, "DISDATE"),
        (study.outpatients, "APPTDATE"),
        (study.emergency_care, "ARRIVALDATE"),
    ):
        assert frame[column].min() >= first
        assert frame[column].max() <= DATA_UNTIL


def test_a_finished_episode_is_in_the_year_it_ends(study):
    finished = study.admissions.filter(EPISTAT="3")
    started = pl.col("EPIEND").dt.year() - (pl.col("EPIEND").dt.month() < 4)
    years = finished.select(
        expected=(started % 100).cast(pl.String).str.zfill(2) + ((started + 1) % 100).cast(pl.String).str.zfill(2)
    )
    assert years["expected"].equals(finished["FYEAR"].alias("expected"))


def test_unfinished_copies_have_a_finished_episode_in_a_later_year_unless_the_data_end(study):
    copies = study.admissions.filter(EPISTAT="1")
    key = ["PSEUDO_HESID", "PROCODE3", "EPISTART", "EPIORDER"]
    finished = study.admissions.filter(EPISTAT="3").select(*key, finished_in="FYEAR")
    matched = copies.join(finished, on=key, how="left")
    assert matched.filter(pl.col("FYEAR") < "1112")["finished_in"].null_count() <= 1
    assert (matched["finished_in"] > matched["FYEAR"]).all()
    assert matched.filter(FYEAR="1112")["finished_in"].is_null().all()
    assert copies["EPIEND"].is_null().all()
    assert copies.height > 50


def test_discharge_fields_stand_on_the_last_episode_of_a_spell_only(study):
    finished = study.admissions.filter(EPISTAT="3")
    assert (finished["DISDATE"].is_null() == (finished["DISMETH"] == "8")).all()
    assert finished.filter(pl.col("DISMETH") == "8").height > 100
    assert finished.filter(pl.col("EPIORDER") == 3).height > 10


def test_nothing_happens_after_death_and_deaths_in_hospital_end_the_stay_that_day(study):
    deaths = study.population.select("PSEUDO_HESID", "DATE_OF_DEATH")
    for frame, column in ((study.admissions, "EPISTART"), (study.outpatients, "APPTDATE")):
        dated = frame.join(deaths, on="PSEUDO_HESID").filter(pl.col("DATE_OF_DEATH").is_not_null())
        assert (dated[column] <= dated["DATE_OF_DEATH"]).all()
    ended = study.admissions.filter(DISMETH="4").join(deaths, on="PSEUDO_HESID")
    assert (ended["DISDATE"] == ended["DATE_OF_DEATH"]).all()
    assert ended.height > 20


def test_the_kinds_of_stay_that_make_counting_hard_are_all_there(study):
    records = study.admissions
    assert set(records["CLASSPAT"]) == {"1", "2", "3", "4"}
    assert {"21", "22", "28", "31", "81", "11", "13"} <= set(records["ADMIMETH"])
    assert {"50", "51"} <= set(records["ADMISORC"])
    assert {"50", "51", "79", "98"} <= set(records["DISDEST"])
    assert records["ADMIDATE"].null_count() > 10
    assert (records["DIAG_01"] == "Z511").any()
    assert records.group_by("PSEUDO_HESID").agg(pl.col("PROCODE3").n_unique())["PROCODE3"].max() > 1


def test_many_emergency_admissions_follow_an_attendance_that_day_or_the_day_before(study):
    admitted = study.admissions.filter(ADMIMETH="21", EPIORDER=1, EPISTAT="3", ADMISORC="19").drop_nulls("ADMIDATE")
    arrivals = study.emergency_care.filter(AEATTENDDISP="01")
    same_day = admitted.join(arrivals, left_on=["PSEUDO_HESID", "ADMIDATE"], right_on=["PSEUDO_HESID", "ARRIVALDATE"])
    assert 0.8 < same_day.height / admitted.height < 0.95


def test_people_join_at_the_first_moment_that_passes_and_later_moments_do_not_compete():
    moments = pl.DataFrame(
        [
            {"person": 0, "index_day": 20, "threshold": 0.1, "site": 0, "route": "practice_list"},
            {"person": 1, "index_day": 15, "threshold": 0.3, "site": 0, "route": "after_admission"},
            {"person": 0, "index_day": 10, "threshold": 0.2, "site": 0, "route": "after_admission"},
            {"person": 2, "index_day": 5, "threshold": 0.9, "site": 0, "route": "after_attendance"},
            {"person": 1, "index_day": 12, "threshold": 0.8, "site": 0, "route": "practice_list"},
        ]
    ).sort("threshold")
    joined = first_joining(moments, 2)
    assert joined.select("person", "index_day", "route").rows() == [
        (0, 10, "after_admission"),
        (1, 15, "after_admission"),
    ]
    assert first_joining(moments, 0).is_empty()


def test_stays_that_would_overlap_are_postponed_to_the_day_after_and_none_is_lost():
    stays = pl.DataFrame(
        [
            {**STAY, "start": 10, "los_1": 5, "mark": 0.1},
            {**STAY, "start": 12, "los_1": 0, "mark": 0.2},
            {**STAY, "start": 12, "los_1": 1, "mark": 0.3},
            {**STAY, "start": 30, "los_1": 2, "mark": 0.4, "lead": 4},
            {**STAY, "start": 31, "los_1": 2, "mark": 0.5, "lead": 4},
            {**STAY, "person": 1, "start": 11, "los_1": 1, "mark": 0.6},
        ]
    )
    ordered = one_after_the_other(stays)
    assert ordered.select("person", "start", "end").rows() == [
        (0, 10, 15),
        (0, 16, 16),
        (0, 17, 18),
        (0, 30, 32),
        (0, 37, 39),
        (1, 11, 12),
    ]
    assert one_after_the_other(ordered).select(ordered.columns).equals(ordered)


@pytest.mark.parametrize(
    ("death", "expected"),
    [
        (99, [(1, 10, 12, False), (2, 13, 16, False), (3, 16, 18, False)]),
        (17, [(1, 10, 12, False), (2, 13, 16, False), (3, 16, 17, True)]),
        (16, [(1, 10, 12, False), (2, 13, 16, True)]),
        (13, [(1, 10, 12, False), (2, 13, 13, True)]),
        (12, [(1, 10, 12, True)]),
        (11, [(1, 10, 11, True)]),
    ],
)
def test_death_ends_the_stay_in_the_hospital_where_it_happens(death, expected):
    stay = {**STAY, "stay": 0, "start": 10, "los_1": 2, "gap_2": 1, "los_2": 3, "gap_3": 0, "los_3": 2}
    spells = spells_of(pl.DataFrame([stay]), death=np.array([death]))
    assert spells.select("part", "start", "end", "is_death").rows() == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effects": {"died": 0.9}}, "no effect can be planted on died"),
        ({"effects": {"ae_attendances": -1.0}}, "between 0 and 5"),
        ({"look_back_months": 3}, "look_back_months"),
        ({"follow_up_months": 24}, "no whole follow-up"),
        ({"others_per_pilot_person": 1}, "too few people"),
    ],
)
def test_settings_that_make_no_study_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        simulated(**changes)
