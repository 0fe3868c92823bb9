-- Provider spells: consecutive episodes of one person under one provider, with what they count as.
-- grain: one row per person_id, provider_code, spell_number
-- contract: none
-- Admission fields come from the first episode, discharge fields from the last, nested stays left out of
-- both. A spell is finished if its last episode has a discharge date, or an end and a discharge method that
-- ends a spell.
with first_episodes as (
    select
        episode_spells.spell_number,
        episodes.person_id,
        episodes.provider_code,
        episodes.episode_key,
        episodes.episode_start_date,
        episodes.admission_date,
        episodes.transit_code,
        episodes.admission_method_code,
        episodes.admission_source_code,
        episodes.patient_classification_code,
        episodes.main_specialty_code,
        episodes.treatment_specialty_code,
        episodes.primary_diagnosis_code,
        episodes.hrg_code,
        episodes.is_regular_attender,
        episodes.is_infant,
        episodes.date_of_death
    from episode_spells
    inner join episodes on episode_spells.episode_key = episodes.episode_key
    where episode_spells.is_first_episode
),

last_episodes as (
    select
        episode_spells.person_id,
        episode_spells.provider_code,
        episode_spells.spell_number,
        episodes.discharge_method_code,
        episodes.discharge_destination_code,
        -- Discharge method 8 says that the spell is not finished, whatever date stands beside it.
        case
            when coalesce(episodes.discharge_method_code, '') <> '8'
                then coalesce(
                    episodes.discharge_date,
                    case when episodes.is_end_of_spell then episodes.episode_end_date end
                )
        end as discharge_date
    from episode_spells
    inner join episodes on episode_spells.episode_key = episodes.episode_key
    where episode_spells.is_last_episode
),

whole_spells as (
    select
        episode_spells.person_id,
        episode_spells.provider_code,
        episode_spells.spell_number,
        count(*) as episodes,
        count(distinct episode_spells.nested_stay_number) as nested_spells,
        min(case when not episode_spells.is_nested then episodes.admission_date end)
            as earliest_admission_date,
        max(case when not episode_spells.is_nested then episodes.episode_end_date end)
            as last_episode_end_date
    from episode_spells
    inner join episodes on episode_spells.episode_key = episodes.episode_key
    group by episode_spells.person_id, episode_spells.provider_code, episode_spells.spell_number
),

listed_spells as (
    select
        episode_spells.person_id,
        episode_spells.provider_code,
        episode_spells.spell_number,
        bool_or(episode_code_lists.list_name = 'chemotherapy') as is_chemotherapy,
        bool_or(episode_code_lists.list_name = 'dialysis') as is_dialysis,
        bool_or(episode_code_lists.list_name = 'cancer') as is_cancer,
        bool_or(episode_code_lists.list_name = 'obstetric') as is_obstetric
    from episode_spells
    inner join episode_code_lists on episode_spells.episode_key = episode_code_lists.episode_key
    group by episode_spells.person_id, episode_spells.provider_code, episode_spells.spell_number
),

dated as (
    select
        first_episodes.person_id,
        first_episodes.provider_code,
        first_episodes.spell_number,
        coalesce(
            first_episodes.admission_date,
            whole_spells.earliest_admission_date,
            first_episodes.episode_start_date
        ) as admission_date,
        last_episodes.discharge_date,
        whole_spells.last_episode_end_date,
        whole_spells.episodes,
        whole_spells.nested_spells,
        first_episodes.episode_key as first_episode_key,
        first_episodes.transit_code,
        first_episodes.admission_method_code,
        first_episodes.admission_source_code,
        last_episodes.discharge_method_code,
        last_episodes.discharge_destination_code,
        first_episodes.patient_classification_code,
        first_episodes.main_specialty_code,
        first_episodes.treatment_specialty_code,
        first_episodes.primary_diagnosis_code,
        first_episodes.hrg_code,
        first_episodes.is_regular_attender,
        first_episodes.is_infant,
        first_episodes.date_of_death
    from first_episodes
    inner join last_episodes
        on
            first_episodes.person_id = last_episodes.person_id
            and first_episodes.provider_code = last_episodes.provider_code
            and first_episodes.spell_number = last_episodes.spell_number
    inner join whole_spells
        on
            first_episodes.person_id = whole_spells.person_id
            and first_episodes.provider_code = whole_spells.provider_code
            and first_episodes.spell_number = whole_spells.spell_number
)

select
    dated.person_id,
    dated.provider_code,
    dated.spell_number,
    dated.admission_date,
    -- A discharge before the admission cannot be true, and no length of stay follows from it.
    case when dated.discharge_date >= dated.admission_date then dated.discharge_date end as discharge_date,
    coalesce(dated.discharge_date, dated.last_episode_end_date) as last_known_date,
    dated.episodes,
    dated.nested_spells,
    dated.transit_code,
    dated.admission_method_code,
    dated.admission_source_code,
    dated.discharge_method_code,
    dated.discharge_destination_code,
    dated.patient_classification_code,
    dated.main_specialty_code,
    dated.treatment_specialty_code,
    dated.primary_diagnosis_code,
    dated.hrg_code,
    dated.is_regular_attender,
    coalesce(methods.is_transfer, false) or coalesce(sources.is_other_hospital, false) as is_transferred_in,
    (
        coalesce(methods.new_emergency = 'always', false)
        or coalesce(methods.new_emergency = 'infants' and dated.is_infant, false)
    )
    and not coalesce(sources.is_other_hospital, false) as is_new_emergency_admission,
    coalesce(methods.admission_group = 'elective', false)
    and coalesce(classes.is_admission, false) as is_elective_admission,
    coalesce(classes.is_admission, false) as is_ordinary_or_day_case,
    coalesce(classes.is_day_case, false) as is_day_case,
    coalesce(endings.is_death, false) as is_ended_by_death,
    coalesce(listed_spells.is_chemotherapy, false) as is_chemotherapy,
    coalesce(listed_spells.is_dialysis, false) as is_dialysis,
    coalesce(listed_spells.is_cancer, false) as is_cancer,
    coalesce(listed_spells.is_obstetric, false) as is_obstetric,
    acsc_episodes.episode_key is not null as is_ambulatory_care_sensitive_diagnosis,
    coalesce(dated.admission_date > dated.date_of_death, false) as is_after_death
from dated
left outer join code_list__admission_method as methods on dated.admission_method_code = methods.code
left outer join code_list__admission_source as sources on dated.admission_source_code = sources.code
left outer join code_list__patient_classification as classes
    on dated.patient_classification_code = classes.code
left outer join code_list__discharge_method as endings on dated.discharge_method_code = endings.code
left outer join acsc_episodes on dated.first_episode_key = acsc_episodes.episode_key
left outer join listed_spells
    on
        dated.person_id = listed_spells.person_id
        and dated.provider_code = listed_spells.provider_code
        and dated.spell_number = listed_spells.spell_number
