-- Emergency admissions of both arms and periods under each published rule set.
-- grain: one row per arm, period, continuous_rule
-- contract: data_contracts/marts/emergency_admissions_by_rule.odcs.yaml
-- Null where the admissions extract does not cover the period of somebody in the arm.
with arms as (
    select
        is_pilot,
        period,
        bool_and(emergency_admissions is not null) as is_covered,
        cast(sum(person_days) as double) / 365.25 as person_years
    from person_periods
    group by is_pilot, period
),

rules as (
    select distinct continuous_rule
    from code_list__continuous_spell_rules
),

admissions as (
    select
        is_pilot,
        period,
        continuous_rule,
        cast(sum(emergency_admissions) as bigint) as emergency_admissions
    from emergency_admissions_by_person_rule
    group by is_pilot, period, continuous_rule
)

select
    case when arms.is_pilot then 'pilot' else 'comparison' end as arm,
    arms.period,
    rules.continuous_rule,
    case when arms.is_covered then coalesce(admissions.emergency_admissions, 0) end as emergency_admissions,
    arms.person_years
from arms
cross join rules
left outer join admissions
    on
        arms.is_pilot = admissions.is_pilot
        and arms.period = admissions.period
        and rules.continuous_rule = admissions.continuous_rule
