-- Records of each provider by kind of activity and covered calendar month, and how much there was to record.
-- grain: one row per provider_code, activity, month
-- contract: none
-- A month without records is there, with 0. What there was to record is the month itself; of diagnoses the
-- episodes that they were coded in.
with records as (
    select
        'admissions' as extract,
        case
            when is_elective_admission then 'elective_admissions'
            when discharge_date = admission_date then 'emergency_admissions_zero_night'
            else 'emergency_admissions_overnight'
        end as activity,
        provider_code,
        admission_date as activity_date,
        1 as records,
        1 as episodes
    from provider_spells
    where is_new_emergency_admission or is_elective_admission
    union all
    select
        'outpatients' as extract,
        case when is_attended then 'outpatient_attendances' else 'outpatient_did_not_attend' end as activity,
        provider_code,
        appointment_date as activity_date,
        1 as records,
        1 as episodes
    from appointments
    where is_attended or is_did_not_attend
    union all
    select
        'emergency_care' as extract,
        'ae_attendances' as activity,
        provider_code,
        arrival_date as activity_date,
        1 as records,
        1 as episodes
    from attendances
    where is_unplanned
    union all
    select
        'admissions' as extract,
        'diagnoses_per_episode' as activity,
        provider_code,
        episode_end_date as activity_date,
        1 + coalesce(array_length(secondary_diagnosis_codes), 0) as records,
        1 as episodes
    from episodes
    where primary_diagnosis_code is not null
),

counted as (
    select
        extract,
        activity,
        provider_code,
        cast(date_trunc('month', activity_date) as date) as calendar_month,
        cast(sum(records) as bigint) as records,
        cast(sum(episodes) as bigint) as episodes
    from records
    where provider_code is not null
    group by extract, activity, provider_code, cast(date_trunc('month', activity_date) as date)
),

providers as (
    select distinct
        extract,
        activity,
        provider_code
    from counted
)

select
    providers.provider_code,
    providers.activity,
    extract_coverage.month,
    coalesce(counted.records, 0) as records,
    case
        when providers.activity = 'diagnoses_per_episode' then coalesce(counted.episodes, 0) else 1
    end as opportunities
from providers
inner join extract_coverage on providers.extract = extract_coverage.extract
left outer join counted
    on
        providers.activity = counted.activity
        and providers.provider_code = counted.provider_code
        and extract_coverage.month = counted.calendar_month
