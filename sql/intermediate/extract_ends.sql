-- Up to when each extract of activity is known to be complete, and whether that reaches what the study needs.
-- grain: one row per extract
-- contract: none
-- decision: docs/decisions/0024-end-of-data.md
-- Needed: months up to that of the last day of anyone's follow-up, as far as data_until lets them be whole.
-- Null verdict: no month has a provider that can be judged.
with enrolled as (
    select max(index_date) as last_index_date
    from enrolments
),

needed_days as (
    select
        study_design.data_until,
        least(
            study_design.data_until,
            cast(
                date_add(
                    coalesce(enrolled.last_index_date, study_design.data_until),
                    to_months(cast(study_design.follow_up_months as integer))
                ) as date
            ) - 1
        ) as data_needed_until_date
    from study_design
    cross join enrolled
),

needed as (
    select
        data_until,
        data_needed_until_date,
        least(
            cast(date_trunc('month', data_needed_until_date) + interval 1 month as date) - 1,
            cast(date_trunc('month', data_until + 1) as date) - 1
        ) as needed_month_end_date
    from needed_days
),

ends as (
    select
        extract,
        cast(max(received_at) as date) as extract_end_date
    from deliveries_read
    where status = 'accepted'
    group by extract
),

last_months as (
    select
        expected_months.extract,
        max(
            case
                when
                    expected_months.providers_judged > 0
                    and expected_months.providers_not_as_expected = 0
                    and expected_months.month_end_date <= ends.extract_end_date - 60
                    then expected_months.month_end_date
            end
        ) as complete_until_date,
        sum(expected_months.providers_judged) > 0 as is_judged
    from expected_months
    inner join ends on expected_months.extract = ends.extract
    group by expected_months.extract
)

select
    study_extracts.extract,
    study_extracts.contract_id,
    ends.extract_end_date,
    ends.extract_end_date - 60 as settled_until_date,
    last_months.complete_until_date,
    needed.data_until,
    needed.data_needed_until_date,
    coalesce(in_last_month.providers_judged, 0) as providers_judged,
    coalesce(in_last_month.providers_not_as_expected, 0) as providers_not_as_expected,
    case
        when last_months.is_judged
            then
                coalesce(last_months.complete_until_date >= needed.needed_month_end_date, false)
    end as is_data_until_supported
from study_extracts
cross join needed
left outer join ends on study_extracts.extract = ends.extract
left outer join last_months on study_extracts.extract = last_months.extract
left outer join expected_months as in_last_month
    on
        study_extracts.extract = in_last_month.extract
        and needed.needed_month_end_date = in_last_month.month_end_date
where study_extracts.extract in ('admissions', 'outpatients', 'emergency_care')
