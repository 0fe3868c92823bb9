-- Every record of the opt-out lists with its fate.
-- grain: one row per delivery_id, record
-- contract: none
-- The latest list counts as a whole; a person counts once.
with latest as (
    select delivery_id
    from delivery_order
    where extract = 'opt_outs'
    order by position desc nulls last, delivery_id asc nulls last
    limit 1
),

ranked as (
    select
        lake_opt_outs.delivery_id,
        lake_opt_outs.record,
        lake_opt_outs.nulled_fields,
        lake_opt_outs.repaired_fields,
        lake_opt_outs.person_id,
        latest.delivery_id is not null as is_in_latest,
        row_number() over (
            partition by lake_opt_outs.delivery_id, lake_opt_outs.person_id
            order by lake_opt_outs.record asc nulls last
        ) as person_rank
    from lake_opt_outs
    left outer join latest on lake_opt_outs.delivery_id = latest.delivery_id
)

select
    delivery_id,
    record,
    case
        when not is_in_latest then 'superseded'
        when person_rank > 1 then 'duplicate'
        else 'accepted'
    end as fate,
    false as is_opted_out,
    false as is_unlinked,
    nulled_fields,
    repaired_fields,
    person_id
from ranked
