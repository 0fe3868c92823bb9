-- Diagnoses of the episodes that ended in the 24 months before the index date, in any position.
-- grain: one row per person_id, episode_key, diagnosis_code
-- contract: none
-- Diagnoses are coded when an episode ends: one that goes on at the index date has none yet. An episode
-- without a primary diagnosis has a row without a code, so that it is counted among the episodes.
with ended as (
    select
        index_dates.person_id,
        episodes.episode_key,
        episodes.primary_diagnosis_code,
        episodes.secondary_diagnosis_codes
    from episodes
    inner join index_dates on episodes.person_id = index_dates.record_person_id
    inner join look_back_windows as windows on index_dates.index_date = windows.index_date
    where
        episodes.episode_end_date >= windows.start_24_months_date
        and episodes.episode_end_date < index_dates.index_date
),

secondary as (
    select
        person_id,
        episode_key,
        unnest(secondary_diagnosis_codes) as diagnosis_code
    from ended
)

select
    person_id,
    episode_key,
    primary_diagnosis_code as diagnosis_code
from ended
union
select
    person_id,
    episode_key,
    diagnosis_code
from secondary
where diagnosis_code is not null
