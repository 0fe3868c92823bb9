-- Continuous inpatient spells under each rule set: stays with transfers joined, and what they count as.
-- grain: one row per continuous_rule, person_id, continuous_spell_number
-- contract: none
-- Admission fields and measures come from the first provider spell, discharge fields from the one that ends
-- last.
with chains as (
    select
        continuous_rule,
        person_id,
        continuous_spell_number,
        count(*) as spells,
        cast(sum(nested_spells) as bigint) as nested_spells,
        max(case when is_first_spell then provider_code end) as first_provider_code,
        max(case when is_first_spell then spell_number end) as first_spell_number,
        max(case when is_last_spell then provider_code end) as last_provider_code,
        max(case when is_last_spell then spell_number end) as last_spell_number,
        bool_or(is_overlapping) as is_overlapping,
        bool_or(is_cancer) as is_cancer,
        bool_or(is_obstetric) as is_obstetric
    from continuous_spell_members
    group by continuous_rule, person_id, continuous_spell_number
),

routed as (
    select
        *,
        case
            when is_new_emergency_admission then 'emergency_spell'
            when is_elective_admission and is_day_case then 'elective_day_case'
            when is_elective_admission then 'elective_spell'
        end as flat_activity
    from provider_spells
),

priced as (
    select
        routed.*,
        case
            when routed.flat_activity is not null
                then coalesce(hrg_costs.unit_cost_gbp, flat_costs.unit_cost_gbp)
        end as cost_gbp
    from routed
    left outer join unit_costs as hrg_costs on 'hrg:' || routed.hrg_code = hrg_costs.activity
    left outer join unit_costs as flat_costs on routed.flat_activity = flat_costs.activity
)

select
    chains.continuous_rule,
    chains.person_id,
    chains.continuous_spell_number,
    first_spells.admission_date,
    last_spells.discharge_date,
    cast(date_diff('day', first_spells.admission_date, last_spells.discharge_date) as bigint)
        as length_of_stay_days,
    last_spells.discharge_date is not null as is_finished,
    chains.spells,
    first_spells.provider_code,
    last_spells.provider_code as discharge_provider_code,
    first_spells.admission_method_code,
    first_spells.admission_source_code,
    first_spells.patient_classification_code,
    first_spells.primary_diagnosis_code,
    first_spells.hrg_code,
    last_spells.discharge_method_code,
    last_spells.discharge_destination_code,
    first_spells.is_new_emergency_admission,
    first_spells.is_elective_admission,
    first_spells.is_regular_attender as is_regular_attendance,
    first_spells.is_ordinary_or_day_case,
    first_spells.is_chemotherapy,
    first_spells.is_dialysis,
    chains.is_cancer,
    chains.is_obstetric,
    last_spells.is_ended_by_death,
    first_spells.is_new_emergency_admission
    and first_spells.is_ambulatory_care_sensitive_diagnosis as is_ambulatory_care_sensitive,
    first_spells.is_after_death,
    first_spells.cost_gbp,
    chains.nested_spells,
    chains.is_overlapping
from chains
inner join priced as first_spells
    on
        chains.person_id = first_spells.person_id
        and chains.first_provider_code = first_spells.provider_code
        and chains.first_spell_number = first_spells.spell_number
inner join provider_spells as last_spells
    on
        chains.person_id = last_spells.person_id
        and chains.last_provider_code = last_spells.provider_code
        and chains.last_spell_number = last_spells.spell_number
