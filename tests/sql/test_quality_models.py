"""The small tables behind quality rules: what is usual, what is missing, what is late, what does not agree."""

from datetime import date

from tests.sql.small_study import SmallStudy, attendance, enrolment, episode, person


def delivered(month, rows, *, extract="admissions", **fields):
    """A delivery of one month that counts; `fields` overrides."""
    name = f"{extract}_{month}.csv"
    return {
        "delivery_id": name, "extract": extract, "file_name": name, "received_at": "2010-01-31 12:00:00",
        "period": month, "status": "accepted", "rows_read": rows, "rows_quarantined": 0, **fields,
    }  # fmt: skip


def months(*rows):
    return [delivered(f"2010-{number:02}", count) for number, count in enumerate(rows, start=1)]


def volumes(*deliveries, design=None):
    study = SmallStudy(deliveries_read=deliveries, design=design)
    return study.query(
        """select file_name, records_per_month, earlier_deliveries, median_records_per_month, is_volume_expected
        from delivery_volumes order by period, file_name"""
    )


def test_a_delivery_is_compared_with_the_median_of_earlier_ones_and_the_first_three_with_none():
    found = volumes(*months(100, 110, 90, 121, 119, 60))
    assert [row[2] for row in found] == [0, 1, 2, 3, 4, 5]
    assert [row[3] for row in found] == [None, 100, 105, 100, 105, 110]
    assert [row[4] for row in found] == [None, None, None, False, True, False]


def test_only_the_last_twelve_deliveries_are_usual():
    early = [delivered(f"2009-{month:02}", 10) for month in range(1, 9)]
    late = [delivered(f"2010-{month:02}", 100) for month in range(1, 13)]
    *_, last = volumes(*early, *late, delivered("2011-01", 100))
    assert last[2:] == (12, 100, True)


def test_the_protocol_says_how_far_a_volume_may_move():
    assert volumes(*months(100, 100, 100, 70), design={"volume_change_pct": 30.0})[-1][4] is True
    assert volumes(*months(100, 100, 100, 70), design={"volume_change_pct": 29.0})[-1][4] is False


def test_a_delivery_of_a_year_is_compared_by_month():
    (year, *_) = volumes(delivered("2009-04_to_2010-03", 1200))
    assert year[1] == 100


def test_a_file_that_was_replaced_is_no_history_but_an_earlier_snapshot_is():
    replaced = delivered("2010-03", 5, file_name="old.csv", delivery_id="old", status="superseded")
    assert "old.csv" not in {row[0] for row in volumes(*months(100, 100, 100), replaced)}
    snapshots = [delivered(f"2010-0{month}", 100, extract="population", status="superseded") for month in (1, 2, 3)]
    found = volumes(*snapshots, delivered("2010-04", 10, extract="population"))
    assert [row[4] for row in found] == [None, None, None, False]


def test_refused_and_growing_files_have_no_volume():
    assert volumes(delivered("2010-01", 0, status="refused"), delivered("2010-02", 0, status="growing")) == []


def test_rates_are_those_of_the_worst_delivery_and_small_deliveries_are_left_out():
    study = SmallStudy(
        deliveries_read=[
            delivered("2010-01", 1000, rows_quarantined=10),
            delivered("2010-02", 100, rows_quarantined=7),
            delivered("2010-03", 99, rows_quarantined=99),
            delivered("2010-04", 500, rows_quarantined=400, status="superseded"),
        ],
    )
    found = study.query(
        "select quarantined_file_name, rows_read, rows_quarantined, rows_nulled from delivery_rates "
        "where contract_id = 'hes_apc'"
    )
    assert found == [("admissions_2010-02.csv", 100, 7, None)]


def test_nulled_records_are_counted_among_the_accepted_ones_of_a_delivery():
    nulled = [{"nulled_fields": "SEX"} if number < 9 else {} for number in range(120)]
    study = SmallStudy(
        admissions=[
            episode("2010-08-01", "2010-08-05", person_id=f"p{number}", delivery_id="admissions_2010-08.csv", **fields)
            for number, fields in enumerate(nulled)
        ],
        deliveries_read=[delivered("2010-08", 120)],
    )
    found = study.query("select rows_accepted, rows_nulled from delivery_rates where contract_id = 'hes_apc'")
    assert found == [(120, 9)]


