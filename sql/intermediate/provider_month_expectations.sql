-- Records of each provider in each covered month beside what its earlier months let expect.
-- grain: one row per extract, provider_code, month
-- contract: none
-- decision: docs/decisions/0024-end-of-data.md
-- Expected: the provider's records a day in the twelve months before, times the season: all providers'
-- records a day in this month of the year before over those in the twelve months before that, 1 without 24
-- months. Months below half of a provider's median are left out of what is usual. As expected: within 5 per
-- cent, or within five errors of counting. Null verdict: fewer than twelve months before, or at most 1 per
-- cent of the records.
with months as (
    select
        extract,
        contract_id,
        provider_code,
        month,
        12 * extract(year from month) + extract(month from month) as month_number,
        records,
        cast(month + interval 1 month as date) - month as days_of_month,
        records >= median_records / 2 as is_usual
    from provider_month_records
),

windows as (
    select
        extract,
        contract_id,
        provider_code,
        month,
        records,
        days_of_month,
        count(*) over year_before as months_before,
        sum(case when is_usual then records end) over year_before as records_before,
        sum(case when is_usual then days_of_month end) over year_before as days_before,
        count(*) over second_year_before as months_of_second_year,
        sum(case when is_usual then records end) over second_year_before as records_of_second_year,
        sum(case when is_usual then days_of_month end) over second_year_before as days_of_second_year,
        sum(case when is_usual then records end) over month_of_last_year as records_of_last_year,
        sum(case when is_usual then days_of_month end) over month_of_last_year as days_of_last_year
    from months
    window
        year_before as (
            partition by extract, provider_code
            order by month_number asc nulls last range between 12 preceding and 1 preceding
        ),
        second_year_before as (
            partition by extract, provider_code
            order by month_number asc nulls last range between 24 preceding and 13 preceding
        ),
        month_of_last_year as (
            partition by extract, provider_code
            order by month_number asc nulls last range between 12 preceding and 12 preceding
        )
),

seasons as (
    select
        extract,
        month,
        sum(records_of_last_year) as records_of_last_year,
        sum(records_of_second_year) as records_of_second_year,
        sum(cast(records_of_last_year as double) / days_of_last_year)
        / sum(cast(records_of_second_year as double) / days_of_second_year) as season
    from windows
    where months_of_second_year = 12 and records_of_last_year > 0 and records_of_second_year > 0
    group by extract, month
),

expectations as (
    select
        windows.extract,
        windows.contract_id,
        windows.provider_code,
        windows.month,
        windows.records,
        windows.records_before,
        windows.records_before
        > 0.01 * sum(windows.records_before) over (partition by windows.extract, windows.month) as is_large,
        windows.days_of_month * coalesce(seasons.season, 1)
        * windows.records_before / cast(windows.days_before as double) as expected_records,
        coalesce(1.0 / seasons.records_of_last_year + 1.0 / seasons.records_of_second_year, 0)
            as season_variance
    from windows
    left outer join seasons on windows.extract = seasons.extract and windows.month = seasons.month
    where windows.months_before = 12 and windows.records_before > 0
),

allowed as (
    select
        *,
        greatest(
            0.05 * expected_records,
            5 * sqrt(
                expected_records
                + expected_records * expected_records * (1.0 / records_before + season_variance)
            )
        ) as allowed_difference
    from expectations
)

select
    months.extract,
    months.contract_id,
    months.provider_code,
    months.month,
    months.records,
    allowed.expected_records,
    allowed.allowed_difference,
    case
        when allowed.is_large
            then abs(months.records - allowed.expected_records) <= allowed.allowed_difference
    end as is_expected
from months
left outer join allowed
    on
        months.extract = allowed.extract
        and months.provider_code = allowed.provider_code
        and months.month = allowed.month
