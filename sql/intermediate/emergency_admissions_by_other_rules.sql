-- Follow-up emergency admissions of the people compared, under the rule sets that the study does not use.
-- grain: one row per person_id, continuous_rule
-- contract: none
-- Null where the admissions extract does not cover the person's follow-up, as under the study's own rule.
with other_rules as (
    select distinct code_list__continuous_spell_rules.continuous_rule
    from code_list__continuous_spell_rules
    cross join study_design
    where code_list__continuous_spell_rules.continuous_rule <> study_design.continuous_rule
),

admissions as (
    select
        index_dates.person_id,
        continuous_spells.continuous_rule,
        count(*) as emergency_admissions
    from continuous_spells
    inner join index_dates on continuous_spells.person_id = index_dates.person_id
    inner join index_days
        on
            index_dates.index_date = index_days.index_date
            and continuous_spells.admission_date = index_days.activity_date
    where
        index_days.period = 'follow_up'
        and continuous_spells.is_new_emergency_admission
        and continuous_spells.admission_date >= index_dates.observed_from_date
        and continuous_spells.admission_date < index_dates.observed_until_date
    group by index_dates.person_id, continuous_spells.continuous_rule
)

select
    use_by_period.person_id,
    other_rules.continuous_rule,
    use_by_period.person_days,
    case
        when use_by_period.emergency_admissions is not null then coalesce(admissions.emergency_admissions, 0)
    end as emergency_admissions
from use_by_period
inner join comparison_cohort on use_by_period.person_id = comparison_cohort.person_id
cross join other_rules
left outer join admissions
    on
        use_by_period.person_id = admissions.person_id
        and other_rules.continuous_rule = admissions.continuous_rule
where use_by_period.period = 'follow_up'
