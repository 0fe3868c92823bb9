"""The steps from those who may be compared to the people behind an estimate: each says who was lost, and all add up."""

from typing import Any

from evaluation.matching import EXACT_NAMES
from pipelines.models import load_models
from tests.sql.around_an_index_date import MONTHS, covered
from tests.sql.small_study import SmallStudy, appointment, enrolment, person

SITES = [{"site_id": "s1", "area": "Pilot area"}, {"site_id": "s2", "area": "Pilot area"}]
PILOT = {"p1": "s1", "p2": "s1", "p3": "s2"}
POOL = ("c1", "c2", "c3", "c4")
SEXES = {"p3": "1"}
ALL = {
    "population": "all_sites",
    "pilot_people": 3,
    "comparison_people": 4,
    "sampled_people": 3,
    "has_weights": True,
    "exact": "sex, age_band",
}
CHAIN = """select step, people, people_lost from attrition
    where arm = '{arm}' and population = '{population}' and design = '{design}' order by step_number"""


def study(**tables: Any) -> SmallStudy:
    """Three pilot people of two sites, four people from outside; p1 is paired with c1 and c2, p2 with nobody free.

    p3 has nobody of the same sex; c1, c2 and c3 have weights.
    """
    pilot = [person(one, area="Pilot area", gpprac="PILOT", sex=SEXES.get(one, "2")) for one in PILOT]
    others = [person(one, area="Elsewhere", gpprac="OTHER") for one in POOL]
    design = [
        *(
            {"person_id": one, "is_treated": True, "site_id": site, "index_date": "2010-07-01"}
            for one, site in PILOT.items()
        ),
        *({"person_id": one, "is_treated": False, "index_date": "2010-07-01"} for one in POOL[:3]),
    ]
    asked = {
        "enrolments": [enrolment("2010-07-01", person_id=one, site=site) for one, site in PILOT.items()],
        "population": [*pilot, *others],
        "sites": SITES,
        "design_people": design,
        "comparison_designs": [ALL, {**ALL, "population": "site:s1", "pilot_people": 2, "has_weights": False}],
        "comparison_weights": [{"population": "all_sites", "person_id": one, "weight": 1.0} for one in POOL[:3]],
        "matched_pairs": [{"pilot_person_id": "p1", "comparison_person_id": one} for one in POOL[:2]],
    }
    return SmallStudy(**{**asked, **tables})


def chain(found: SmallStudy, arm: str, design: str, population: str = "all_sites") -> list[tuple[Any, ...]]:
    return found.query(CHAIN.format(arm=arm, design=design, population=population))


def test_pilot_people_without_an_equal_and_those_without_a_free_one_are_told_apart() -> None:
    assert chain(study(), "pilot", "matched_cohort")[:3] == [
        ("may be compared", 3, 0),
        ("has somebody equal to be compared with", 2, 1),
        ("matched within the caliper", 1, 1),
    ]
    assert chain(study(), "pilot", "matched_cohort", "site:s1")[:3] == [
        ("may be compared", 2, 0),
        ("has somebody equal to be compared with", 2, 0),
        ("matched within the caliper", 1, 1),
    ]


def test_every_column_that_pairs_can_be_equal_in_is_asked() -> None:
    (model,) = [model for model in load_models() if model.name == "cases_with_equals"]
    for name in EXACT_NAMES:
        assert name == "pool" or f"exact.listed, '{name}'" in model.sql, name


def test_comparison_people_who_were_not_sampled_and_those_without_a_weight_are_told_apart() -> None:
    assert chain(study(), "comparison", "weighted_cohort")[:3] == [
        ("may be compared", 4, 0),
        ("of a sex, age band and index month of pilot people, of very many a sample", 3, 1),
        ("with a weight", 3, 0),
    ]
    assert chain(study(), "comparison", "matched_cohort")[:2] == [
        ("may be compared", 4, 0),
        ("matched to a pilot person", 2, 2),
    ]
    assert chain(study(), "pilot", "weighted_cohort", "site:s1")[:2] == [
        ("may be compared", 2, 0),
        ("weights were found", 0, 2),
    ]


