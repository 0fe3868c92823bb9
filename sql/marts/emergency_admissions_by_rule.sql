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
        index_dates.is_pilot,
        index_days.period,
        continuous_spells.continuous_rule,
        count(*) as emergency_admissions
    from continuous_spells
    inner join index_dates on continuous_spells.person_id = index_dates.person_id
    inner join index_days
        on
            index_dates.index_date = index_days.index_date
            and continuous_spells.admission_date = index_days.activity_date
    where
        continuous_spells.is_new_emergency_admission
        and continuous_spells.admission_date >= index_dates.observed_from_date
        and continuous_spells.admission_date < index_dates.observed_until_date
    group by index_dates.is_pilot, index_days.period, continuous_spells.continuous_rule
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
