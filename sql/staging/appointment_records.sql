-- Every record of the outpatient extract with plain names and its one fate.
-- grain: one row per delivery_id, record
-- contract: none
-- A later delivery of an ATTENDKEY supersedes the earlier one. Duplicates: the ATTENDKEY again in one
-- delivery, or the same person, day, provider and specialties under another ATTENDKEY. Only records that
-- share their key, or person and day, with another are ranked: the others are accepted.
with repeated_keys as (
    select attendkey
    from lake_outpatients
    group by attendkey
    having count(*) > 1
),

repeated_days as (
    select
        person_id,
        apptdate
    from lake_outpatients
    group by person_id, apptdate
    having count(*) > 1
),

contested as (
    select
        lake_outpatients.delivery_id,
        lake_outpatients.record,
        lake_outpatients.person_id,
        lake_outpatients.attendkey,
        lake_outpatients.apptdate,
        lake_outpatients.mainspef,
        lake_outpatients.tretspef,
        delivery_order.position as delivery_position,
        coalesce(provider_successors.current_provider_code, lake_outpatients.procode3) as provider_code,
        cast(lake_outpatients.attended is not null as integer)
        + cast(lake_outpatients.firstatt is not null as integer)
        + cast(lake_outpatients.tretspef is not null as integer)
        + cast(lake_outpatients.mainspef is not null as integer)
        + cast(lake_outpatients.sex is not null as integer)
        + cast(lake_outpatients.apptage is not null as integer)
        + cast(lake_outpatients.gpprac is not null as integer) as filled_fields
    from lake_outpatients
    left outer join delivery_order
        on
            lake_outpatients.delivery_id = delivery_order.delivery_id
            and delivery_order.extract = 'outpatients'
    left outer join provider_successors
        on lake_outpatients.procode3 = provider_successors.provider_code
    left outer join repeated_keys on lake_outpatients.attendkey = repeated_keys.attendkey
    left outer join repeated_days
        on
            lake_outpatients.person_id = repeated_days.person_id
            and lake_outpatients.apptdate = repeated_days.apptdate
    where repeated_keys.attendkey is not null or repeated_days.person_id is not null
),

ranked_by_key as (
    select
        *,
        row_number() over key_order as key_rank,
        first_value(delivery_id) over key_order as kept_delivery_id
    from contested
    window key_order as (
        partition by attendkey
        order by
            delivery_position desc nulls last,
            delivery_id asc nulls last,
            filled_fields desc nulls last,
            record asc nulls last
    )
),

ranked_by_appointment as (
    select
        *,
        row_number() over (
            partition by key_rank = 1, person_id, provider_code, apptdate, mainspef, tretspef
            order by
                filled_fields desc nulls last,
                delivery_position desc nulls last,
                delivery_id asc nulls last,
                attendkey asc nulls last,
                record asc nulls last
        ) as appointment_rank
    from ranked_by_key
),

ranked as (
    select
        delivery_id,
        record,
        case
            when key_rank > 1 and delivery_id <> kept_delivery_id then 'superseded'
            when key_rank > 1 then 'duplicate'
            when appointment_rank > 1 then 'duplicate'
            else 'accepted'
        end as fate
    from ranked_by_appointment
)

select
    lake_outpatients.delivery_id,
    lake_outpatients.record,
    coalesce(ranked.fate, 'accepted') as fate,
    opt_outs.person_id is not null as is_opted_out,
    opt_outs.person_id is null and population.person_id is null as is_unlinked,
    lake_outpatients.nulled_fields,
    lake_outpatients.repaired_fields,
    lake_outpatients.person_id,
    lake_outpatients.attendkey as appointment_key,
    lake_outpatients.apptdate as appointment_date,
    lake_outpatients.attended as attendance_status_code,
    lake_outpatients.firstatt as first_attendance_code,
    coalesce(provider_successors.current_provider_code, lake_outpatients.procode3) as provider_code,
    lake_outpatients.procode3 as recorded_provider_code,
    lake_outpatients.tretspef as treatment_specialty_code,
    lake_outpatients.mainspef as main_specialty_code,
    lake_outpatients.sex,
    lake_outpatients.apptage as appointment_age_years,
    lake_outpatients.gpprac as practice_code
from lake_outpatients
left outer join ranked
    on lake_outpatients.delivery_id = ranked.delivery_id and lake_outpatients.record = ranked.record
left outer join provider_successors on lake_outpatients.procode3 = provider_successors.provider_code
left outer join opt_outs on lake_outpatients.person_id = opt_outs.person_id
left outer join population on lake_outpatients.person_id = population.person_id