def test_who_is_not_followed_and_whose_use_is_not_known_are_counted_of_those_observed() -> None:
    until_july = covered(outpatients=[month for month in MONTHS if str(month) <= "2010-07-31"])
    people = [
        *(person(one, area="Pilot area", gpprac="PILOT") for one in PILOT),
        *(person(one, area="Elsewhere", gpprac="OTHER") for one in ("c1", "c4")),
        person("c2", area="Elsewhere", gpprac="OTHER", reg_end="2010-07-10"),  # known as long as observed
        person("c3", area="Elsewhere", gpprac="OTHER", reg_start="2010-07-02"),  # came after the index date
    ]
    found = study(population=people, coverage=until_july, outpatients=[appointment("2010-07-05", person_id="c1")])
    assert chain(found, "comparison", "weighted_cohort")[3:] == [
        ("observed after the index date of the design", 2, 1),
        ("not enrolled during follow-up (who is counts until then)", 2, 0),
        ("admissions known", 2, 0),
        ("outpatient attendances known", 1, 1),
        ("A&E attendances known", 2, 0),
    ]


def test_who_enrols_during_follow_up_is_observed_until_then() -> None:
    later = [enrolment("2010-08-01", person_id="c1", site="s1"), enrolment("2011-02-01", person_id="c2", site="s1")]
    frozen = [{"person_id": one, "index_date": "2010-07-01"} for one in POOL]
    weights = [
        {"population": "all_sites", "person_id": one, "weight": 1.0}
        for one in ("c1 before enrolment", "c2 before enrolment", "c3")
    ]
    design = [{"person_id": row["person_id"], "is_treated": False, "index_date": "2010-07-01"} for row in weights]
    found = study(
        enrolments=[*(enrolment("2010-07-01", person_id=one, site=site) for one, site in PILOT.items()), *later],
        frozen_index_dates=frozen,
        comparison_weights=weights,
        design_people=design,
    )
    assert chain(found, "comparison", "weighted_cohort")[2:5] == [
        ("with a weight", 3, 0),
        ("observed after the index date of the design", 3, 0),
        ("not enrolled during follow-up (who is counts until then)", 2, 1),
    ]


def test_the_design_stage_says_nothing_of_what_comes_after_the_index_date() -> None:
    found = study(design={"is_design_stage": True})
    steps = {step for (step,) in found.query("select distinct step from attrition")}
    assert "with a weight" in steps
    assert not {step for step in steps if step.endswith(" known") or "observed" in step}


def test_under_a_frozen_design_its_people_are_the_first_step_and_today_s_are_not_asked_for_equals() -> None:
    found = study(frozen_index_dates=[{"person_id": one, "index_date": "2010-07-01"} for one in POOL])
    assert chain(found, "pilot", "matched_cohort")[:2] == [
        ("in the design as it was frozen", 3, 0),
        ("matched within the caliper", 1, 2),
    ]
    starts = "select count(*) from attrition where design <> 'all' and previous_step_number is null"
    assert found.value(starts) == 6


def test_other_programmes_the_pilots_practices_and_other_pools_are_steps_of_their_own() -> None:
    others = [
        *(person(one, area="Elsewhere", gpprac="OTHER") for one in POOL),
        person("programme", area="Busy", gpprac="OTHER"),
        person("practice", area="Elsewhere", gpprac="PILOT"),
        person("local", area="Pilot area", gpprac="OTHER"),
    ]
    pilot = [person(one, area="Pilot area", gpprac="PILOT") for one in PILOT]
    programmes = [{"area": "Busy", "programme": "Teams", "start_date": "2010-08-01"}]
    found = study(population=[*pilot, *others], other_programmes=programmes)
    assert chain(found, "comparison", "all")[7:] == [
        ("index date within the data", 7, 0),
        ("not in another programme within the longest horizon", 6, 1),
        ("of no practice of the pilot", 5, 1),
        ("of the pool that is compared", 4, 1),
    ]


def test_pilot_people_are_counted_by_site_as_well() -> None:
    found = study(population=[person("p1"), person("p2"), *(person(one) for one in POOL)])
    lost = """select population, people_lost from attrition
        where arm = 'pilot' and design = 'all' and step = 'linked to the population' order by 1"""
    assert found.query(lost) == [("all_sites", 1), ("site:s1", 0), ("site:s2", 1)]


def test_starts_less_lost_is_what_remains_at_every_step() -> None:
    wrong = """select * from attrition as one left join attrition as previous
        on one.arm = previous.arm and one.population = previous.population
        and one.previous_step_number = previous.step_number and previous.design in ('all', one.design)
        where one.people < 0 or one.people_lost < 0
        or (one.previous_step_number is not null and previous.people - one.people_lost is distinct from one.people)"""
    assert study().query(wrong) == []
