-- Who was enrolled of the people who live in the pilot's areas, by what they were like, by site and by model.
-- grain: one row per characteristic, characteristic_value
-- contract: data_contracts/marts/reach.odcs.yaml
-- Everyone born, alive, registered and within the data on the index date (drawn for those not enrolled), with
-- covariates as of that date. Who is in both arms counts once, as enrolled. The pilot's own criteria are not
-- in the data. Where areas are not known, nobody's eligibility is.
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
        covariates.person_id,
        covariates.is_treated as is_enrolled,
        covariates.site_id,
        population.area,
        case when known_areas.has_pilot_areas then pilot_areas.area is not null end as is_eligible,
        case
            when covariates.age_at_index < 75 then 'under_75'
            when covariates.age_at_index >= 75 then '75_and_over'
            else 'unknown'
        end as age,
        case
            when covariates.age_at_index < 65 then 'under_65'
            when covariates.age_at_index < 75 then '65_to_74'
            when covariates.age_at_index < 85 then '75_to_84'
            when covariates.age_at_index >= 85 then '85_and_over'
            else 'unknown'
        end as age_group,
        coalesce(covariates.sex, 'unknown') as sex,
        coalesce(cast(covariates.imd_quintile as varchar), 'unknown') as deprivation,
        coalesce(covariates.ethnic_group, 'unknown') as ethnic_group,
        case
            when covariates.hospital_frailty_score > 15 then 'high'
            when covariates.hospital_frailty_score >= 5 then 'intermediate'
            when covariates.hospital_frailty_score < 5 then 'low'
            else 'unknown'
        end as frailty
    from covariates
    inner join population on covariates.person_id = population.person_id
    cross join known_areas
    left outer join pilot_areas on population.area = pilot_areas.area
),

-- Who lives in a site's area, whoever enrolled them; who was enrolled there from elsewhere; and a row of
-- nobody for each site, so that one that reached nobody stands there too.
people_of_sites as (
    select
        sites.site_id,
        residents.person_id,
        coalesce(residents.site_id = sites.site_id, false) as is_enrolled,
        true as is_eligible
    from residents
    inner join sites on residents.area = sites.area
    union all
    select
        residents.site_id,
        residents.person_id,
        true as is_enrolled,
        case when sites.area is not null then false end as is_eligible
    from residents
    left outer join sites on residents.site_id = sites.site_id
    where residents.is_enrolled and coalesce(residents.area <> sites.area, true)
    union all
    select
        site_id,
        null as person_id,
        false as is_enrolled,
        case when area is not null then false end as is_eligible
    from sites
),

named_models as (
    select
        site_id,
        area,
        unnest(string_split(models, ';')) as model_name
    from sites
),

site_models as (
    select distinct
        site_id,
        trim(model_name) as model_name
    from named_models
    where trim(model_name) <> ''
),

-- Of a model one of whose sites has no area, it is not known who lives there.
models_with_areas as (
    select trim(model_name) as model_name
    from named_models
    group by trim(model_name)
    having count(*) = count(area)
),

people_of_models as (
    select
        site_models.model_name,
        people_of_sites.person_id,
        bool_or(people_of_sites.is_enrolled) as is_enrolled,
        case
            when models_with_areas.model_name is not null then bool_or(people_of_sites.is_eligible)
        end as is_eligible
    from people_of_sites
    inner join site_models on people_of_sites.site_id = site_models.site_id
    left outer join models_with_areas on site_models.model_name = models_with_areas.model_name
    group by site_models.model_name, models_with_areas.model_name, people_of_sites.person_id
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
        'age' as characteristic,
        age as characteristic_value,
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
    union all
    select
        'ethnic_group' as characteristic,
        ethnic_group as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
    union all
    select
        'frailty' as characteristic,
        frailty as characteristic_value,
        is_enrolled,
        is_eligible
    from residents
    union all
    select
        'site' as characteristic,
        site_id as characteristic_value,
        is_enrolled,
        is_eligible
    from people_of_sites
    union all
    select
        'model' as characteristic,
        model_name as characteristic_value,
        is_enrolled,
        is_eligible
    from people_of_models
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
),

everyone as (
    select
        eligible_people,
        enrolled_people
    from counted
    where characteristic = 'all'
)

select
    counted.characteristic,
    counted.characteristic_value,
    counted.eligible_people,
    counted.enrolled_eligible_people,
    counted.enrolled_people,
    case
        when counted.eligible_people > 0
            then 100.0 * cast(counted.enrolled_eligible_people as double) / counted.eligible_people
    end as reach_pct,
    100.0 * cast(counted.eligible_people as double) / nullif(everyone.eligible_people, 0)
        as share_of_eligible_pct,
    100.0 * cast(counted.enrolled_people as double) / nullif(everyone.enrolled_people, 0)
        as share_of_enrolled_pct
from counted
cross join everyone
