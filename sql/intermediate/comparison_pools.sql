-- Pilot people, and everyone who may stand beside them, with the pool they belong to.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0014-comparison.md
-- Pools in their order: outside the pilot's areas and practices, outside its areas with a practice not known
-- to be another, of an unknown area, of the pilot's areas, of its practices. Nobody is in one whose
-- follow-up, up to the study's longest horizon, reaches into another programme. Calendar time is days since
-- the pilot's first index date, and the quarter of the year.
with candidates as (
    select
        covariates.*,
        population.area,
        population.practice_code,
        study_design.comparison_is_of_one_pool,
        cast(
            covariates.index_date + to_months(cast(study_design.longest_horizon_months as integer)) as date
        ) as longest_horizon_end_date
    from covariates
    inner join population on covariates.record_person_id = population.person_id
    cross join study_design
),

in_other_programmes as (
    select candidates.person_id
    from candidates
    inner join other_programmes on candidates.area = other_programmes.area
    where other_programmes.start_date < candidates.longest_horizon_end_date
    union
    select candidates.person_id
    from candidates
    inner join other_programmes on candidates.practice_code = other_programmes.practice
    where other_programmes.start_date < candidates.longest_horizon_end_date
),

pooled as (
    select
        candidates.person_id,
        candidates.is_treated,
        candidates.comparison_is_of_one_pool,
        case
            when candidates.is_treated then 0
            when candidates.is_in_pilot_practice then 5
            when candidates.pool = 'outside' and candidates.is_in_pilot_practice is not null then 1
            when candidates.pool = 'outside' then 2
            when candidates.pool = 'unknown' then 3
            else 4
        end as pool_number
    from candidates
    left outer join in_other_programmes on candidates.person_id = in_other_programmes.person_id
    where candidates.is_treated or in_other_programmes.person_id is null
),

pilot as (
    select min(index_date) as first_index_date
    from covariates
    where is_treated
)

select
    covariates.person_id,
    covariates.is_treated,
    pooled.comparison_is_of_one_pool,
    pooled.pool_number,
    case pooled.pool_number
        when 1 then 'outside'
        when 2 then 'practice_unknown'
        when 3 then 'unknown'
        when 4 then 'local'
        when 5 then 'pilot_practices'
    end as comparison_pool,
    cast(date_diff('day', pilot.first_index_date, covariates.index_date) as bigint) as index_day,
    cast(quarter(covariates.index_date) as varchar) as index_quarter
from covariates
inner join pooled on covariates.person_id = pooled.person_id
cross join pilot
