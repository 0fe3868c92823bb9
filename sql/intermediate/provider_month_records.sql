-- Records of each provider in each covered month, and whether they are at least half of its usual number.
-- grain: one row per extract, provider_code, month
-- contract: none
-- From the provider's first month with records to the last covered month, months without records among
-- them; providers taken over stand under their successor. Null verdict: the median month has fewer than 50
-- records. Below half of 50 falls a Poisson count in 3 of 100,000 months.
with records as (
    select
        'admissions' as extract,
        provider_code,
        coalesce(episode_end_date, episode_start_date) as activity_date
    from admission_records
    where fate = 'accepted'
    union all
    select
        'outpatients' as extract,
        provider_code,
        appointment_date as activity_date
    from appointment_records
    where fate = 'accepted'
    union all
    select
        'emergency_care' as extract,
        provider_code,
        arrival_date as activity_date
    from attendance_records
    where fate = 'accepted'
),

counted as (
    select
        records.extract,
        records.provider_code,
        extract_coverage.month,
        count(*) as records
    from records
    inner join extract_coverage
        on
            records.extract = extract_coverage.extract
            and cast(date_trunc('month', records.activity_date) as date) = extract_coverage.month
    group by records.extract, records.provider_code, extract_coverage.month
),

providers as (
    select
        extract,
        provider_code,
        min(month) as first_month
    from counted
    group by extract, provider_code
),

provider_months as (
    select
        providers.extract,
        providers.provider_code,
        extract_coverage.month,
        coalesce(counted.records, 0) as records
    from providers
    inner join extract_coverage
        on
            providers.extract = extract_coverage.extract
            and providers.first_month <= extract_coverage.month
    left outer join counted
        on
            providers.extract = counted.extract
            and providers.provider_code = counted.provider_code
            and extract_coverage.month = counted.month
),

usual as (
    select
        extract,
        provider_code,
        median(records) as median_records
    from provider_months
    group by extract, provider_code
)

select
    provider_months.extract,
    study_extracts.contract_id,
    provider_months.provider_code,
    provider_months.month,
    provider_months.records,
    usual.median_records,
    case
        when usual.median_records >= 50 then provider_months.records >= usual.median_records / 2
    end as is_complete
from provider_months
inner join study_extracts on provider_months.extract = study_extracts.extract
inner join usual
    on
        provider_months.extract = usual.extract
        and provider_months.provider_code = usual.provider_code
