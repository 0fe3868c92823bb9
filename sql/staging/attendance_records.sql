-- Every record of the A&E extract with plain names and its one fate.
-- grain: one row per delivery_id, record
-- contract: none
-- A later delivery of an AEKEY supersedes the earlier one; the AEKEY again in one delivery is a duplicate.
-- Only records that share their key with another are ranked: the others are accepted.
with repeated_keys as (
    select aekey
    from lake_emergency_care
    group by aekey
    having count(*) > 1
),

contested as (
    select
        lake_emergency_care.delivery_id,
        lake_emergency_care.record,
        lake_emergency_care.aekey,
        delivery_order.position as delivery_position,
        cast(lake_emergency_care.arrivaltime is not null as integer)
        + cast(lake_emergency_care.aeattendcat is not null as integer)
        + cast(lake_emergency_care.aeattenddisp is not null as integer)
        + cast(lake_emergency_care.aedepttype is not null as integer) as filled_fields
    from lake_emergency_care
    left outer join delivery_order
        on
            lake_emergency_care.delivery_id = delivery_order.delivery_id
            and delivery_order.extract = 'emergency_care'
    inner join repeated_keys on lake_emergency_care.aekey = repeated_keys.aekey
),

ranked_by_key as (
    select
        delivery_id,
        record,
        row_number() over key_order as key_rank,
        first_value(delivery_id) over key_order as kept_delivery_id
    from contested
    window key_order as (
        partition by aekey
        order by
            delivery_position desc nulls last,
            delivery_id asc nulls last,
            filled_fields desc nulls last,
            record asc nulls last
    )
),

ranked as (
    select
        delivery_id,
        record,
        case
            when key_rank = 1 then 'accepted'
            when delivery_id <> kept_delivery_id then 'superseded'
            else 'duplicate'
        end as fate
    from ranked_by_key
)

select
    lake_emergency_care.delivery_id,
    lake_emergency_care.record,
    coalesce(ranked.fate, 'accepted') as fate,
    opt_outs.person_id is not null as is_opted_out,
    opt_outs.person_id is null and population.person_id is null as is_unlinked,
    lake_emergency_care.nulled_fields,
    lake_emergency_care.repaired_fields,
    lake_emergency_care.person_id,
    lake_emergency_care.aekey as attendance_key,
    lake_emergency_care.arrivaldate as arrival_date,
    lake_emergency_care.arrivaltime as arrival_time,
    lake_emergency_care.aeattendcat as attendance_category_code,
    lake_emergency_care.aeattenddisp as disposal_code,
    coalesce(provider_successors.current_provider_code, lake_emergency_care.procode3) as provider_code,
    lake_emergency_care.procode3 as recorded_provider_code,
    lake_emergency_care.aedepttype as department_type_code
from lake_emergency_care
left outer join ranked
    on lake_emergency_care.delivery_id = ranked.delivery_id and lake_emergency_care.record = ranked.record
left outer join provider_successors on lake_emergency_care.procode3 = provider_successors.provider_code
left outer join opt_outs on lake_emergency_care.person_id = opt_outs.person_id
left outer join population on lake_emergency_care.person_id = population.person_id
