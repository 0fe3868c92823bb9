-- How many people were left after each step from the extracts to the estimates, in both arms and by site.
-- grain: one row per arm, population, design, step_number
-- contract: data_contracts/marts/attrition.odcs.yaml
-- decision: docs/decisions/0028-attrition-to-the-estimate.md
with common_steps (arm, step_number, step) as (
    values
    ('pilot', 1, 'enrolled in a pilot'),
    ('pilot', 2, 'with an enrolment record that can be used'),
    ('pilot', 3, 'did not opt out'),
    ('pilot', 4, 'linked to the population'),
    ('pilot', 5, 'alive at the index date'),
    ('pilot', 6, 'registered at the index date'),
    ('pilot', 7, 'born by the index date'),
    ('pilot', 8, 'index date within the data'),
    ('comparison', 1, 'in the population'),
    ('comparison', 2, 'did not opt out'),
    ('comparison', 3, 'not enrolled on a day that nobody knows'),
    ('comparison', 4, 'not enrolled in a pilot by the index date'),
    ('comparison', 5, 'alive at the index date'),
    ('comparison', 6, 'registered at the index date'),
    ('comparison', 7, 'born by the index date'),
    ('comparison', 8, 'index date within the data'),
    ('comparison', 9, 'not in another programme within the longest horizon'),
    ('comparison', 10, 'of no practice of the pilot'),
    ('comparison', 11, 'of the pool that is compared')
),

last_common_steps as (
    select
        arm,
        max(step_number) as step_number
    from common_steps
    group by arm
),

reached as (
    select
        arm,
        'all_sites' as population,
        last_step,
        count(*) as people
    from attrition_of_people
    group by arm, last_step
    union all
    select
        arm,
        'site:' || site_id as population,
        last_step,
        count(*) as people
    from attrition_of_people
    where site_id is not null
    group by arm, site_id, last_step
),

populations as (
    select
        arm,
        'all_sites' as population
    from last_common_steps
    union distinct
    select
        arm,
        population
    from reached
),

steps as (
    select
        populations.arm,
        populations.population,
        'all' as design,
        common_steps.step_number,
        case when common_steps.step_number > 1 then common_steps.step_number - 1 end as previous_step_number,
        common_steps.step,
        coalesce(sum(reached.people), 0) as people
    from populations
    inner join common_steps on populations.arm = common_steps.arm
    left outer join reached
        on
            populations.arm = reached.arm
            and populations.population = reached.population
            and common_steps.step_number <= reached.last_step
    group by populations.arm, populations.population, common_steps.step_number, common_steps.step
    union all
    select
        of_designs.arm,
        of_designs.population,
        of_designs.design,
        of_designs.step_number + last_common_steps.step_number as step_number,
        case
            when of_designs.previous_step_number is not null
                then of_designs.previous_step_number + last_common_steps.step_number
            when not exists (select 1 from frozen_index_dates) then last_common_steps.step_number
        end as previous_step_number,
        of_designs.step,
        of_designs.people
    from attrition_of_designs as of_designs
    inner join last_common_steps on of_designs.arm = last_common_steps.arm
)

select
    steps.arm,
    steps.population,
    steps.design,
    cast(steps.step_number as bigint) as step_number,
    cast(steps.previous_step_number as bigint) as previous_step_number,
    steps.step,
    cast(steps.people as bigint) as people,
    cast(coalesce(previous.people - steps.people, 0) as bigint) as people_lost
from steps
left outer join steps as previous
    on
        steps.arm = previous.arm
        and steps.population = previous.population
        and steps.previous_step_number = previous.step_number
        and previous.design in ('all', steps.design)
