-- Hospital use of each person in the 1, 3, 6, 12 and 24 months before the index date.
-- grain: one row per person_id
-- contract: none
-- All recorded use counts, also before the person's registration. Somebody without any use has no row.
with visits as (
    select
        person_id,
        'outpatient' as activity,
        appointment_date as activity_date
    from appointments
    where is_attended
    union all
    select
        person_id,
        'ae' as activity,
        arrival_date as activity_date
    from attendances
    where is_unplanned
),

events as (
    select
        person_id,
        index_date,
        'emergency' as activity,
        admission_date as activity_date
    from stays_before_index
    where is_new_emergency_admission
    union all
    select
        person_id,
        index_date,
        'elective' as activity,
        admission_date as activity_date
    from stays_before_index
    where is_elective_admission
    union all
    select
        index_dates.person_id,
        index_dates.index_date,
        visits.activity,
        visits.activity_date
    from visits
    inner join index_dates on visits.person_id = index_dates.record_person_id
),

-- The number of months of the narrowest window that the event falls in.
placed as (
    select
        events.person_id,
        events.activity,
        case
            when events.activity_date >= windows.start_1_month_date then 1
            when events.activity_date >= windows.start_3_months_date then 3
            when events.activity_date >= windows.start_6_months_date then 6
            when events.activity_date >= windows.start_12_months_date then 12
            else 24
        end as months
    from events
    inner join look_back_windows as windows on events.index_date = windows.index_date
    where events.activity_date >= windows.start_24_months_date and events.activity_date < events.index_date
)

select
    person_id,
    count(*) filter (where activity = 'emergency' and months <= 1) as emergency_admissions_1_month,
    count(*) filter (where activity = 'emergency' and months <= 3) as emergency_admissions_3_months,
    count(*) filter (where activity = 'emergency' and months <= 6) as emergency_admissions_6_months,
    count(*) filter (where activity = 'emergency' and months <= 12) as emergency_admissions_12_months,
    count(*) filter (where activity = 'emergency') as emergency_admissions_24_months,
    count(*) filter (where activity = 'elective' and months <= 1) as elective_admissions_1_month,
    count(*) filter (where activity = 'elective' and months <= 3) as elective_admissions_3_months,
    count(*) filter (where activity = 'elective' and months <= 6) as elective_admissions_6_months,
    count(*) filter (where activity = 'elective' and months <= 12) as elective_admissions_12_months,
    count(*) filter (where activity = 'elective') as elective_admissions_24_months,
    count(*) filter (where activity = 'outpatient' and months <= 1) as outpatient_attendances_1_month,
    count(*) filter (where activity = 'outpatient' and months <= 3) as outpatient_attendances_3_months,
    count(*) filter (where activity = 'outpatient' and months <= 6) as outpatient_attendances_6_months,
    count(*) filter (where activity = 'outpatient' and months <= 12) as outpatient_attendances_12_months,
    count(*) filter (where activity = 'outpatient') as outpatient_attendances_24_months,
    count(*) filter (where activity = 'ae' and months <= 1) as ae_attendances_1_month,
    count(*) filter (where activity = 'ae' and months <= 3) as ae_attendances_3_months,
    count(*) filter (where activity = 'ae' and months <= 6) as ae_attendances_6_months,
    count(*) filter (where activity = 'ae' and months <= 12) as ae_attendances_12_months,
    count(*) filter (where activity = 'ae') as ae_attendances_24_months
from placed
group by person_id
