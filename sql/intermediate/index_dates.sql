-- The people of both arms with their day 0, the days on which they can be observed, and whose records count.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0025-target-trial.md
-- A pilot person's follow-up does not end with the enrolment; a comparison person's ends on the day before
-- they enrol. `record_person_id` is the id of the records: who enrolled after their drawn date has a row in
-- both arms, the comparison one under an id of its own.
with arms as (
    select
        person_id,
        person_id as record_person_id,
        true as is_pilot,
        site_id,
        index_date,
        cast(null as date) as later_enrolment_date
    from enrolments
    union all
    select
        person_id,
        record_person_id,
        false as is_pilot,
        null as site_id,
        index_date,
        later_enrolment_date
    from comparison_candidates
    where
        index_date is not null
        and is_not_enrolled_at_index
        and is_alive_at_index
        and is_registered_at_index
        and is_born_by_index
)

select
    arms.person_id,
    arms.record_person_id,
    arms.is_pilot,
    arms.site_id,
    arms.index_date,
    observed_people.observed_from_date,
    least(
        observed_people.observed_until_date,
        coalesce(arms.later_enrolment_date, observed_people.observed_until_date)
    ) as observed_until_date,
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
    -- What happens after a comparison person's enrolment is no outcome of theirs.
    case
        when coalesce(observed_people.date_of_death < arms.later_enrolment_date, true)
            then observed_people.date_of_death
    end as date_of_death,
    arms.later_enrolment_date
from arms
inner join observed_people on arms.record_person_id = observed_people.person_id
