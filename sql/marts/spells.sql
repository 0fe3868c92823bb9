-- Provider spells: the stays of one person in one provider.
-- grain: one row per person_id, provider_code, spell_number
-- contract: data_contracts/marts/spells.odcs.yaml
-- kind: view
select
    person_id,
    provider_code,
    spell_number,
    admission_date,
    discharge_date,
    cast(date_diff('day', admission_date, discharge_date) as bigint) as length_of_stay_days,
    discharge_date is not null as is_finished,
    episodes,
    admission_method_code,
    admission_source_code,
    discharge_method_code,
    discharge_destination_code,
    patient_classification_code,
    main_specialty_code,
    treatment_specialty_code,
    primary_diagnosis_code,
    hrg_code,
    is_after_death,
    nested_spells
from provider_spells
