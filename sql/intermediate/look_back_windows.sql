-- Where the windows before each index date start, and since when each extract covers every day up to it.
-- grain: one row per index_date
-- contract: none
-- A window of m months is [index date - m months, index date), clipped to the end of the month. An extract
-- covers a window that starts on or after the extract's day: no calendar month since then is missing.
with starts as (
    select distinct
        index_date,
        cast(date_add(index_date, to_months(-1)) as date) as start_1_month_date,
        cast(date_add(index_date, to_months(-3)) as date) as start_3_months_date,
        cast(date_add(index_date, to_months(-6)) as date) as start_6_months_date,
        cast(date_add(index_date, to_months(-12)) as date) as start_12_months_date,
        cast(date_add(index_date, to_months(-24)) as date) as start_24_months_date
    from index_dates
),

extracts as (
    select 'admissions' as extract
    union all
    select 'outpatients' as extract
    union all
    select 'emergency_care' as extract
),

needed as (
    select
        starts.index_date,
        extracts.extract,
        cast(
            unnest(
                generate_series(
                    date_trunc('month', starts.start_24_months_date),
                    starts.index_date - interval 1 day,
                    interval 1 month
                )
            ) as date
        ) as calendar_month
    from starts
    cross join extracts
),

gaps as (
    select
        needed.index_date,
        needed.extract,
        max(case when extract_coverage.month is null then needed.calendar_month end) as last_missing_month
    from needed
    left outer join extract_coverage
        on needed.extract = extract_coverage.extract and needed.calendar_month = extract_coverage.month
    group by needed.index_date, needed.extract
),

covered as (
    select
        gaps.index_date,
        gaps.extract,
        coalesce(
            cast(gaps.last_missing_month + interval 1 month as date), starts.start_24_months_date
        ) as covered_from_date
    from gaps
    inner join starts on gaps.index_date = starts.index_date
)

select
    starts.index_date,
    starts.start_1_month_date,
    starts.start_3_months_date,
    starts.start_6_months_date,
    starts.start_12_months_date,
    starts.start_24_months_date,
    max(case when covered.extract = 'admissions' then covered.covered_from_date end)
        as admissions_from_date,
    max(case when covered.extract = 'outpatients' then covered.covered_from_date end)
        as outpatients_from_date,
    max(case when covered.extract = 'emergency_care' then covered.covered_from_date end)
        as emergency_care_from_date
from starts
inner join covered on starts.index_date = covered.index_date
group by
    starts.index_date,
    starts.start_1_month_date,
    starts.start_3_months_date,
    starts.start_6_months_date,
    starts.start_12_months_date,
    starts.start_24_months_date
