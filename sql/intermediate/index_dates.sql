-- The people of both arms with their day 0 and the days on which they can be observed.
-- grain: one row per person_id
-- contract: none
-- A pilot person's follow-up does not end with the enrolment.
with arms as (
    select
        person_id,
        true as is_pilot,
        site_id,
        index_date
    from enrolments
    union all
    select
        person_id,
        false as is_pilot,
        null as site_id,
        index_date
    from comparison_candidates
    where index_date is not null and is_alive_at_index and is_registered_at_index and is_born_by_index
)

select
    arms.person_id,
    arms.is_pilot,
    arms.site_id,
    arms.index_date,
    observed_people.observed_from_date,
    observed_people.observed_until_date,
    -- Null for an index date before the birth date: one of the two is wrong.
    case
        when arms.index_date >= observed_people.date_of_birth
            then cast(
                year(arms.index_date) - year(observed_people.date_of_birth)
                - case
                    when
                        month(arms.index_date) * 100 + day(arms.index_date)
                        < month(observed_people.date_of_birth) * 100 + day(observed_people.date_of_birth)
                        then 1
                    else 0
                end as bigint
            )
    end as age_at_index,
    observed_people.date_of_death
from arms
inner join observed_people on arms.person_id = observed_people.person_id
