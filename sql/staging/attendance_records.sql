-- Every record of the A&E extract with plain names and its one fate.
-- grain: one row per delivery_id, record
-- contract: none
-- A later delivery of an AEKEY supersedes the earlier one; the AEKEY again in one delivery is a duplicate.
with keyed as (
    select
        lake_emergency_care.*,
        delivery_order.position as delivery_position,
        coalesce(provider_successors.current_provider_code, lake_emergency_care.procode3) as provider_code,
        cast(lake_emergency_care.arrivaltime is not null as integer)
        + cast(lake_emergency_care.aeattendcat is not null as integer)
        + cast(lake_emergency_care.aeattenddisp is not null as integer)
        + cast(lake_emergency_care.aedepttype is not null as integer) as filled_fields
    from lake_emergency_care
    left outer join delivery_order
        on
            lake_emergency_care.delivery_id = delivery_order.delivery_id
            and delivery_order.extract = 'emergency_care'
    left outer join provider_successors
        on lake_emergency_care.procode3 = provider_successors.provider_code
),

ranked_by_key as (
    select
        *,
        row_number() over key_order as key_rank,
        first_value(delivery_id) over key_order as kept_delivery_id
    from keyed
    window key_order as (
        partition by aekey
        order by
            delivery_position desc nulls last,
            delivery_id asc nulls last,
            filled_fields desc nulls last,
            record asc nulls last
    )
)

select
    ranked_by_key.delivery_id,
    ranked_by_key.record,
    case
        when ranked_by_key.key_rank = 1 then 'accepted'
        when ranked_by_key.delivery_id <> ranked_by_key.kept_delivery_id then 'superseded'
        else 'duplicate'
    end as fate,
    opt_outs.person_id is not null as is_opted_out,
    opt_outs.person_id is null and population.person_id is null as is_unlinked,
    ranked_by_key.nulled_fields,
    ranked_by_key.repaired_fields,
    ranked_by_key.person_id,
    ranked_by_key.aekey as attendance_key,
    ranked_by_key.arrivaldate as arrival_date,
    ranked_by_key.arrivaltime as arrival_time,
    ranked_by_key.aeattendcat as attendance_category_code,
    ranked_by_key.aeattenddisp as disposal_code,
    ranked_by_key.provider_code,
    ranked_by_key.procode3 as recorded_provider_code,
    ranked_by_key.aedepttype as department_type_code
from ranked_by_key
left outer join opt_outs on ranked_by_key.person_id = opt_outs.person_id
left outer join population on ranked_by_key.person_id = population.person_id
