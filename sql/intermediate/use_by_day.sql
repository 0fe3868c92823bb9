-- Hospital use of each person by day from the index date, on observed days of the follow-up.
-- grain: one row per person_id, day_from_index
-- contract: none
-- decision: docs/decisions/0019-deaths-and-months.md
-- kind: view
-- A day is spent in hospital if the night after it is, as bed days are counted, whatever the stay is for;
-- regular attendances are no stays. Stays that overlap count a day once, and one that is not known to have
-- ended goes on until the last day on which a record shows it. Some days lie beyond the follow-up, whose
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

use_of_days as (
    select
        people.person_id,
        activity_events.activity_date,
        activity_events.emergency_admissions,
        activity_events.elective_admissions,
        activity_events.outpatient_attendances,
        0 as days_in_hospital
    from activity_events
    inner join people on activity_events.person_id = people.record_person_id
    where
        activity_events.emergency_admissions
        + activity_events.elective_admissions
        + activity_events.outpatient_attendances
        > 0
    union all
    select
        person_id,
        cast(
            unnest(generate_series(first_night_date, end_date - interval 1 day, interval 1 day)) as date
        ) as activity_date,
        0 as emergency_admissions,
        0 as elective_admissions,
        0 as outpatient_attendances,
        1 as days_in_hospital
    from nights_in_hospital
    where first_night_date < end_date
)

select
    people.person_id,
    cast(date_diff('day', people.index_date, use_of_days.activity_date) as bigint) as day_from_index,
    cast(sum(use_of_days.emergency_admissions) as bigint) as emergency_admissions,
    cast(sum(use_of_days.elective_admissions) as bigint) as elective_admissions,
    cast(sum(use_of_days.outpatient_attendances) as bigint) as outpatient_attendances,
    cast(max(use_of_days.days_in_hospital) as bigint) as days_in_hospital
from use_of_days
inner join people on use_of_days.person_id = people.person_id
where
    use_of_days.activity_date >= people.index_date
    and use_of_days.activity_date >= people.observed_from_date
    and use_of_days.activity_date < people.until_date
group by people.person_id, people.index_date, use_of_days.activity_date
