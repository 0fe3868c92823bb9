-- Everyone of the study with an index date drawn from the pilot's, and whether they could enrol on it.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0025-target-trial.md
-- The date is drawn by a hash of the study's seed and the person: row order changes nothing, nor does whether
-- somebody enrols later. Who stands in a frozen design keeps the date of that. Who enrols at any time has an
-- id of their own here, so that they can stand in both arms: no person_id has a blank in it. Enrolled is also
-- who has no enrolment record but one that cannot be used; where its day cannot be read or lies beyond the
-- data, nobody knows since when.
with pilot_dates as (
    select
        index_date,
        row_number() over (order by index_date asc nulls last, person_id asc nulls last) - 1 as date_position
    from enrolments
),

enrolment_days as (
    select
        person_id,
        index_date as enrolment_date,
        true as is_usable
    from enrolment_records
    where fate = 'accepted'
    union all
    select
        quarantined_records.person_id,
        case
            when quarantined_records.activity_date <= study_design.data_until
                then quarantined_records.activity_date
        end as enrolment_date,
        false as is_usable
    from quarantined_records
    cross join study_design
    where quarantined_records.extract = 'enrolments' and quarantined_records.person_id is not null
),

first_enrolments as (
    select
        person_id,
        case
            when bool_or(is_usable) or count(*) = count(enrolment_date) then min(enrolment_date)
        end as enrolment_date
    from enrolment_days
    group by person_id
),

seeds as (
    select cast(comparison_seed as varchar) as seed
    from study_design
),

draws as (
    select
        population.*,
        case
            when first_enrolments.person_id is null then population.person_id
            else population.person_id || ' before enrolment'
        end as cohort_id,
        first_enrolments.enrolment_date as later_enrolment_date,
        first_enrolments.person_id is null or first_enrolments.enrolment_date is not null
            as is_enrolment_day_known,
        -- The first 15 hex digits of the hash fit a BIGINT.
        cast('0x' || substr(md5(seeds.seed || ':' || population.person_id), 1, 15) as bigint)
        % nullif((select count(*) from pilot_dates), 0) as date_position
    from population
    cross join seeds
    left outer join first_enrolments on population.person_id = first_enrolments.person_id
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
    cohort_id as person_id,
    person_id as record_person_id,
    index_date,
    later_enrolment_date,
    is_enrolment_day_known,
    is_enrolment_day_known and coalesce(later_enrolment_date > index_date, true) as is_not_enrolled_at_index,
    coalesce(date_of_death >= index_date, true) as is_alive_at_index,
    coalesce(registration_start_date <= index_date, true)
    and coalesce(registration_end_date >= index_date, true) as is_registered_at_index,
    coalesce(date_of_birth <= index_date, true) as is_born_by_index
from dated
