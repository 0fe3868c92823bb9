-- Which provider a provider code stands for after mergers.
-- grain: one row per provider_code that was taken over
-- contract: none
-- Applied to all of a code's history, so that a stay that crosses the day of a merger is one stay;
-- successions are followed to their end, at most ten steps, by the latest one where a code has several.
with recursive ranked_successions as (
    select
        provider_code,
        successor_code,
        row_number() over (
            partition by provider_code
            order by from_date desc nulls last, successor_code asc nulls last
        ) as recency
    from provider_successions
    where provider_code <> successor_code
),

successions as (
    select
        provider_code,
        successor_code
    from ranked_successions
    where recency = 1
),

followed as (
    select
        provider_code,
        successor_code as current_provider_code,
        1 as steps
    from successions
    union all
    select
        followed.provider_code,
        successions.successor_code as current_provider_code,
        followed.steps + 1 as steps
    from followed
    inner join successions on followed.current_provider_code = successions.provider_code
    where followed.steps < 10
),

ends as (
    select
        provider_code,
        current_provider_code,
        row_number() over (partition by provider_code order by steps desc nulls last) as steps_from_end
    from followed
)

select
    provider_code,
    current_provider_code
from ends
where steps_from_end = 1
