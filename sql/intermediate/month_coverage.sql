-- The calendar months for which each extract holds data, and in which every activity has a price.
-- grain: one row per month
-- contract: data_contracts/marts/month_coverage.odcs.yaml
-- A month without any extract has no row. What is priced, or delivered at all, belongs to the cost.
with months as (
    select
        month,
        bool_or(extract = 'admissions') as admissions,
        bool_or(extract = 'outpatients') as outpatients,
        bool_or(extract = 'emergency_care') as emergency_care
    from extract_coverage
    group by month
),

delivered as (
    select
        bool_or(outpatients) as outpatients,
        bool_or(emergency_care) as emergency_care
    from months
),

priced as (
    select
        count(*) > 0 as has_prices,
        count(*) filter (where activity = 'outpatient_attendance') > 0 as outpatients,
        count(*) filter (where activity = 'ae_attendance') > 0 as emergency_care
    from prices
)

select
    months.month,
    months.admissions,
    months.outpatients,
    months.emergency_care,
    priced.has_prices
    and months.admissions
    and (months.outpatients or not (priced.outpatients or delivered.outpatients))
    and (months.emergency_care or not (priced.emergency_care or delivered.emergency_care)) as all_costs
from months
cross join delivered
cross join priced
