-- Every record of admitted patient care with plain names and its one fate.
-- grain: one row per delivery_id, record
-- contract: none
-- A later delivery of an EPIKEY supersedes the earlier one; a finished episode supersedes its unfinished
-- copy. Duplicates: the EPIKEY again in one delivery, or the same stay under another EPIKEY. A missing
-- admission date is the episode's start if it is the first of its spell and the person was not transferred
-- in.
with keyed as (
    select
        lake_admissions.delivery_id,
        lake_admissions.record,
        lake_admissions.person_id,
        lake_admissions.epikey,
        lake_admissions.epistart,
        lake_admissions.epiend,
        lake_admissions.epiorder,
        lake_admissions.epistat,
        lake_admissions.disdate,
        delivery_order.position as delivery_position,
        coalesce(provider_successors.current_provider_code, lake_admissions.procode3) as provider_code,
        lake_admissions.admidate is null
        and coalesce(lake_admissions.epiorder = 1, false)
        and not coalesce(methods.is_transfer, false)
        and not coalesce(sources.is_other_hospital, false)
        and not coalesce(transits.is_transferred_in, false) as is_admission_date_assumed,
        lake_admissions.admidate,
        cast(lake_admissions.epiend is not null as integer)
        + cast(lake_admissions.epiorder is not null as integer)
        + cast(lake_admissions.epistat is not null as integer)
        + cast(lake_admissions.admidate is not null as integer)
        + cast(lake_admissions.disdate is not null as integer)
        + cast(lake_admissions.admimeth is not null as integer)
        + cast(lake_admissions.admisorc is not null as integer)
        + cast(lake_admissions.dismeth is not null as integer)
        + cast(lake_admissions.disdest is not null as integer)
        + cast(lake_admissions.classpat is not null as integer)
        + cast(lake_admissions.transit is not null as integer)
        + cast(lake_admissions.sex is not null as integer)
        + cast(lake_admissions.startage is not null as integer)
        + cast(lake_admissions.ethnos is not null as integer)
        + cast(lake_admissions.lsoa11 is not null as integer)
        + cast(lake_admissions.gpprac is not null as integer)
        + cast(lake_admissions.mainspef is not null as integer)
        + cast(lake_admissions.tretspef is not null as integer)
        + cast(lake_admissions.hrg is not null as integer)
        + cast(lake_admissions.diag_01 is not null as integer)
        + coalesce(array_length(lake_admissions.diag_secondary), 0)
        + coalesce(array_length(lake_admissions.opertn), 0) as filled_fields
    from lake_admissions
    left outer join delivery_order
        on lake_admissions.delivery_id = delivery_order.delivery_id and delivery_order.extract = 'admissions'
    left outer join provider_successors
        on lake_admissions.procode3 = provider_successors.provider_code
    left outer join code_list__admission_method as methods on lake_admissions.admimeth = methods.code
    left outer join code_list__admission_source as sources on lake_admissions.admisorc = sources.code
    left outer join code_list__transit as transits on lake_admissions.transit = transits.code
),

placed as (
    select
        *,
        case when is_admission_date_assumed then epistart else admidate end as admission_date
    from keyed
),

ranked_by_key as (
    select
        *,
        row_number() over key_order as key_rank,
        first_value(delivery_id) over key_order as kept_delivery_id
    from placed
    window key_order as (
        partition by epikey
        order by
            delivery_position desc nulls last,
            delivery_id asc nulls last,
            filled_fields desc nulls last,
            record asc nulls last
    )
),

with_finished as (
    select
        *,
        max(case when key_rank = 1 and epistat = '3' then 1 else 0 end) over (
            partition by person_id, provider_code, epistart, epiorder
        ) as has_finished_episode
    from ranked_by_key
),

with_superseded as (
    select
        *,
        (key_rank > 1 and delivery_id <> kept_delivery_id)
        or (coalesce(epistat, '') = '1' and has_finished_episode = 1) as is_superseded
    from with_finished
),

ranked_by_stay as (
    select
        *,
        row_number() over (
            partition by
                key_rank = 1 and not is_superseded,
                person_id,
                provider_code,
                epistart,
                epiend,
                epiorder,
                admission_date,
                disdate
            order by
                filled_fields desc nulls last,
                delivery_position desc nulls last,
                delivery_id asc nulls last,
                epikey asc nulls last,
                record asc nulls last
        ) as stay_rank
    from with_superseded
)

select
    ranked_by_stay.delivery_id,
    ranked_by_stay.record,
    case
        when ranked_by_stay.is_superseded then 'superseded'
        when ranked_by_stay.key_rank > 1 then 'duplicate'
        when ranked_by_stay.stay_rank > 1 then 'duplicate'
        else 'accepted'
    end as fate,
    opt_outs.person_id is not null as is_opted_out,
    opt_outs.person_id is null and population.person_id is null as is_unlinked,
    lake_admissions.nulled_fields,
    lake_admissions.repaired_fields,
    lake_admissions.person_id,
    lake_admissions.epikey as episode_key,
    lake_admissions.epistart as episode_start_date,
    lake_admissions.epiend as episode_end_date,
    lake_admissions.epiorder as episode_order,
    lake_admissions.epistat as episode_status_code,
    ranked_by_stay.admission_date,
    ranked_by_stay.is_admission_date_assumed,
    lake_admissions.disdate as discharge_date,
    lake_admissions.admimeth as admission_method_code,
    lake_admissions.admisorc as admission_source_code,
    lake_admissions.dismeth as discharge_method_code,
    lake_admissions.disdest as discharge_destination_code,
    lake_admissions.classpat as patient_classification_code,
    ranked_by_stay.provider_code,
    lake_admissions.procode3 as recorded_provider_code,
    lake_admissions.transit as transit_code,
    lake_admissions.sex,
    lake_admissions.startage as start_age_years,
    lake_admissions.ethnos as ethnic_category_code,
    lake_admissions.lsoa11 as lsoa_code,
    lake_admissions.gpprac as practice_code,
    lake_admissions.mainspef as main_specialty_code,
    lake_admissions.tretspef as treatment_specialty_code,
    lake_admissions.diag_01 as primary_diagnosis_code,
    lake_admissions.diag_secondary as secondary_diagnosis_codes,
    lake_admissions.opertn as procedure_codes,
    lake_admissions.hrg as hrg_code
from lake_admissions
inner join ranked_by_stay
    on
        lake_admissions.delivery_id = ranked_by_stay.delivery_id
        and lake_admissions.record = ranked_by_stay.record
left outer join opt_outs on lake_admissions.person_id = opt_outs.person_id
left outer join population on lake_admissions.person_id = population.person_id
