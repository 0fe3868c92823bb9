-- Continuous inpatient spells: stays in hospital with transfers joined, under both published rule sets.
-- grain: one row per continuous_rule, person_id, continuous_spell_number
-- contract: data_contracts/marts/continuous_inpatient_spells.odcs.yaml
-- kind: view
select
    continuous_spells.continuous_rule,
    continuous_spells.person_id,
    continuous_spells.continuous_spell_number,
    continuous_spells.admission_date,
    continuous_spells.discharge_date,
    continuous_spells.length_of_stay_days,
    continuous_spells.is_finished,
    continuous_spells.spells,
    continuous_spells.provider_code,
    continuous_spells.discharge_provider_code,
    continuous_spells.admission_method_code,
    continuous_spells.admission_source_code,
    continuous_spells.patient_classification_code,
    continuous_spells.primary_diagnosis_code,
    continuous_spells.hrg_code,
    continuous_spells.discharge_method_code,
    continuous_spells.discharge_destination_code,
    continuous_spells.is_new_emergency_admission,
    continuous_spells.is_elective_admission,
    continuous_spells.is_regular_attendance,
    continuous_spells.is_chemotherapy,
    continuous_spells.is_ambulatory_care_sensitive,
    emergency_readmissions.person_id is not null as is_emergency_readmission_30_days,
    continuous_spells.is_after_death,
    continuous_spells.cost_gbp,
    continuous_spells.nested_spells,
    continuous_spells.is_overlapping
from continuous_spells
left outer join emergency_readmissions
    on
        continuous_spells.continuous_rule = emergency_readmissions.continuous_rule
        and continuous_spells.person_id = emergency_readmissions.person_id
        and continuous_spells.continuous_spell_number = emergency_readmissions.continuous_spell_number
