-- Who was enrolled of the people who live in the pilot's areas, by age group, sex and deprivation.
-- grain: one row per characteristic, characteristic_value
-- contract: data_contracts/marts/reach.odcs.yaml
-- Everyone born, alive, registered and within the data on the index date (drawn for those not enrolled).
-- Who is in both arms counts once, as enrolled. The pilot's own criteria are not in the data. Without
-- areas of sites nobody's eligibility is known.
with pilot_areas as (
    select distinct area
    from sites
    where area is not null
),

known_areas as (
    select count(*) > 0 as has_pilot_areas
    from pilot_areas
),

residents as (
    select
        covariates.is_treated as is_enrolled,
        case when known_areas.has_pilot_areas then pilot_areas.area is not null end as is_eligible,
        case
            when covariates.age_at_index < 65 then 'under_65'
            when covariates.age_at_index < 75 then '65_to_74'
            when covariates.age_at_index < 85 then '75_to_84'
            when covariates.age_at_index >= 85 then '85_and_over'
            else 'unknown'
        end as age_group,
        coalesce(covariates.sex, 'unknown') as sex,
        coalesce(cast(covariates.imd_quintile as varchar), 'unknown') as deprivation
    from covariates
    inner join population on covariates.person_id = population.person_id
    cross join known_areas
    left outer join pilot_areas on population.area = pilot_areas.area
),

characteristics as (
    select
        'all' as characteristic,
        'all' as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
    union all
    select
        'age_group' as characteristic,
        age_group as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
    union all
    select
        'sex' as characteristic,
        sex as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
    union all
    select
        'deprivation' as characteristic,
        deprivation as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
),

counted as (
    select
        characteristic,
        characteristic_value,
        cast(count(case when is_enrolled then 1 end) as bigint) as enrolled_people,
        case when count(is_eligible) > 0 then cast(count(case when is_eligible then 1 end) as bigint) end
            as eligible_people,
        case
            when count(is_eligible) > 0
                then cast(count(case when is_eligible and is_enrolled then 1 end) as bigint)
        end as enrolled_eligible_people
    from characteristics
    group by characteristic, characteristic_value
)

select
    characteristic,
    characteristic_value,
    eligible_people,
    enrolled_eligible_people,
    enrolled_people,
    case
        when eligible_people > 0 then 100.0 * cast(enrolled_eligible_people as double) / eligible_people
    end as reach_pct,
    100.0 * cast(eligible_people as double)
    / nullif(sum(eligible_people) over (partition by characteristic), 0) as share_of_eligible_pct,
    100.0 * cast(enrolled_people as double)
    / nullif(sum(enrolled_people) over (partition by characteristic), 0) as share_of_enrolled_pct
from counted
