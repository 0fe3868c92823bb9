-- Charlson, Elixhauser and frailty scores of each person, from the diagnoses before the index date.
-- grain: one row per person_id
-- contract: none
-- Each condition counts once, and not at all where a graver form of it is recorded as well. Codes are matched
-- as the start of a recorded code. `long_term_conditions` is the number of the 31 Elixhauser groups recorded,
-- no register of long-term conditions: a few groups, such as fluid disorders, may pass. Somebody without an
-- episode that ended in the window has no row.
with conditions as (
    select
        'charlson' as score,
        condition,
        superseded_by,
        weight_charlson_1987 as weight,
        weight_quan_2011 as updated_weight
    from code_list__charlson_conditions
    union all
    select
        'elixhauser' as score,
        condition,
        superseded_by,
        weight_van_walraven_2009 as weight,
        null as updated_weight
    from code_list__elixhauser_conditions
    union all
    select
        'hospital_frailty' as score,
        code as condition,
        null as superseded_by,
        points as weight,
        null as updated_weight
    from code_list__hospital_frailty
),

listed as (
    select
        'charlson' as score,
        condition,
        code
    from code_list__charlson_codes
    union all
    select
        'elixhauser' as score,
        condition,
        code
    from code_list__elixhauser_codes
    union all
    select
        'hospital_frailty' as score,
        code as condition,
        code
    from code_list__hospital_frailty
),

-- The few distinct codes are matched once, not those of every episode.
distinct_codes as (
    select distinct diagnosis_code
    from diagnoses_before_index
),

matched as (
    select distinct
        listed.score,
        listed.condition,
        distinct_codes.diagnosis_code
    from distinct_codes
    inner join listed on starts_with(distinct_codes.diagnosis_code, listed.code)
),

recorded as (
    select distinct
        diagnoses.person_id,
        matched.score,
        matched.condition
    from diagnoses_before_index as diagnoses
    inner join matched on diagnoses.diagnosis_code = matched.diagnosis_code
),

counted as (
    select
        recorded.person_id,
        recorded.score,
        -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
        cast(conditions.weight as decimal(9, 1)) as weight,
        conditions.updated_weight
    from recorded
    inner join conditions
        on recorded.score = conditions.score and recorded.condition = conditions.condition
    left outer join recorded as graver
        on
            recorded.person_id = graver.person_id
            and recorded.score = graver.score
            and conditions.superseded_by = graver.condition
    where graver.person_id is null
),

scored as (
    select
        person_id,
        cast(sum(case when score = 'charlson' then weight end) as bigint) as charlson_score,
        cast(sum(case when score = 'charlson' then updated_weight end) as bigint) as charlson_score_updated,
        cast(sum(case when score = 'elixhauser' then weight end) as bigint) as elixhauser_score,
        count(*) filter (where score = 'elixhauser') as long_term_conditions,
        cast(sum(case when score = 'hospital_frailty' then weight end) as double) as hospital_frailty_score
    from counted
    group by person_id
),

coded as (
    select
        person_id,
        count(distinct episode_key) as episodes,
        count(diagnosis_code) as diagnoses
    from diagnoses_before_index
    group by person_id
)

select
    coded.person_id,
    coded.episodes,
    coded.diagnoses,
    coalesce(scored.charlson_score, 0) as charlson_score,
    coalesce(scored.charlson_score_updated, 0) as charlson_score_updated,
    coalesce(scored.elixhauser_score, 0) as elixhauser_score,
    coalesce(scored.long_term_conditions, 0) as long_term_conditions,
    coalesce(scored.hospital_frailty_score, 0) as hospital_frailty_score
from coded
left outer join scored on coded.person_id = scored.person_id
