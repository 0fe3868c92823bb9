-- Follow-up emergency admissions of the people compared, under the rule sets that the study does not use.
-- grain: one row per person_id, continuous_rule
-- contract: none
-- Null where the admissions extract does not cover the person's follow-up, as under the study's own rule.
with other_rules as (
    select distinct code_list__continuous_spell_rules.continuous_rule
    from code_list__continuous_spell_rules
    cross join study_design
    where code_list__continuous_spell_rules.continuous_rule <> study_design.continuous_rule
)

select
    use_by_period.person_id,
    other_rules.continuous_rule,
    use_by_period.person_days,
    case
        when use_by_period.emergency_admissions is not null
            then coalesce(emergency_admissions_by_person_rule.emergency_admissions, 0)
    end as emergency_admissions
from use_by_period
inner join comparable_people on use_by_period.person_id = comparable_people.person_id
cross join other_rules
left outer join emergency_admissions_by_person_rule
    on
        use_by_period.person_id = emergency_admissions_by_person_rule.person_id
        and use_by_period.period = emergency_admissions_by_person_rule.period
        and other_rules.continuous_rule = emergency_admissions_by_person_rule.continuous_rule
where use_by_period.period = 'follow_up'
