-- Consultant episodes of the people of the study: accepted records, decoded.
-- grain: one row per episode_key
-- contract: none
select
    admission_records.person_id,
    admission_records.provider_code,
    admission_records.episode_key,
    admission_records.episode_start_date,
    admission_records.episode_end_date,
    admission_records.episode_order,
    admission_records.transit_code,
    admission_records.admission_date,
    admission_records.discharge_date,
    admission_records.admission_method_code,
    admission_records.admission_source_code,
    admission_records.discharge_method_code,
    admission_records.discharge_destination_code,
    admission_records.patient_classification_code,
    admission_records.main_specialty_code,
    admission_records.treatment_specialty_code,
    admission_records.primary_diagnosis_code,
    admission_records.secondary_diagnosis_codes,
    admission_records.procedure_codes,
    admission_records.hrg_code,
    coalesce(endings.is_end_of_spell, false) as is_end_of_spell,
    coalesce(not endings.is_end_of_spell, false) as is_spell_open,
    coalesce(classes.is_regular_attender, false) as is_regular_attender,
    coalesce(
        admission_records.start_age_years = 0 or admission_records.start_age_years between 7001 and 7007,
        admission_records.episode_start_date < population.date_of_birth + interval 1 year,
        false
    ) as is_infant,
    coalesce(admission_records.episode_start_date > population.date_of_death, false) as is_after_death,
    population.date_of_death
from admission_records
inner join population on admission_records.person_id = population.person_id
left outer join code_list__discharge_method as endings
    on admission_records.discharge_method_code = endings.code
left outer join code_list__patient_classification as classes
    on admission_records.patient_classification_code = classes.code
where admission_records.fate = 'accepted'
