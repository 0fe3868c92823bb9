-- Every day of the months around each index date: which month and period it falls in.
-- grain: one row per index_date, activity_date
-- contract: none
with days as (
    select
        index_date,
        month_from_index,
        period,
        cast(
            unnest(generate_series(month_start_date, month_end_date - interval 1 day, interval 1 day)) as date
        ) as activity_date
    from index_months
)

select
    index_date,
    activity_date,
    month_from_index,
    period
from days
