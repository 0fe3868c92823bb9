-- Every record of the enrolment snapshots with its fate.
-- grain: one row per delivery_id, record
-- contract: none
-- The latest snapshot counts as a whole; of rows with the same person, site and index date the most complete
-- one, then the lowest record.
with latest as (
    select delivery_id
    from delivery_order
    where extract = 'enrolments'
    order by position desc nulls last, delivery_id asc nulls last
    limit 1
),

measured as (
    select
        lake_enrolments.*,
        latest.delivery_id is not null as is_in_latest,
        cast(lake_enrolments.end_date is not null as integer)
        + cast(lake_enrolments.referral_date is not null as integer)
        + cast(lake_enrolments.eligible_date is not null as integer)
        + cast(lake_enrolments.route is not null as integer)
        + cast(lake_enrolments.tier is not null as integer)
        + cast(lake_enrolments.status is not null as integer) as filled_fields
    from lake_enrolments
    left outer join latest on lake_enrolments.delivery_id = latest.delivery_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by delivery_id, person_id, site, index_date
            order by filled_fields desc nulls last, record asc nulls last
        ) as enrolment_rank
    from measured
)

select
    ranked.delivery_id,
    ranked.record,
    case
        when not ranked.is_in_latest then 'superseded'
        when ranked.enrolment_rank > 1 then 'duplicate'
        else 'accepted'
    end as fate,
    opt_outs.person_id is not null as is_opted_out,
    opt_outs.person_id is null and population.person_id is null as is_unlinked,
    ranked.nulled_fields,
    ranked.repaired_fields,
    ranked.person_id,
    ranked.site as site_id,
    ranked.index_date,
    ranked.end_date as enrolment_end_date,
    ranked.referral_date,
    ranked.eligible_date,
    ranked.route as enrolment_route,
    ranked.tier as enrolment_tier,
    ranked.status as enrolment_status
from ranked
left outer join opt_outs on ranked.person_id = opt_outs.person_id
left outer join population on ranked.person_id = population.person_id
