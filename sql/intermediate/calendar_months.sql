-- The calendar months that any extract covers, from the first to the last, none later than the data.
-- grain: one row per month_start_date
-- contract: none
with bounds as (
    select
        min(month_coverage.month) as first_month,
        least(max(month_coverage.month), max(study_design.data_until)) as last_date
    from month_coverage
    cross join study_design
),

months as (
    select cast(unnest(generate_series(first_month, last_date, interval 1 month)) as date) as month_start_date
    from bounds
)

select
    month_start_date,
    cast(month_start_date + interval 1 month as date) as month_end_date
from months