def test_unknown_people_and_sites_are_counted_without_those_who_opted_out():
    study = SmallStudy(
        admissions=[
            episode("2010-08-01", "2010-08-05"),
            episode("2010-08-01", "2010-08-05", person_id="stranger"),
            episode("2010-08-01", "2010-08-05", person_id="o1"),
        ],
        enrolments=[enrolment("2010-07-01"), enrolment("2010-07-01", person_id="p2", site="elsewhere")],
        opt_outs=[{"person_id": "o1"}],
        population=[person("p1"), person("p2"), person("o1")],
        sites=[{"site_id": "s1"}],
    )
    rows = study.query("select * from record_references where contract_id in ('hes_apc', 'pilot_enrolment') order by 1")
    assert rows == [("hes_apc", 2, 1, 0, 0), ("pilot_enrolment", 2, 0, 2, 1)]


def test_sites_are_not_checked_where_the_study_registers_none():
    study = SmallStudy(enrolments=[enrolment("2010-07-01")])
    where = "where contract_id = 'pilot_enrolment'"
    assert study.query(f"select rows_with_site, rows_of_unknown_sites from record_references {where}") == [(0, 0)]


def freshness(deliveries, *, now, **design):
    study = SmallStudy(
        deliveries_read=deliveries,
        current_run=[{"run_id": "r1", "started_at": now}],
        design={"synthetic": False, "data_until": "2010-12-31", **design},
    )
    return study.query("select covered_until_date, delivered_after_days, age_days, is_fresh from extract_freshness")


def test_an_extract_is_late_when_its_newest_delivery_is_older_than_the_protocol_allows():
    newest = [delivered("2010-05", 10), delivered("2010-06", 10, received_at="2010-07-20 08:00:00")]
    assert freshness(newest, now="2010-08-29 23:00:00") == [(date(2010, 6, 30), 20, 40, True)]
    assert freshness(newest, now="2010-08-30 01:00:00") == [(date(2010, 6, 30), 20, 41, False)]
    assert freshness(newest, now="2010-08-30 01:00:00", late_after_days=41)[0][3] is True


def test_nothing_is_late_once_the_data_are_complete():
    complete = [delivered("2010-07_to_2010-12", 10, received_at="2011-01-20 08:00:00")]
    assert freshness(complete, now="2015-01-01 00:00:00")[0][3] is True
    snapshot = [delivered(None, 10, extract="population", file_name="p.csv", received_at="2011-01-01 08:00:00")]
    assert freshness(snapshot, now="2015-01-01 00:00:00")[0][3] is True


def test_lateness_has_no_verdict_for_made_up_studies_and_surveys():
    old = [delivered("2010-01", 10)]
    assert freshness(old, now="2010-12-01 00:00:00", synthetic=True)[0][3] is None
    study = SmallStudy(
        deliveries_read=[delivered(None, 10, extract="patients", file_name="s.csv")],
        study_extracts=[{"extract": "patients", "contract_id": "survey"}],
        current_run=[{"run_id": "r1", "started_at": "2012-01-01 00:00:00"}],
        design={"synthetic": False},
    )
    assert study.query("select is_fresh from extract_freshness") == [(None,)]


def test_control_totals_agree_within_5_records_or_1_per_cent():
    study = SmallStudy(
        admissions=[episode("2010-08-01", "2010-08-05", person_id=f"p{number}") for number in range(10)]
        + [episode("2010-08-02", "2010-08-05", admidate="2010-08-01", epiorder=2, person_id="p1")],
        emergency_care=[attendance("2010-08-01", person_id=f"p{number}") for number in range(600)],
        control_totals=[
            {"extract": "admissions", "provider_code": "RAA", "month": "2010-08-01", "admissions_or_rows": 15},
            {"extract": "admissions", "provider_code": "RBB", "month": "2010-08-01", "admissions_or_rows": 6},
            {"extract": "emergency_care", "provider_code": "RAA", "month": "2010-08-01", "admissions_or_rows": 606},
            {"extract": "emergency_care", "provider_code": "RAA", "month": "2010-09-01", "admissions_or_rows": 5},
            {"extract": "outpatients", "provider_code": "RAA", "month": "2010-08-01", "admissions_or_rows": 607},
        ],
    )
    found = study.query(
        "select extract, provider_code, month(month), records, is_agreed from control_total_differences order by all"
    )
    assert found == [
        ("admissions", "RAA", 8, 10, True),
        ("admissions", "RBB", 8, 0, False),
        ("emergency_care", "RAA", 8, 600, True),
        ("emergency_care", "RAA", 9, 0, True),
        ("outpatients", "RAA", 8, 0, False),
    ]


