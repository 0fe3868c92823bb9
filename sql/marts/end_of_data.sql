-- Up to when the data are known to be complete, by extract, and for the study the earliest of them.
-- grain: one row per extract
-- contract: data_contracts/marts/end_of_data.odcs.yaml
-- decision: docs/decisions/0024-end-of-data.md
with ends as (
    select
        extract,
        extract_end_date,
        settled_until_date,
        complete_until_date,
        data_until,
        data_needed_until_date,
        providers_judged,
        providers_not_as_expected,
        is_data_until_supported
    from extract_ends
    union all
    select
        'study' as extract,
        min(extract_end_date) as extract_end_date,
        min(settled_until_date) as settled_until_date,
        case
            when bool_and(complete_until_date is not null or is_data_until_supported is null)
                then min(complete_until_date)
        end as complete_until_date,
        min(data_until) as data_until,
        min(data_needed_until_date) as data_needed_until_date,
        null as providers_judged,
        null as providers_not_as_expected,
        bool_and(is_data_until_supported) as is_data_until_supported
    from extract_ends
)

select
    extract,
    extract_end_date,
    settled_until_date,
    complete_until_date,
    data_until,
    data_needed_until_date,
    providers_judged,
    case
        when providers_not_as_expected not between 1 and 7 then providers_not_as_expected
    end as providers_not_as_expected,
    coalesce(providers_not_as_expected between 1 and 7, false) as is_number_withheld,
    is_data_until_supported,
    case
        when is_data_until_supported is null
            then
                'Whether the data are complete up to ' || cast(data_needed_until_date as varchar)
                || ' could not be judged: it takes a provider with twelve earlier months.'
        when not is_data_until_supported and complete_until_date is null
            then
                'No month is known to be complete, data are needed up to '
                || cast(data_needed_until_date as varchar) || ': counts may miss records.'
        when not is_data_until_supported
            then
                'Known to be complete up to ' || cast(complete_until_date as varchar)
                || ' only, data are needed up to ' || cast(data_needed_until_date as varchar)
                || ': later counts may miss records.'
    end as caution
from ends
