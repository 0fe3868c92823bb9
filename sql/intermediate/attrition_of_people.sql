-- How far each person got on the way from the extracts to the people who may be compared, by arm.
-- grain: one row per arm, person_id
-- contract: none
-- decision: docs/decisions/0028-attrition-to-the-estimate.md
-- `last_step` is the last step of the arm that the person passed, as `attrition` numbers them. A pilot person
-- whose enrolment cannot be used has no site. Under a frozen design the pool is today's.
with enrolled as (
    select
        enrolment_records.person_id,
        coalesce(min(enrolments.site_id), min(enrolment_records.site_id)) as site_id,
        true as is_usable,
        bool_or(enrolment_records.is_opted_out) as is_opted_out,
        bool_or(enrolment_records.is_unlinked) as is_unlinked
    from enrolment_records
    left outer join enrolments on enrolment_records.person_id = enrolments.person_id
    where enrolment_records.fate = 'accepted'
    group by enrolment_records.person_id
),

unusable as (
    select distinct
        quarantined_records.person_id,
        cast(null as varchar) as site_id,
        false as is_usable,
        false as is_opted_out,
        false as is_unlinked
    from quarantined_records
    left outer join enrolled on quarantined_records.person_id = enrolled.person_id
    where
        quarantined_records.extract = 'enrolments'
        and quarantined_records.person_id is not null
        and enrolled.person_id is null
),

pilot as (
    select *
    from enrolled
    union all
    select *
    from unusable
),

-- Whether the pool that is compared may hold people of the pilot's practices.
taken as (
    select coalesce(bool_or(comparison_pool = 'pilot_practices'), false) as has_pilot_practices
    from comparison_cohort
)

select
    'pilot' as arm,
    pilot.person_id,
    pilot.site_id,
    case
        when not pilot.is_usable then 1
        when pilot.is_opted_out then 2
        when pilot.is_unlinked then 3
        when population.date_of_death < enrolments.index_date then 4
        when
            population.registration_start_date > enrolments.index_date
            or population.registration_end_date < enrolments.index_date
            then 5
        when population.date_of_birth > enrolments.index_date then 6
        when covariates.person_id is null then 7
        else 8
    end as last_step
from pilot
left outer join enrolments on pilot.person_id = enrolments.person_id
left outer join population on pilot.person_id = population.person_id
left outer join covariates on pilot.person_id = covariates.person_id and covariates.is_treated
union all
select
    'comparison' as arm,
    population_records.person_id,
    null as site_id,
    case
        when population_records.is_opted_out then 1
        when not coalesce(candidates.is_enrolment_day_known, false) then 2
        when not candidates.is_not_enrolled_at_index then 3
        when candidates.index_date is null or not candidates.is_alive_at_index then 4
        when not candidates.is_registered_at_index then 5
        when not candidates.is_born_by_index then 6
        when covariates.person_id is null then 7
        when comparison_pools.person_id is null then 8
        when comparison_pools.comparison_pool = 'pilot_practices' and not taken.has_pilot_practices then 9
        when comparison_cohort.person_id is null then 10
        else 11
    end as last_step
from population_records
cross join taken
left outer join comparison_candidates as candidates
    on population_records.person_id = candidates.record_person_id
left outer join covariates on candidates.person_id = covariates.person_id and not covariates.is_treated
left outer join comparison_pools
    on candidates.person_id = comparison_pools.person_id and not comparison_pools.is_treated
left outer join comparison_cohort
    on candidates.person_id = comparison_cohort.person_id and not comparison_cohort.is_treated
where population_records.fate = 'accepted'
