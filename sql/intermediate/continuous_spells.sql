-- Continuous inpatient spells under each rule set: stays with transfers joined, and what they count as.
-- grain: one row per continuous_rule, person_id, continuous_spell_number
-- contract: none
-- Admission fields and measures come from the first provider spell, discharge fields from the one that ends
-- last.
with first_spells as (
    select
        members.continuous_rule,
        members.continuous_spell_number,
        members.is_overlapping,
        provider_spells.*
    from continuous_spell_members as members
    inner join provider_spells
        on
            members.person_id = provider_spells.person_id
            and members.provider_code = provider_spells.provider_code
            and members.spell_number = provider_spells.spell_number
    where members.is_first_spell
),

last_spells as (
    select
        members.continuous_rule,
        members.continuous_spell_number,
        provider_spells.person_id,
        provider_spells.provider_code,
        provider_spells.discharge_date,
        provider_spells.discharge_method_code,
        provider_spells.discharge_destination_code,
        provider_spells.is_ended_by_death
    from continuous_spell_members as members
    inner join provider_spells
        on
            members.person_id = provider_spells.person_id
            and members.provider_code = provider_spells.provider_code
            and members.spell_number = provider_spells.spell_number
    where members.is_last_spell
),

whole_spells as (
    select
        members.continuous_rule,
        members.person_id,
        members.continuous_spell_number,
        count(*) as spells,
        cast(sum(provider_spells.nested_spells) as bigint) as nested_spells,
        bool_or(provider_spells.is_cancer) as is_cancer,
        bool_or(provider_spells.is_obstetric) as is_obstetric
    from continuous_spell_members as members
    inner join provider_spells
        on
            members.person_id = provider_spells.person_id
            and members.provider_code = provider_spells.provider_code
            and members.spell_number = provider_spells.spell_number
    group by members.continuous_rule, members.person_id, members.continuous_spell_number
),

-- A price that stands twice would be ambiguous: it then counts as missing.
unit_costs as (
    select
        activity,
        max(unit_cost_gbp) as unit_cost_gbp
    from prices
    group by activity
    having count(*) = 1
),

routed as (
    select
        *,
        case
            when is_new_emergency_admission then 'emergency_spell'
            when is_elective_admission and is_day_case then 'elective_day_case'
            when is_elective_admission then 'elective_spell'
        end as flat_activity
    from first_spells
)

select
    routed.continuous_rule,
    routed.person_id,
    routed.continuous_spell_number,
    routed.admission_date,
    last_spells.discharge_date,
    cast(date_diff('day', routed.admission_date, last_spells.discharge_date) as bigint)
        as length_of_stay_days,
    last_spells.discharge_date is not null as is_finished,
    whole_spells.spells,
    routed.provider_code,
    last_spells.provider_code as discharge_provider_code,
    routed.admission_method_code,
    routed.admission_source_code,
    routed.patient_classification_code,
    routed.primary_diagnosis_code,
    routed.hrg_code,
    last_spells.discharge_method_code,
    last_spells.discharge_destination_code,
    routed.is_new_emergency_admission,
    routed.is_elective_admission,
    routed.is_regular_attender as is_regular_attendance,
    routed.is_ordinary_or_day_case,
    routed.is_chemotherapy,
    routed.is_dialysis,
    whole_spells.is_cancer,
    whole_spells.is_obstetric,
    last_spells.is_ended_by_death,
    routed.is_new_emergency_admission
    and routed.is_ambulatory_care_sensitive_diagnosis as is_ambulatory_care_sensitive,
    routed.is_after_death,
    case
        when routed.flat_activity is not null
            then coalesce(hrg_costs.unit_cost_gbp, flat_costs.unit_cost_gbp)
    end as cost_gbp,
    whole_spells.nested_spells,
    routed.is_overlapping
from routed
inner join last_spells
    on
        routed.continuous_rule = last_spells.continuous_rule
        and routed.person_id = last_spells.person_id
        and routed.continuous_spell_number = last_spells.continuous_spell_number
inner join whole_spells
    on
        routed.continuous_rule = whole_spells.continuous_rule
        and routed.person_id = whole_spells.person_id
        and routed.continuous_spell_number = whole_spells.continuous_spell_number
left outer join unit_costs as hrg_costs on 'hrg:' || routed.hrg_code = hrg_costs.activity
left outer join unit_costs as flat_costs on routed.flat_activity = flat_costs.activity
