-- How many people were left after each step from those who may be compared to an estimate, by arm and design.
-- grain: one row per arm, population, design, step_number
-- contract: none
-- decision: docs/decisions/0028-attrition-to-the-estimate.md
-- Steps are numbered from 1 within the design; `previous_step_number` is the step whose people are asked,
-- null at the first. What lies after the index date has no steps in the design stage.
with designs as (
    select *
    from comparison_designs
    where population = 'all_sites' or population like 'site:%'
),

frozen as (
    select count(*) > 0 as is_frozen
    from frozen_index_dates
),

cases as (
    select
        person_id,
        'all_sites' as population
    from design_people
    where is_treated
    union all
    select
        person_id,
        'site:' || site_id as population
    from design_people
    where is_treated and site_id is not null
),

with_equals as (
    select
        cases.population,
        count(*) as people
    from cases
    inner join cases_with_equals on cases.person_id = cases_with_equals.person_id
    group by cases.population
),

pairs as (
    select
        cases.population,
        matched_pairs.pilot_person_id,
        matched_pairs.comparison_person_id
    from matched_pairs
    inner join cases on matched_pairs.pilot_person_id = cases.person_id
),

members as (
    select
        'pilot' as arm,
        cases.population,
        'weighted_cohort' as design,
        cases.person_id
    from cases
    inner join designs on cases.population = designs.population
    where designs.has_weights
    union all
    select
        'comparison' as arm,
        population,
        'weighted_cohort' as design,
        person_id
    from comparison_weights
    where population = 'all_sites'
    union all
    select distinct
        'pilot' as arm,
        population,
        'matched_cohort' as design,
        pilot_person_id as person_id
    from pairs
    union all
    select distinct
        'comparison' as arm,
        population,
        'matched_cohort' as design,
        comparison_person_id as person_id
    from pairs
    where population = 'all_sites'
),

-- Whoever has another index date than the design asks for is not followed.
followed as (
    select
        use_by_period.person_id,
        use_by_period.person_days > 0 as is_observed,
        use_by_period.emergency_admissions is not null as knows_admissions,
        use_by_period.outpatient_attendances is not null as knows_outpatients,
        use_by_period.ae_attendances is not null as knows_emergency_care,
        coalesce(
            index_dates.later_enrolment_date
            >= index_dates.index_date + to_months(cast(study_design.follow_up_months as integer)),
            true
        ) as is_never_enrolled
    from use_by_period
    inner join design_people
        on
            use_by_period.person_id = design_people.person_id
            and use_by_period.index_date = design_people.index_date
    inner join index_dates on use_by_period.person_id = index_dates.person_id
    cross join study_design
    where use_by_period.period = 'follow_up'
),

counted as (
    select
        members.arm,
        members.population,
        members.design,
        count(*) as members,
        count(*) filter (where followed.is_observed) as observed,
        count(*) filter (where followed.is_observed and followed.is_never_enrolled) as never_enrolled,
        count(*) filter (where followed.is_observed and followed.knows_admissions) as knows_admissions,
        count(*) filter (where followed.is_observed and followed.knows_outpatients) as knows_outpatients,
        count(*) filter (where followed.is_observed and followed.knows_emergency_care) as knows_emergency_care
    from members
    left outer join followed on members.person_id = followed.person_id
    group by members.arm, members.population, members.design
),

-- Each arm and design of each population, also where nobody is in it.
arms as (
    select
        arms_and_designs.arm,
        designs.population,
        arms_and_designs.design,
        designs.pilot_people,
        designs.comparison_people,
        designs.sampled_people,
        frozen.is_frozen,
        study_design.is_design_stage,
        coalesce(with_equals.people, 0) as with_equals,
        coalesce(counted.members, 0) as members,
        coalesce(counted.observed, 0) as observed,
        coalesce(counted.never_enrolled, 0) as never_enrolled,
        coalesce(counted.knows_admissions, 0) as knows_admissions,
        coalesce(counted.knows_outpatients, 0) as knows_outpatients,
        coalesce(counted.knows_emergency_care, 0) as knows_emergency_care
    from designs
    cross join (
        values
        ('pilot', 'weighted_cohort'),
        ('pilot', 'matched_cohort'),
        ('comparison', 'weighted_cohort'),
        ('comparison', 'matched_cohort')
    ) as arms_and_designs (arm, design)
    cross join frozen
    cross join study_design
    left outer join with_equals on designs.population = with_equals.population
    left outer join counted
        on
            designs.population = counted.population
            and arms_and_designs.arm = counted.arm
            and arms_and_designs.design = counted.design
    where arms_and_designs.arm = 'pilot' or designs.population = 'all_sites'
)

select
    arm,
    population,
    design,
    1 as step_number,
    null as previous_step_number,
    case when is_frozen then 'in the design as it was frozen' else 'may be compared' end as step,
    case arm when 'pilot' then pilot_people else comparison_people end as people
from arms
union all
select
    arm,
    population,
    design,
    2 as step_number,
    1 as previous_step_number,
    'of a sex, age band and index month of pilot people, of very many a sample' as step,
    sampled_people as people
from arms
where arm = 'comparison' and design = 'weighted_cohort'
union all
select
    arm,
    population,
    design,
    2 as step_number,
    1 as previous_step_number,
    'has somebody equal to be compared with' as step,
    with_equals as people
from arms
where arm = 'pilot' and design = 'matched_cohort' and not is_frozen
union all
select
    arm,
    population,
    design,
    3 as step_number,
    case
        when arm = 'comparison' and design = 'weighted_cohort' then 2
        when arm = 'pilot' and design = 'matched_cohort' and not is_frozen then 2
        else 1
    end as previous_step_number,
    case
        when design = 'weighted_cohort' and arm = 'pilot' then 'weights were found'
        when design = 'weighted_cohort' then 'with a weight'
        when arm = 'pilot' then 'matched within the caliper'
        else 'matched to a pilot person'
    end as step,
    members as people
from arms
union all
select
    arm,
    population,
    design,
    4 as step_number,
    3 as previous_step_number,
    'observed after the index date of the design' as step,
    observed as people
from arms
where not is_design_stage
union all
select
    arm,
    population,
    design,
    5 as step_number,
    4 as previous_step_number,
    'not enrolled during follow-up (who is counts until then)' as step,
    never_enrolled as people
from arms
where not is_design_stage and arm = 'comparison'
union all
select
    arm,
    population,
    design,
    6 as step_number,
    4 as previous_step_number,
    'admissions known' as step,
    knows_admissions as people
from arms
where not is_design_stage
union all
select
    arm,
    population,
    design,
    7 as step_number,
    4 as previous_step_number,
    'outpatient attendances known' as step,
    knows_outpatients as people
from arms
where not is_design_stage
union all
select
    arm,
    population,
    design,
    8 as step_number,
    4 as previous_step_number,
    'A&E attendances known' as step,
    knows_emergency_care as people
from arms
where not is_design_stage
