-- The provider that each person compared used most before the index date.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0017-sensitivity.md
-- Admissions, appointments that took place and A&E attendances of the 24 months before, each once; of equal
-- ones the first code. Who used none has that of most of the people compared from the same practice; without
-- a practice, none.
with compared as (
    select
        design_people.person_id,
        design_people.index_date,
        coalesce(index_dates.record_person_id, design_people.person_id) as record_person_id
    from design_people
    left outer join index_dates on design_people.person_id = index_dates.person_id
),

visits as (
    select
        person_id,
        provider_code,
        admission_date as activity_date
    from provider_spells
    union all
    select
        person_id,
        provider_code,
        appointment_date as activity_date
    from appointments
    where is_attended
    union all
    select
        person_id,
        provider_code,
        arrival_date as activity_date
    from attendances
),

used as (
    select
        compared.person_id,
        visits.provider_code,
        row_number() over (
            partition by compared.person_id
            order by count(*) desc nulls last, visits.provider_code asc nulls last
        ) as place
    from compared
    inner join visits on compared.record_person_id = visits.person_id
    where
        visits.activity_date >= cast(date_add(compared.index_date, to_months(-24)) as date)
        and visits.activity_date < compared.index_date
        and visits.provider_code is not null
    group by compared.person_id, visits.provider_code
),

own as (
    select
        person_id,
        provider_code
    from used
    where place = 1
),

of_practices as (
    select
        population.practice_code,
        own.provider_code,
        row_number() over (
            partition by population.practice_code
            order by count(*) desc nulls last, own.provider_code asc nulls last
        ) as place
    from own
    inner join compared on own.person_id = compared.person_id
    inner join population on compared.record_person_id = population.person_id
    where population.practice_code is not null
    group by population.practice_code, own.provider_code
)

select
    compared.person_id,
    coalesce(own.provider_code, of_practices.provider_code) as provider_code
from compared
inner join population on compared.record_person_id = population.person_id
left outer join own on compared.person_id = own.person_id
left outer join of_practices
    on population.practice_code = of_practices.practice_code and of_practices.place = 1
