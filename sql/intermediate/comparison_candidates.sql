-- People who were never enrolled, each with an index date, and whether they could have enrolled on it.
-- grain: one row per person_id
-- contract: none
-- The date is one of the pilot's, drawn by a hash of the study's seed and the person: row order changes
-- nothing. Who stands in a frozen design keeps the date of that, whoever enrols later.
with pilot_dates as (
    select
        index_date,
        row_number() over (order by index_date asc nulls last, person_id asc nulls last) - 1 as date_position
    from enrolments
),

-- Who enrolled is no comparison, even where the record of it cannot be used.
enrolled as (
    select person_id
    from enrolment_records
    where fate = 'accepted'
    union
    select person_id
    from quarantined_records
    where extract = 'enrolments' and person_id is not null
),

seeds as (
    select cast(comparison_seed as varchar) as seed
    from study_design
),

draws as (
    select
        population.*,
        -- The first 15 hex digits of the hash fit a BIGINT.
        cast('0x' || substr(md5(seeds.seed || ':' || population.person_id), 1, 15) as bigint)
        % nullif((select count(*) from pilot_dates), 0) as date_position
    from population
    cross join seeds
    left outer join enrolled on population.person_id = enrolled.person_id
    where enrolled.person_id is null
),

dated as (
    select
        draws.*,
        coalesce(frozen_index_dates.index_date, pilot_dates.index_date) as index_date
    from draws
    left outer join pilot_dates on draws.date_position = pilot_dates.date_position
    left outer join frozen_index_dates on draws.person_id = frozen_index_dates.person_id
)

select
    person_id,
    index_date,
    coalesce(date_of_death >= index_date, true) as is_alive_at_index,
    coalesce(registration_start_date <= index_date, true)
    and coalesce(registration_end_date >= index_date, true) as is_registered_at_index,
    coalesce(date_of_birth <= index_date, true) as is_born_by_index
from dated
