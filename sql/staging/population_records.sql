-- Every record of the population snapshots with its fate.
-- grain: one row per delivery_id, record
-- contract: none
-- The latest snapshot counts as a whole; of a person's rows in it the most complete one, then the lowest
-- record.
with latest as (
    select delivery_id
    from delivery_order
    where extract = 'population'
    order by position desc nulls last, delivery_id asc nulls last
    limit 1
),

measured as (
    select
        lake_population.*,
        latest.delivery_id is not null as is_in_latest,
        cast(lake_population.dob is not null as integer)
        + cast(lake_population.sex is not null as integer)
        + cast(lake_population.imd_quintile is not null as integer)
        + cast(lake_population.lsoa11 is not null as integer)
        + cast(lake_population.gpprac is not null as integer)
        + cast(lake_population.area is not null as integer)
        + cast(lake_population.date_of_death is not null as integer)
        + cast(lake_population.reg_start is not null as integer)
        + cast(lake_population.reg_end is not null as integer)
        + cast(lake_population.care_home is not null as integer)
        + cast(lake_population.ethnos is not null as integer) as filled_fields
    from lake_population
    left outer join latest on lake_population.delivery_id = latest.delivery_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by delivery_id, person_id
            order by filled_fields desc nulls last, record asc nulls last
        ) as person_rank
    from measured
)

select
    ranked.delivery_id,
    ranked.record,
    case
        when not ranked.is_in_latest then 'superseded'
        when ranked.person_rank > 1 then 'duplicate'
        else 'accepted'
    end as fate,
    ranked.person_rank = 1 as is_first_of_person,
    opt_outs.person_id is not null as is_opted_out,
    false as is_unlinked,
    ranked.nulled_fields,
    ranked.repaired_fields,
    ranked.person_id,
    ranked.dob as date_of_birth,
    ranked.sex,
    ranked.imd_quintile,
    ranked.lsoa11 as lsoa_code,
    ranked.gpprac as practice_code,
    ranked.area,
    ranked.date_of_death,
    ranked.reg_start as registration_start_date,
    ranked.reg_end as registration_end_date,
    ranked.care_home as is_care_home_resident,
    ranked.ethnos as ethnic_category_code
from ranked
left outer join opt_outs on ranked.person_id = opt_outs.person_id
