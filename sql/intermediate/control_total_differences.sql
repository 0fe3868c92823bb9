-- Our counts beside the totals that the study was given to check them by.
-- grain: one row per extract, provider_code, month
-- contract: none
-- Admissions are first episodes by month of admission, of all others records are counted, under the provider
-- code as delivered; people who opted out are in it, for they are in the totals. Totals may be rounded: 5
-- records or 1 per cent apart is agreement. Null verdict: a total for an extract that the study has not.
with records as (
    select
        'admissions' as extract,
        recorded_provider_code as provider_code,
        cast(date_trunc('month', admission_date) as date) as record_month
    from admission_records
    where fate = 'accepted' and episode_order = 1
    union all
    select
        'outpatients' as extract,
        recorded_provider_code as provider_code,
        cast(date_trunc('month', appointment_date) as date) as record_month
    from appointment_records
    where fate = 'accepted'
    union all
    select
        'emergency_care' as extract,
        recorded_provider_code as provider_code,
        cast(date_trunc('month', arrival_date) as date) as record_month
    from attendance_records
    where fate = 'accepted'
),

counted as (
    select
        extract,
        provider_code,
        record_month,
        count(*) as records
    from records
    group by extract, provider_code, record_month
)

select
    control_totals.extract,
    study_extracts.contract_id,
    control_totals.provider_code,
    control_totals.month,
    control_totals.admissions_or_rows as control_total,
    coalesce(counted.records, 0) as records,
    case
        when study_extracts.contract_id is not null
            then
                abs(coalesce(counted.records, 0) - control_totals.admissions_or_rows)
                <= greatest(5, 0.01 * control_totals.admissions_or_rows)
    end as is_agreed
from control_totals
left outer join study_extracts on control_totals.extract = study_extracts.extract
left outer join counted
    on
        control_totals.extract = counted.extract
        and control_totals.provider_code = counted.provider_code
        and control_totals.month = counted.record_month
