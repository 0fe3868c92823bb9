-- How many records of each delivery met which fate: what the ledger of deliveries is balanced with.
-- grain: one row per delivery_id, extract, fate, is_unlinked, is_opted_out, is_repaired, is_nulled
-- contract: none
with records as (
    select
        delivery_id,
        'admissions' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from admission_records
    union all
    select
        delivery_id,
        'outpatients' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from appointment_records
    union all
    select
        delivery_id,
        'emergency_care' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from attendance_records
    union all
    select
        delivery_id,
        'population' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from population_records
    union all
    select
        delivery_id,
        'enrolments' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from enrolment_records
    union all
    select
        delivery_id,
        'opt_outs' as extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from opt_out_records
    union all
    select
        delivery_id,
        extract,
        fate,
        is_unlinked,
        is_opted_out,
        repaired_fields,
        nulled_fields
    from survey_records
)

select
    delivery_id,
    extract,
    fate,
    is_unlinked,
    is_opted_out,
    repaired_fields is not null as is_repaired,
    nulled_fields is not null as is_nulled,
    count(*) as rows
from records
group by
    delivery_id,
    extract,
    fate,
    is_unlinked,
    is_opted_out,
    repaired_fields is not null,
    nulled_fields is not null
