-- Records of hospital activity that were quarantined, nulled or repaired, by arm, site, provider, period.
-- grain: one row per extract, arm, site_id, provider_code, period
-- contract: data_contracts/marts/record_quality.odcs.yaml
-- Of a person in both arms, records count once, as a pilot person's. A quarantined record of which person,
-- provider or date could not be read is counted under `unknown`.
with records as (
    select
        'admissions' as extract,
        person_id,
        provider_code,
        episode_start_date as activity_date,
        false as is_quarantined,
        nulled_fields is not null as is_nulled,
        repaired_fields is not null as is_repaired
    from admission_records
    where fate = 'accepted' and not is_opted_out
    union all
    select
        'outpatients' as extract,
        person_id,
        provider_code,
        appointment_date as activity_date,
        false as is_quarantined,
        nulled_fields is not null as is_nulled,
        repaired_fields is not null as is_repaired
    from appointment_records
    where fate = 'accepted' and not is_opted_out
    union all
    select
        'emergency_care' as extract,
        person_id,
        provider_code,
        arrival_date as activity_date,
        false as is_quarantined,
        nulled_fields is not null as is_nulled,
        repaired_fields is not null as is_repaired
    from attendance_records
    where fate = 'accepted' and not is_opted_out
    union all
    select
        quarantined_records.extract,
        quarantined_records.person_id,
        quarantined_records.provider_code,
        quarantined_records.activity_date,
        true as is_quarantined,
        false as is_nulled,
        false as is_repaired
    from quarantined_records
    left outer join opt_outs on quarantined_records.person_id = opt_outs.person_id
    where
        opt_outs.person_id is null
        and quarantined_records.extract in ('admissions', 'outpatients', 'emergency_care')
),

windows as (
    select
        index_date,
        min(case when period = 'baseline' then month_start_date end) as baseline_start_date,
        min(case when period = 'follow_up' then month_start_date end) as follow_up_start_date,
        max(case when period = 'follow_up' then month_end_date end) as follow_up_end_date
    from index_months
    group by index_date
),

placed as (
    select
        records.extract,
        case
            when index_dates.is_pilot then 'pilot'
            when not index_dates.is_pilot then 'comparison'
            when records.person_id is null then 'unknown'
            else 'neither'
        end as arm,
        coalesce(index_dates.site_id, 'none') as site_id,
        coalesce(records.provider_code, 'unknown') as provider_code,
        case
            when records.activity_date is null then 'unknown'
            when records.activity_date < windows.baseline_start_date then 'outside'
            when records.activity_date < windows.follow_up_start_date then 'baseline'
            when records.activity_date < windows.follow_up_end_date then 'follow_up'
            else 'outside'
        end as period,
        records.is_quarantined,
        records.is_nulled,
        records.is_repaired
    from records
    left outer join index_dates on records.person_id = index_dates.person_id
    left outer join windows on index_dates.index_date = windows.index_date
)

select
    extract,
    arm,
    site_id,
    provider_code,
    period,
    count(*) as records,
    cast(sum(cast(is_quarantined as integer)) as bigint) as records_quarantined,
    cast(sum(cast(is_nulled as integer)) as bigint) as records_nulled,
    cast(sum(cast(is_repaired as integer)) as bigint) as records_repaired,
    100.0 * sum(cast(is_quarantined as integer)) / count(*) as quarantined_pct,
    100.0 * sum(cast(is_nulled as integer)) / count(*) as nulled_pct,
    100.0 * sum(cast(is_repaired as integer)) / count(*) as repaired_pct
from placed
group by extract, arm, site_id, provider_code, period
