-- Hospital use and cost of each person by day from the index date, on observed days of the follow-up.
-- grain: one row per person_id, day_from_index
-- contract: none
-- decision: docs/decisions/0019-deaths-and-months.md
-- kind: view
-- A day is spent in hospital if the night after it is, as bed days are counted, whatever the stay is for;
-- regular attendances are no stays. Stays that overlap count a day once, and one that is not known to have
-- ended goes on until the last day on which a record shows it. Bed days are counted as in person_periods:
-- each stay's own, of emergency and elective admissions alone. Some days lie beyond the follow-up, whose
-- months differ in length.
with people as (
    select
        index_dates.person_id,
        index_dates.record_person_id,
        index_dates.index_date,
        index_dates.observed_from_date,
        least(
            index_dates.observed_until_date,
            cast(
                index_dates.index_date + to_days(cast(31 * study_design.follow_up_months as integer)) as date
            )
        ) as until_date
    from index_dates
    cross join study_design
),

stays as (
    select
        continuous_spells.person_id,
        continuous_spells.admission_date,
        continuous_spells.discharge_date as end_date
    from continuous_spells
    inner join study_design on continuous_spells.continuous_rule = study_design.continuous_rule
    where not continuous_spells.is_regular_attendance
    union all
    select
        person_id,
        admission_date,
        last_known_date as end_date
    from provider_spells
    where not is_regular_attender
),

nights_in_hospital as (
    select
        people.person_id,
        greatest(stays.admission_date, people.index_date, people.observed_from_date) as first_night_date,
        least(stays.end_date, people.until_date) as end_date
    from stays
    inner join people on stays.person_id = people.record_person_id
    where stays.end_date > people.index_date and stays.end_date > stays.admission_date
),

-- The nights of bed days, stay by stay.
bed_days as (
    select
        people.person_id,
        overnight_stays.is_new_emergency_admission,
        greatest(overnight_stays.admission_date, people.index_date, people.observed_from_date)
            as first_night_date,
        least(overnight_stays.discharge_date, people.until_date) as end_date
    from overnight_stays
    inner join people on overnight_stays.person_id = people.record_person_id
    where overnight_stays.discharge_date > people.index_date
),

use_of_days as (
    select
        people.person_id,
        activity_events.activity_date,
        activity_events.emergency_admissions,
        activity_events.emergency_admissions_zero_night,
        activity_events.emergency_admissions_overnight,
        activity_events.elective_admissions,
        activity_events.elective_admissions_excluding_chemotherapy,
        activity_events.regular_attendances,
        activity_events.outpatient_attendances,
        activity_events.outpatient_tele_attendances,
        activity_events.outpatient_did_not_attend,
        activity_events.ae_attendances,
        activity_events.emergency_readmissions_30_days,
        activity_events.ambulatory_care_sensitive_admissions,
        0 as emergency_bed_days,
        0 as elective_bed_days,
        0 as days_in_hospital,
        activity_events.cost_gbp
    from activity_events
    inner join people on activity_events.person_id = people.record_person_id
    where
        activity_events.emergency_admissions
        + activity_events.emergency_admissions_zero_night
        + activity_events.emergency_admissions_overnight
        + activity_events.elective_admissions
        + activity_events.elective_admissions_excluding_chemotherapy
        + activity_events.regular_attendances
        + activity_events.outpatient_attendances
        + activity_events.outpatient_tele_attendances
        + activity_events.outpatient_did_not_attend
        + activity_events.ae_attendances
        + activity_events.emergency_readmissions_30_days
        + activity_events.ambulatory_care_sensitive_admissions
        > 0
    union all
    select
        person_id,
        cast(
            unnest(generate_series(first_night_date, end_date - interval 1 day, interval 1 day)) as date
        ) as activity_date,
        0 as emergency_admissions,
        0 as emergency_admissions_zero_night,
        0 as emergency_admissions_overnight,
        0 as elective_admissions,
        0 as elective_admissions_excluding_chemotherapy,
        0 as regular_attendances,
        0 as outpatient_attendances,
        0 as outpatient_tele_attendances,
        0 as outpatient_did_not_attend,
        0 as ae_attendances,
        0 as emergency_readmissions_30_days,
        0 as ambulatory_care_sensitive_admissions,
        cast(is_new_emergency_admission as integer) as emergency_bed_days,
        cast(not is_new_emergency_admission as integer) as elective_bed_days,
        0 as days_in_hospital,
        0 as cost_gbp
    from bed_days
    where first_night_date < end_date
    union all
    select
        person_id,
        cast(
            unnest(generate_series(first_night_date, end_date - interval 1 day, interval 1 day)) as date
        ) as activity_date,
        0 as emergency_admissions,
        0 as emergency_admissions_zero_night,
        0 as emergency_admissions_overnight,
        0 as elective_admissions,
        0 as elective_admissions_excluding_chemotherapy,
        0 as regular_attendances,
        0 as outpatient_attendances,
        0 as outpatient_tele_attendances,
        0 as outpatient_did_not_attend,
        0 as ae_attendances,
        0 as emergency_readmissions_30_days,
        0 as ambulatory_care_sensitive_admissions,
        0 as emergency_bed_days,
        0 as elective_bed_days,
        1 as days_in_hospital,
        0 as cost_gbp
    from nights_in_hospital
    where first_night_date < end_date
)

select
    people.person_id,
    cast(date_diff('day', people.index_date, use_of_days.activity_date) as bigint) as day_from_index,
    cast(sum(use_of_days.emergency_admissions) as bigint) as emergency_admissions,
    cast(sum(use_of_days.emergency_admissions_zero_night) as bigint) as emergency_admissions_zero_night,
    cast(sum(use_of_days.emergency_admissions_overnight) as bigint) as emergency_admissions_overnight,
    cast(sum(use_of_days.elective_admissions) as bigint) as elective_admissions,
    cast(sum(use_of_days.elective_admissions_excluding_chemotherapy) as bigint)
        as elective_admissions_excluding_chemotherapy,
    cast(sum(use_of_days.regular_attendances) as bigint) as regular_attendances,
    cast(sum(use_of_days.outpatient_attendances) as bigint) as outpatient_attendances,
    cast(sum(use_of_days.outpatient_tele_attendances) as bigint) as outpatient_tele_attendances,
    cast(sum(use_of_days.outpatient_did_not_attend) as bigint) as outpatient_did_not_attend,
    cast(sum(use_of_days.ae_attendances) as bigint) as ae_attendances,
    cast(sum(use_of_days.emergency_readmissions_30_days) as bigint) as emergency_readmissions_30_days,
    cast(sum(use_of_days.ambulatory_care_sensitive_admissions) as bigint)
        as ambulatory_care_sensitive_admissions,
    cast(sum(use_of_days.emergency_bed_days) as bigint) as emergency_bed_days,
    cast(sum(use_of_days.elective_bed_days) as bigint) as elective_bed_days,
    cast(max(use_of_days.days_in_hospital) as bigint) as days_in_hospital,
    -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
    cast(sum(cast(use_of_days.cost_gbp as decimal(18, 4))) as double) as cost_gbp
from use_of_days
inner join people on use_of_days.person_id = people.person_id
where
    use_of_days.activity_date >= people.index_date
    and use_of_days.activity_date >= people.observed_from_date
    and use_of_days.activity_date < people.until_date
group by people.person_id, people.index_date, use_of_days.activity_date
