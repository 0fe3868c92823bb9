"""What must hold whatever the extracts contain, and however they are cut up and shuffled."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.small_study import SmallStudy, appointment, attendance, enrolment, episode, person

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PEOPLE = ("p1", "p2", "c1")
PRICES = [
    {"price_set": "made up", "price_year": "2010/11", "activity": activity, "unit_cost_gbp": cost}
    for activity, cost in {
        "emergency_spell": 1999.99, "elective_spell": 0.1, "elective_day_case": 0.2, "outpatient_attendance": 0.3,
        "ae_attendance": 90.01,
    }.items()
]  # fmt: skip

days = st.integers(0, 500).map(lambda number: (date(2009, 9, 1) + timedelta(number)).isoformat())


@st.composite
def stays(draw: st.DrawFn) -> dict[str, Any]:
    start = date.fromisoformat(draw(days))
    end = start + timedelta(draw(st.sampled_from([0, 0, 1, 2, 5, 40])))
    finished = draw(st.sampled_from([True, True, True, False]))
    fields = {
        "person_id": draw(st.sampled_from(PEOPLE)),
        "procode3": draw(st.sampled_from(["RAA", "RBB"])),
        "admimeth": draw(st.sampled_from(["21", "11", "81", None])),
        "admisorc": draw(st.sampled_from(["19", "51", None])),
        "disdest": draw(st.sampled_from(["19", "51", None])),
        "classpat": draw(st.sampled_from(["1", "2", "3"])),
        "epiorder": draw(st.sampled_from([1, 2])),
        "admidate": draw(st.sampled_from([start.isoformat(), (start - timedelta(3)).isoformat(), None])),
    }
    if not finished:
        fields |= {"disdate": None, "dismeth": draw(st.sampled_from(["8", "9", None]))}
    return episode(start.isoformat(), end.isoformat(), **fields)


def of_one_stay(row: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("person_id", "procode3", "epistart", "epiend", "epiorder", "disdate")
    return tuple(row[key] for key in keys)


histories = st.lists(stays(), min_size=1, max_size=25, unique_by=of_one_stay).map(
    lambda rows: [{**row, "epikey": f"e{number:03d}"} for number, row in enumerate(rows)]
)
appointments = st.lists(days, max_size=10, unique=True).map(
    lambda found: [appointment(day, attendkey=f"o{number:03d}") for number, day in enumerate(found)]
)
attendances = st.lists(days, max_size=10).map(
    lambda found: [attendance(day, aekey=f"a{number:03d}") for number, day in enumerate(found)]
)


def study_of(
    admissions: list[dict[str, Any]],
    outpatients: list[dict[str, Any]] | None = None,
    emergency_care: list[dict[str, Any]] | None = None,
) -> SmallStudy:
    return SmallStudy(
        admissions=admissions,
        outpatients=outpatients or [],
        emergency_care=emergency_care or [],
        enrolments=[enrolment("2010-03-31"), enrolment("2010-05-01", person_id="p2")],
        population=[person("p1"), person("p2", date_of_death="2010-08-15"), person("c1", reg_end="2010-10-10")],
        prices=PRICES,
    )


@FEW
@given(histories)
def test_every_accepted_episode_is_in_exactly_one_spell(history: list[dict[str, Any]]) -> None:
    study = study_of(history)
    accepted = study.query("select episode_key from admission_records where fate = 'accepted' order by 1")
    assert study.query("select episode_key from episode_spells order by 1") == accepted
    assert study.query("select sum(episodes) from spells") == [(len(accepted),)]


@FEW
@given(histories)
def test_every_spell_is_in_exactly_one_continuous_spell_under_each_rule(history: list[dict[str, Any]]) -> None:
    study = study_of(history)
    spells = study.query("select person_id, provider_code, spell_number from spells order by all")
    for rule in ("nhs_digital_2014", "hf_che"):
        members = f"from continuous_spell_members where continuous_rule = '{rule}'"
        assert study.query(f"select person_id, provider_code, spell_number {members} order by all") == spells
        chains = f"from continuous_inpatient_spells where continuous_rule = '{rule}'"
        assert study.query(f"select sum(spells) {chains}") == [(len(spells),)]


@FEW
@given(histories)
def test_numbers_of_spells_count_from_one_without_a_gap(history: list[dict[str, Any]]) -> None:
    study = study_of(history)
    assert (
        study.query("select 1 from spells group by person_id, provider_code having max(spell_number) <> count(*)") == []
    )
    assert (
        study.query(
            """select 1 from continuous_inpatient_spells group by continuous_rule, person_id
        having max(continuous_spell_number) <> count(*)"""
        )
        == []
    )


@FEW
@given(histories, appointments, attendances, st.data())
def test_order_of_rows_splitting_and_repeating_change_no_result(
    history: list[dict[str, Any]],
    outpatients: list[dict[str, Any]],
    emergency_care: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    def reshuffled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        repeated = rows + data.draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
        shuffled = data.draw(st.permutations(repeated))
        deliveries = st.sampled_from(["d1", "d2", "d3"])
        return [{**row, "delivery_id": data.draw(deliveries)} for row in shuffled]

    one = study_of(history, outpatients, emergency_care)
    other = study_of(reshuffled(history), reshuffled(outpatients), reshuffled(emergency_care))
    for table in ("spells", "continuous_inpatient_spells", "person_months", "person_periods"):
        query = f"select * from {table} order by all"
        assert other.query(query) == one.query(query)


@FEW
@given(histories, st.data())
def test_every_record_has_one_fate_and_every_stay_is_kept_once(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    copies = data.draw(st.lists(st.sampled_from(history), max_size=8))
    rows = [{**row, "delivery_id": data.draw(st.sampled_from(["d1", "d2"]))} for row in [*history, *copies]]
    study = SmallStudy(admissions=rows)
    fates = dict(
        study.query(
            "select fate, cast(sum(rows) as bigint) from record_fates where extract = 'admissions' group by fate"
        )
    )
    assert sum(fates.values()) == len(rows)
    assert set(fates) <= {"accepted", "superseded", "duplicate"}
    kept = study.value("select count(distinct episode_key) from episodes")
    assert fates["accepted"] == kept


@FEW
@given(histories, appointments, attendances)
def test_a_period_is_the_sum_of_its_months_and_counts_each_event_once(
    history: list[dict[str, Any]], outpatients: list[dict[str, Any]], emergency_care: list[dict[str, Any]]
) -> None:
    study = study_of(history, outpatients, emergency_care)
    columns = [
        *("person_days", "emergency_admissions", "elective_admissions", "regular_attendances"),
        *("outpatient_attendances", "ae_attendances", "emergency_bed_days", "elective_bed_days"),
        "emergency_readmissions_30_days",
    ]
    sums = ", ".join(f"cast(sum({column}) as bigint)" for column in columns)
    assert study.query(
        f"select person_id, period, {', '.join(columns)} from person_periods order by all"
    ) == study.query(
        f"""select person_id, period, {sums} from person_months where period <> 'look_back'
        group by person_id, period order by all"""
    )
    seen = study.value("select sum(ae_attendances) from person_months where person_id = 'p1'")
    first, last = "2009-03-31", "2010-09-29"
    assert seen == sum(first <= row["arrivaldate"] <= last for row in emergency_care)


@FEW
@given(histories)
def test_zero_night_and_overnight_admissions_are_parts_and_bed_days_never_exceed_days(
    history: list[dict[str, Any]],
) -> None:
    study = study_of(history)
    assert (
        study.query(
            """select 1 from person_months
        where emergency_admissions_zero_night + emergency_admissions_overnight > emergency_admissions
            or elective_admissions_excluding_chemotherapy > elective_admissions
            or emergency_readmissions_30_days > emergency_admissions
            or ambulatory_care_sensitive_admissions > emergency_admissions
            or (person_days = 0 and (emergency_admissions > 0 or emergency_bed_days > 0))"""
        )
        == []
    )
