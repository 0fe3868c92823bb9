-- How old the newest delivery of each extract is when the run starts, and whether the next one is late.
-- grain: one row per extract
-- contract: none
-- Not late: data up to data_until are there (by the period of a delivery, or because it came after), or the
-- newest delivery is at most late_after_days old. Null verdict: a made-up study; a survey, which comes once.
with newest as (
    select
        extract,
        max(received_at) as newest_delivery_at,
        cast(
            cast(max(right(period, 7)) || '-01' as date) + interval 1 month - interval 1 day as date
        ) as covered_until_date
    from deliveries_read
    where status in ('accepted', 'superseded', 'duplicate_file')
    group by extract
),

aged as (
    select
        newest.extract,
        study_extracts.contract_id,
        newest.newest_delivery_at,
        newest.covered_until_date,
        cast(newest.newest_delivery_at as date) - newest.covered_until_date as delivered_after_days,
        cast(current_run.started_at as date) - cast(newest.newest_delivery_at as date) as age_days
    from newest
    inner join study_extracts on newest.extract = study_extracts.extract
    cross join current_run
)

select
    aged.extract,
    aged.contract_id,
    aged.newest_delivery_at,
    aged.covered_until_date,
    aged.delivered_after_days,
    aged.age_days,
    case
        when study_design.synthetic or aged.contract_id = 'survey' then null
        else
            aged.age_days <= study_design.late_after_days
            or coalesce(
                aged.covered_until_date >= study_design.data_until,
                cast(aged.newest_delivery_at as date) > study_design.data_until
            )
    end as is_fresh
from aged
cross join study_design
