-- Care home and deprivation of each person by the population file that is theirs, and as of which day it is.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0029-registers-as-delivered.md
-- A file is as of the last day of the months in its name; of several of the same months the last one counts.
-- Of each of the two the latest file that knows it and is not later than the index date is theirs, else the
-- latest of all. A day is null where the latest file has no month in its name.
with versions as (
    select
        delivery_id,
        cast(
            cast(right(period, 7) || '-01' as date) + interval 1 month - interval 1 day as date
        ) as as_of_date,
        row_number() over (
            partition by coalesce(period, delivery_id)
            order by position desc nulls last, delivery_id asc nulls last
        ) as version_rank
    from deliveries_read
    where extract = 'population' and status in ('accepted', 'superseded')
),

snapshots as (
    select
        delivery_id,
        as_of_date
    from versions
    where version_rank = 1
),

entries as (
    select
        index_dates.person_id,
        snapshots.as_of_date,
        population_records.fate = 'accepted' as is_latest,
        coalesce(snapshots.as_of_date <= index_dates.index_date, false) as is_by_index,
        population_records.is_care_home_resident,
        coalesce(
            population_records.imd_quintile, cast(ceil(imd.imd_decile / 2.0) as bigint)
        ) as imd_quintile
    from index_dates
    inner join population_records on index_dates.record_person_id = population_records.person_id
    left outer join snapshots on population_records.delivery_id = snapshots.delivery_id
    left outer join imd on population_records.lsoa_code = imd.lsoa11
    where
        population_records.fate = 'accepted'
        or (
            population_records.fate = 'superseded'
            and population_records.is_first_of_person
            and snapshots.as_of_date <= index_dates.index_date
        )
),

ranked as (
    select
        *,
        row_number() over (
            partition by person_id
            order by
                is_by_index and is_care_home_resident is not null desc nulls last,
                is_latest desc nulls last,
                as_of_date desc nulls last
        ) as care_home_rank,
        row_number() over (
            partition by person_id
            order by
                is_by_index and imd_quintile is not null desc nulls last,
                is_latest desc nulls last,
                as_of_date desc nulls last
        ) as deprivation_rank
    from entries
),

care_homes as (
    select
        person_id,
        is_care_home_resident,
        as_of_date as care_home_as_of_date
    from ranked
    where care_home_rank = 1
),

deprivations as (
    select
        person_id,
        imd_quintile,
        as_of_date as deprivation_as_of_date
    from ranked
    where deprivation_rank = 1
)

select
    care_homes.person_id,
    care_homes.is_care_home_resident,
    care_homes.care_home_as_of_date,
    deprivations.imd_quintile,
    deprivations.deprivation_as_of_date
from care_homes
inner join deprivations on care_homes.person_id = deprivations.person_id
