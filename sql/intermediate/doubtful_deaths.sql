-- People who used hospital more than 7 days after their date of death: the link may be wrong.
-- grain: one row per person_id
-- contract: none
with activity as (
    select
        person_id,
        episode_start_date as activity_date
    from episodes
    where is_after_death
    union all
    select
        person_id,
        appointment_date as activity_date
    from appointments
    where is_after_death and is_attended
    union all
    select
        person_id,
        arrival_date as activity_date
    from attendances
    where is_after_death
)

select distinct activity.person_id
from activity
inner join population on activity.person_id = population.person_id
where date_diff('day', population.date_of_death, activity.activity_date) > 7
