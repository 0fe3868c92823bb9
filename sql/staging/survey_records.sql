-- Every questionnaire with its fate, its answers as one JSON object by column.
-- grain: one row per extract, delivery_id, record
-- contract: none
-- A respondent's later delivery of a wave supersedes the earlier one; within a delivery the row with the
-- most items answered stays, then the lowest record.
with measured as (
    select
        lake_surveys.delivery_id,
        lake_surveys.record,
        lake_surveys.extract,
        lake_surveys.instrument as instrument_id,
        lake_surveys.nulled_fields,
        lake_surveys.repaired_fields,
        lake_surveys.person_id,
        coalesce(lake_surveys.person_id, lake_surveys.staff_id) as respondent_id,
        lake_surveys.wave,
        lake_surveys.site as site_id,
        lake_surveys.role,
        lake_surveys."group" as respondent_group,
        lake_surveys.age_band,
        lake_surveys.design_weight,
        to_json(lake_surveys) as answers, -- noqa: RF02
        delivery_order.position as delivery_position
    from lake_surveys
    left outer join delivery_order
        on
            lake_surveys.delivery_id = delivery_order.delivery_id
            and lake_surveys.extract = delivery_order.extract
),

answered as (
    select
        measured.extract,
        measured.delivery_id,
        measured.record,
        count(json_extract_string(measured.answers, '$."' || instrument_items.item_column || '"'))
            as answered_items
    from measured
    inner join instrument_items on measured.instrument_id = instrument_items.instrument_id
    group by measured.extract, measured.delivery_id, measured.record
),

ranked as (
    select
        measured.*,
        coalesce(answered.answered_items, 0) as answered_items,
        row_number() over wave_order as wave_rank,
        first_value(measured.delivery_id) over wave_order as kept_delivery_id
    from measured
    left outer join answered
        on
            measured.extract = answered.extract
            and measured.delivery_id = answered.delivery_id
            and measured.record = answered.record
    window wave_order as (
        partition by measured.extract, measured.respondent_id, measured.wave
        order by
            measured.delivery_position desc nulls last,
            measured.delivery_id asc nulls last,
            answered.answered_items desc nulls last,
            measured.record asc nulls last
    )
)

select
    ranked.delivery_id,
    ranked.record,
    ranked.extract,
    case
        when ranked.wave_rank = 1 then 'accepted'
        when ranked.delivery_id <> ranked.kept_delivery_id then 'superseded'
        else 'duplicate'
    end as fate,
    opt_outs.person_id is not null as is_opted_out,
    ranked.person_id is not null
    and opt_outs.person_id is null
    and population.person_id is null as is_unlinked,
    ranked.nulled_fields,
    ranked.repaired_fields,
    ranked.instrument_id,
    ranked.person_id,
    ranked.respondent_id,
    ranked.wave,
    ranked.site_id,
    ranked.role,
    ranked.respondent_group,
    ranked.age_band,
    ranked.design_weight,
    ranked.answers
from ranked
left outer join opt_outs on ranked.person_id = opt_outs.person_id
left outer join population on ranked.person_id = population.person_id
