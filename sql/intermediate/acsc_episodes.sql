-- Episodes whose primary diagnosis is on the list of ambulatory care sensitive conditions.
-- grain: one row per episode_key, condition
-- contract: none
-- By diagnosis alone, with the secondary diagnosis that the list asks for, if any.
with distinct_codes as (
    select distinct primary_diagnosis_code
    from episodes
),

matched as (
    select
        distinct_codes.primary_diagnosis_code,
        acsc.condition,
        acsc.condition_group,
        acsc.required_secondary_code
    from distinct_codes
    inner join code_list__acsc_icd_only as acsc
        on starts_with(distinct_codes.primary_diagnosis_code, acsc.code)
),

candidates as (
    select
        episodes.episode_key,
        episodes.secondary_diagnosis_codes,
        matched.condition,
        matched.condition_group,
        matched.required_secondary_code
    from episodes
    inner join matched on episodes.primary_diagnosis_code = matched.primary_diagnosis_code
),

secondary_codes as (
    select
        episode_key,
        condition,
        condition_group,
        required_secondary_code,
        unnest(secondary_diagnosis_codes) as secondary_code
    from candidates
    where required_secondary_code is not null
)

select
    episode_key,
    condition,
    condition_group
from candidates
where required_secondary_code is null
union
select
    episode_key,
    condition,
    condition_group
from secondary_codes
where starts_with(secondary_code, required_secondary_code)
