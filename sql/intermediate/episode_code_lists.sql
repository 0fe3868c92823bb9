-- Which clinical code lists each episode is on; codes are matched as the start of a recorded code.
-- grain: one row per episode_key, list_name
-- contract: none
with listed as (
    select
        'chemotherapy' as list_name,
        field,
        code
    from code_list__chemotherapy
    union all
    select
        'dialysis' as list_name,
        field,
        code
    from code_list__dialysis
    union all
    select
        'cancer' as list_name,
        field,
        code
    from code_list__cancer
    union all
    select
        'obstetric' as list_name,
        field,
        code
    from code_list__obstetric
),

recorded as (
    select
        episode_key,
        'primary_diagnosis' as field,
        primary_diagnosis_code as code
    from episodes
    union all
    select
        episode_key,
        'any_diagnosis' as field,
        primary_diagnosis_code as code
    from episodes
    union all
    select
        episode_key,
        'any_diagnosis' as field,
        unnest(secondary_diagnosis_codes) as code
    from episodes
    union all
    select
        episode_key,
        'any_procedure' as field,
        unnest(procedure_codes) as code
    from episodes
    union all
    select
        episode_key,
        'admission_method' as field,
        admission_method_code as code
    from episodes
    union all
    select
        episode_key,
        'main_specialty' as field,
        main_specialty_code as code
    from episodes
),

-- The few distinct codes are matched once, not those of every episode.
distinct_codes as (
    select
        'primary_diagnosis' as field,
        primary_diagnosis_code as code
    from episodes
    union
    select
        'any_diagnosis' as field,
        primary_diagnosis_code as code
    from episodes
    union
    select
        'any_diagnosis' as field,
        unnest(secondary_diagnosis_codes) as code
    from episodes
    union
    select
        'any_procedure' as field,
        unnest(procedure_codes) as code
    from episodes
    union
    select
        'admission_method' as field,
        admission_method_code as code
    from episodes
    union
    select
        'main_specialty' as field,
        main_specialty_code as code
    from episodes
),

matched as (
    select distinct
        listed.list_name,
        distinct_codes.field,
        distinct_codes.code
    from distinct_codes
    inner join listed
        on distinct_codes.field = listed.field and starts_with(distinct_codes.code, listed.code)
)

select distinct
    recorded.episode_key,
    matched.list_name
from recorded
inner join matched on recorded.field = matched.field and recorded.code = matched.code
