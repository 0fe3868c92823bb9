-- How many people were left after each step from the extracts to the two arms.
-- grain: one row per arm, step_number
-- contract: data_contracts/marts/attrition.odcs.yaml
with readable as (
    select
        person_id,
        bool_or(is_opted_out) as is_opted_out,
        bool_or(is_unlinked) as is_unlinked
    from enrolment_records
    where fate = 'accepted'
    group by person_id
),

unusable as (
    select distinct quarantined_records.person_id
    from quarantined_records
    left outer join readable on quarantined_records.person_id = readable.person_id
    where
        quarantined_records.extract = 'enrolments'
        and quarantined_records.person_id is not null
        and readable.person_id is null
),

enrolled as (
    select
        person_id,
        true as is_usable,
        is_opted_out,
        is_unlinked
    from readable
    union all
    select
        person_id,
        false as is_usable,
        false as is_opted_out,
        false as is_unlinked
    from unusable
),

residents as (
    select
        population_records.person_id,
        population_records.is_opted_out,
        coalesce(candidates.is_enrolment_day_known, false) as is_enrolment_day_known,
        coalesce(candidates.is_not_enrolled_at_index, false) as is_not_enrolled_at_index,
        candidates.index_date is not null
        and candidates.is_not_enrolled_at_index
        and candidates.is_alive_at_index as is_alive_at_index,
        coalesce(candidates.is_registered_at_index, false) as is_registered_at_index,
        coalesce(candidates.is_born_by_index, false) as is_born_by_index
    from population_records
    left outer join comparison_candidates as candidates
        on population_records.person_id = candidates.record_person_id
    where population_records.fate = 'accepted'
),

-- What holds at the index date, of the enrolled people who are in the population.
linked as (
    select
        coalesce(population.date_of_death >= enrolments.index_date, true) as is_alive_at_index,
        coalesce(population.registration_start_date <= enrolments.index_date, true)
        and coalesce(population.registration_end_date >= enrolments.index_date, true)
            as is_registered_at_index,
        coalesce(population.date_of_birth <= enrolments.index_date, true) as is_born_by_index
    from enrolments
    inner join population on enrolments.person_id = population.person_id
),

cohort as (
    select
        count(*) filter (where is_treated) as pilot_people,
        count(*) filter (where not is_treated) as comparison_people
    from covariates
),

steps as (
    select
        'pilot' as arm,
        1 as step_number,
        'enrolled in a pilot' as step,
        count(*) as people
    from enrolled
    union all
    select
        'pilot' as arm,
        2 as step_number,
        'with an enrolment record that can be used' as step,
        count(*) filter (where is_usable) as people
    from enrolled
    union all
    select
        'pilot' as arm,
        3 as step_number,
        'did not opt out' as step,
        count(*) filter (where is_usable and not is_opted_out) as people
    from enrolled
    union all
    select
        'pilot' as arm,
        4 as step_number,
        'linked to the population' as step,
        count(*) filter (where is_usable and not is_opted_out and not is_unlinked) as people
    from enrolled
    union all
    select
        'pilot' as arm,
        5 as step_number,
        'alive at the index date' as step,
        count(*) filter (where is_alive_at_index) as people
    from linked
    union all
    select
        'pilot' as arm,
        6 as step_number,
        'registered at the index date' as step,
        count(*) filter (where is_alive_at_index and is_registered_at_index) as people
    from linked
    union all
    select
        'pilot' as arm,
        7 as step_number,
        'born by the index date' as step,
        count(*) filter (where is_alive_at_index and is_registered_at_index and is_born_by_index) as people
    from linked
    union all
    select
        'pilot' as arm,
        8 as step_number,
        'index date within the data' as step,
        pilot_people as people
    from cohort
    union all
    select
        'comparison' as arm,
        1 as step_number,
        'in the population' as step,
        count(*) as people
    from residents
    union all
    select
        'comparison' as arm,
        2 as step_number,
        'did not opt out' as step,
        count(*) filter (where not is_opted_out) as people
    from residents
    union all
    select
        'comparison' as arm,
        3 as step_number,
        'not enrolled on a day that nobody knows' as step,
        count(*) filter (where is_enrolment_day_known) as people
    from residents
    union all
    select
        'comparison' as arm,
        4 as step_number,
        'not enrolled in a pilot by the index date' as step,
        count(*) filter (where is_not_enrolled_at_index) as people
    from residents
    union all
    select
        'comparison' as arm,
        5 as step_number,
        'alive at the index date' as step,
        count(*) filter (where is_alive_at_index) as people
    from residents
    union all
    select
        'comparison' as arm,
        6 as step_number,
        'registered at the index date' as step,
        count(*) filter (where is_alive_at_index and is_registered_at_index) as people
    from residents
    union all
    select
        'comparison' as arm,
        7 as step_number,
        'born by the index date' as step,
        count(*) filter (where is_alive_at_index and is_registered_at_index and is_born_by_index) as people
    from residents
    union all
    select
        'comparison' as arm,
        8 as step_number,
        'index date within the data' as step,
        comparison_people as people
    from cohort
)

select
    arm,
    cast(step_number as bigint) as step_number,
    step,
    people,
    coalesce(
        lag(people) over (partition by arm order by step_number asc nulls last) - people, 0
    ) as people_lost
from steps
