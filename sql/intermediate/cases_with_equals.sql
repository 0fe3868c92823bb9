-- Pilot people who have a comparison person equal in all that pairs are equal in.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0028-attrition-to-the-estimate.md
-- kind: view
-- What pairs need not be equal in is not part of the key.
with exact as (
    select string_split(max(exact), ', ') as listed
    from comparison_designs
    where population = 'all_sites'
),

exact_keys as (
    select
        covariates.person_id,
        comparison_cohort.is_treated,
        concat_ws(
            '|',
            case when list_contains(exact.listed, 'sex') then coalesce(covariates.sex, '-') end,
            case when list_contains(exact.listed, 'age_band') then coalesce(covariates.age_band, '-') end,
            case
                when list_contains(exact.listed, 'age_at_index')
                    then coalesce(cast(covariates.age_at_index as varchar), '-')
            end,
            case
                when list_contains(exact.listed, 'index_month') then cast(covariates.index_month as varchar)
            end,
            case when list_contains(exact.listed, 'index_quarter') then comparison_cohort.index_quarter end,
            case
                when list_contains(exact.listed, 'is_in_hospital')
                    then coalesce(cast(covariates.is_in_hospital as varchar), '-')
            end,
            case
                when list_contains(exact.listed, 'emergency_discharge_class')
                    then coalesce(covariates.emergency_discharge_class, '-')
            end,
            case
                when list_contains(exact.listed, 'imd_quintile')
                    then coalesce(cast(covariates.imd_quintile as varchar), '-')
            end,
            case
                when list_contains(exact.listed, 'ethnic_group') then coalesce(covariates.ethnic_group, '-')
            end,
            case
                when list_contains(exact.listed, 'is_care_home_resident')
                    then coalesce(cast(covariates.is_care_home_resident as varchar), '-')
            end
        ) as exact_key
    from comparison_cohort
    inner join covariates on comparison_cohort.person_id = covariates.person_id
    cross join exact
),

keys_of_pool as (
    select distinct exact_key
    from exact_keys
    where not is_treated
)

select exact_keys.person_id
from exact_keys
inner join keys_of_pool on exact_keys.exact_key = keys_of_pool.exact_key
where exact_keys.is_treated
