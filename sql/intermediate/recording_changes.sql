-- Providers whose recording of a kind of activity steps up or down at some month, beside the other providers.
-- grain: one row per provider_code, activity
-- contract: none
-- decision: docs/decisions/0017-sensitivity.md
-- Records a month (diagnoses an episode) in up to twelve covered months from a month on, over those in up to
-- twelve before it, at least six each, relative to the median provider of the same months: a step by half
-- up or a third down, and by five standard errors of a binomial share. The month of the clearest step stands.
-- At least three providers, else nothing can be said.
with sides as (
    select
        provider_code,
        activity,
        month,
        coalesce(sum(records) over earlier, 0) as records_before,
        coalesce(sum(opportunities) over earlier, 0) as opportunities_before,
        count(*) over earlier as months_before,
        sum(records) over later as records_after,
        sum(opportunities) over later as opportunities_after,
        count(*) over later as months_after
    from provider_activity_by_month
    window
        earlier as (
            partition by provider_code, activity
            order by month asc nulls last rows between 12 preceding and 1 preceding
        ),
        later as (
            partition by provider_code, activity
            order by month asc nulls last rows between current row and 11 following
        )
),

ratios as (
    select
        *,
        (records_after / cast(opportunities_after as double))
        / (nullif(records_before, 0) / cast(opportunities_before as double)) as ratio
    from sides
    where months_before >= 6 and months_after >= 6 and opportunities_before > 0 and opportunities_after > 0
),

usual as (
    select
        activity,
        month,
        median(ratio) as usual_ratio
    from ratios
    where ratio is not null
    group by activity, month
    having count(*) >= 3 and median(ratio) > 0
),

-- The share of a provider's records that would fall after the month, had it changed as the median provider.
expected as (
    select
        ratios.*,
        usual.usual_ratio,
        usual.usual_ratio * ratios.opportunities_after
        / (usual.usual_ratio * ratios.opportunities_after + ratios.opportunities_before) as expected_share
    from ratios
    inner join usual on ratios.activity = usual.activity and ratios.month = usual.month
),

steps as (
    select
        provider_code,
        activity,
        month,
        coalesce(ratio / usual_ratio, 'infinity') as step,
        (records_after - (records_before + records_after) * expected_share)
        / sqrt(
            nullif((records_before + records_after) * expected_share * (1 - expected_share), 0)
        ) as standard_errors
    from expected
),

clearest as (
    select
        *,
        row_number() over (
            partition by provider_code, activity
            order by abs(standard_errors) desc nulls last, month asc nulls last
        ) as clearness
    from steps
    where abs(standard_errors) >= 5 and (step >= 1.5 or step <= 2.0 / 3)
)

select
    provider_code,
    activity,
    month as changed_month,
    step
from clearest
where clearness = 1