def moved(person_id, *, destination, days):
    """Two stays of one person at two providers, so many days apart, which a rule may join by the destination."""
    return [
        episode("2010-10-01", "2010-10-05", person_id=person_id, disdest=destination),
        episode(f"2010-10-{5 + days:02}", f"2010-10-{6 + days:02}", person_id=person_id, procode3="RBB"),
    ]


def agreement(*, only_hf_joins, only_nhs_joins, alike):
    """Pilot people whose two stays one rule set alone joins, and others with one stay each."""
    apart = [row for number in range(only_hf_joins) for row in moved(f"a{number}", destination="51", days=3)]
    apart += [row for number in range(only_nhs_joins) for row in moved(f"b{number}", destination="49", days=2)]
    pilot = sorted({row["person_id"] for row in apart})
    others = [episode("2010-10-01", "2010-10-05", person_id=f"c{number}") for number in range(alike)]
    return SmallStudy(
        admissions=apart + others, enrolments=[enrolment("2010-07-01", person_id=person_id) for person_id in pilot]
    )


def test_spells_that_one_rule_set_joins_and_the_other_does_not_differ_though_their_numbers_are_equal():
    study = agreement(only_hf_joins=40, only_nhs_joins=40, alike=120)
    admissions = "count(*) filter (where is_new_emergency_admission)"
    by_rule = dict(study.query(f"select continuous_rule, {admissions} from continuous_spells group by all"))
    assert by_rule == {"nhs_digital_2014": 2 * 40 + 40 + 120, "hf_che": 40 + 2 * 40 + 120}
    assert study.query("from continuous_spell_agreement order by arm") == [
        ("hes_apc", "all", 240, 120, 0.5, None, None),
        ("hes_apc", "comparison", 120, 120, 1.0, None, None),
        ("hes_apc", "pilot", 120, 0, 0.0, 120, 120),
    ]


def test_spell_rules_are_judged_over_all_where_no_arm_has_a_hundred_spells():
    found = agreement(only_hf_joins=1, only_nhs_joins=0, alike=99).query("from continuous_spell_agreement order by arm")
    assert [(row[1], row[2], row[5], row[6]) for row in found] == [
        ("all", 101, 101, 2),
        ("comparison", 99, None, None),
        ("pilot", 2, None, None),
    ]
    few = agreement(only_hf_joins=1, only_nhs_joins=1, alike=9)
    assert few.query("select count(spells_judged) from continuous_spell_agreement") == [(0,)]


def coding(pilot_before, pilot_after, other_before, other_after, *, people=100):
    """One episode a person, period and arm, with so many secondary diagnoses."""
    depths = {("p", "2010-03"): pilot_before, ("p", "2010-09"): pilot_after}
    depths |= {("c", "2010-03"): other_before, ("c", "2010-09"): other_after}
    study = SmallStudy(
        admissions=[
            episode(f"{month}-01", f"{month}-02", person_id=f"{arm}{number}", diag_01="I10",
                    diag_secondary=["E11"] * secondary)
            for (arm, month), secondary in depths.items()
            for number in range(people)
        ],
        enrolments=[enrolment("2010-07-01", person_id=f"p{number}") for number in range(people)],
    )  # fmt: skip
    ((pilot, verdict),) = study.query("select pilot_follow_up / pilot_baseline, is_alike from coding_depth_change")
    return pilot, verdict


def test_coding_depth_that_moves_in_one_arm_only_is_found():
    assert coding(3, 3, 1, 1) == (1.0, True)
    assert coding(3, 5, 1, 2) == (1.5, True)
    assert coding(3, 4, 1, 1) == (1.25, False)
    assert coding(3, 3, 3, 4) == (1.0, False)


def test_coding_depth_of_few_episodes_has_no_verdict():
    assert coding(3, 9, 1, 1, people=99)[1] is None
