-- The months around each index date, from the start of the look-back to the end of follow-up.
-- grain: one row per index_date, month_from_index
-- contract: data_contracts/marts/index_months.odcs.yaml
-- Each boundary is counted from the index date itself and clips to the end of the month. The design stage has
-- no months of follow-up: whatever is counted by these months knows no outcome then.
with distinct_dates as (
    select distinct index_date
    from index_dates
),

numbered as (
    select
        distinct_dates.index_date,
        study_design.baseline_months,
        unnest(
            generate_series(
                -study_design.look_back_months,
                case when study_design.is_design_stage then 0 else study_design.follow_up_months end - 1
            )
        ) as month_from_index
    from distinct_dates
    cross join study_design
)

select
    index_date,
    month_from_index,
    cast(date_add(index_date, to_months(cast(month_from_index as integer))) as date) as month_start_date,
    cast(date_add(index_date, to_months(cast(month_from_index + 1 as integer))) as date) as month_end_date,
    case
        when month_from_index >= 0 then 'follow_up'
        when month_from_index >= -baseline_months then 'baseline'
        else 'look_back'
    end as period
from numbered
