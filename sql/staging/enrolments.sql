-- The first enrolment of each person who joined a pilot and is in the population.
-- grain: one row per person_id
-- contract: none
-- What happens to the enrolment later changes nothing (intention to treat).
with ranked as (
    select
        *,
        row_number() over (
            partition by person_id
            order by index_date asc nulls last, site_id asc nulls last, record asc nulls last
        ) as enrolment_number
    from enrolment_records
    where fate = 'accepted' and not is_opted_out and not is_unlinked
)

select
    person_id,
    site_id,
    index_date,
    enrolment_end_date,
    referral_date,
    eligible_date,
    enrolment_route,
    enrolment_tier,
    enrolment_status
from ranked
where enrolment_number = 1
