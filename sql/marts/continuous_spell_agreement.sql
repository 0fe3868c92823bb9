-- Continuous inpatient spells of the study's rule set, and those that every published rule set finds too.
-- grain: one row per contract_id, arm
-- contract: data_contracts/marts/continuous_spell_agreement.odcs.yaml
-- decision: docs/decisions/0004-spells.md
-- Common to all: the same first and the same last provider spell. The quality rule judges the arm, or all
-- spells, with the smallest share in common, of those with at least 100 spells: its two columns are null in
-- the other rows.
with ends as (
    select
        continuous_rule,
        person_id,
        continuous_spell_number,
        max(case when is_first_spell then provider_code end) as first_provider_code,
        max(case when is_first_spell then spell_number end) as first_spell_number,
        max(case when is_last_spell then provider_code end) as last_provider_code,
        max(case when is_last_spell then spell_number end) as last_spell_number
    from continuous_spell_members
    where is_first_spell or is_last_spell
    group by continuous_rule, person_id, continuous_spell_number
),

rules as (
    select count(distinct continuous_rule) as rule_sets
    from code_list__continuous_spell_rules
),

found as (
    select
        ends.person_id,
        bool_or(ends.continuous_rule = study_design.continuous_rule) as is_own,
        count(*) as rule_sets
    from ends
    cross join study_design
    group by
        ends.person_id,
        ends.first_provider_code,
        ends.first_spell_number,
        ends.last_provider_code,
        ends.last_spell_number
),

own as (
    select
        found.person_id,
        found.rule_sets = rules.rule_sets as is_in_common
    from found
    cross join rules
    where found.is_own
),

arms as (
    select
        'all' as arm,
        is_in_common
    from own
    union all
    select
        case when index_dates.is_pilot then 'pilot' else 'comparison' end as arm,
        own.is_in_common
    from own
    inner join index_dates on own.person_id = index_dates.record_person_id
),

counted as (
    select
        arm,
        count(*) as continuous_spells,
        count(*) filter (where is_in_common) as continuous_spells_in_common,
        cast(count(*) filter (where is_in_common) as double) / count(*) as share_in_common
    from arms
    group by arm
),

ranked as (
    select
        *,
        row_number() over (
            partition by continuous_spells >= 100
            order by share_in_common asc nulls last, arm asc nulls last
        ) as place
    from counted
)

select
    'hes_apc' as contract_id,
    arm,
    continuous_spells,
    continuous_spells_in_common,
    share_in_common,
    case when continuous_spells >= 100 and place = 1 then continuous_spells end as spells_judged,
    case
        when continuous_spells >= 100 and place = 1 then continuous_spells - continuous_spells_in_common
    end as spells_judged_that_differ
from ranked
