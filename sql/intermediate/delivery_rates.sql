-- Quarantined and nulled records of the delivery of each contract that has the largest share of them.
-- grain: one row per contract_id
-- contract: none
-- Of deliveries with at least 100 records: in fewer, each record moves the share by more than a point.
with fates as (
    select
        delivery_id,
        extract,
        cast(sum(case when fate = 'accepted' then rows else 0 end) as bigint) as rows_accepted,
        cast(sum(case when fate = 'accepted' and is_nulled then rows else 0 end) as bigint) as rows_nulled
    from record_fates
    group by delivery_id, extract
),

deliveries as (
    select
        study_extracts.contract_id,
        deliveries_read.extract,
        deliveries_read.file_name,
        deliveries_read.rows_read,
        deliveries_read.rows_quarantined,
        coalesce(fates.rows_accepted, 0) as rows_accepted,
        coalesce(fates.rows_nulled, 0) as rows_nulled
    from deliveries_read
    inner join study_extracts on deliveries_read.extract = study_extracts.extract
    left outer join fates
        on deliveries_read.delivery_id = fates.delivery_id and deliveries_read.extract = fates.extract
    where deliveries_read.status = 'accepted'
),

quarantined as (
    select
        *,
        row_number() over (
            partition by contract_id
            order by
                cast(rows_quarantined as double) / rows_read desc nulls last,
                rows_read desc nulls last,
                extract asc nulls last,
                file_name asc nulls last
        ) as place
    from deliveries
    where rows_read >= 100
),

nulled as (
    select
        *,
        row_number() over (
            partition by contract_id
            order by
                cast(rows_nulled as double) / rows_accepted desc nulls last,
                rows_accepted desc nulls last,
                extract asc nulls last,
                file_name asc nulls last
        ) as place
    from deliveries
    where rows_accepted >= 100
),

contracts as (
    select distinct contract_id
    from study_extracts
)

select
    contracts.contract_id,
    quarantined.extract as quarantined_extract,
    quarantined.file_name as quarantined_file_name,
    quarantined.rows_read,
    quarantined.rows_quarantined,
    nulled.extract as nulled_extract,
    nulled.file_name as nulled_file_name,
    nulled.rows_accepted,
    nulled.rows_nulled
from contracts
left outer join quarantined on contracts.contract_id = quarantined.contract_id and quarantined.place = 1
left outer join nulled on contracts.contract_id = nulled.contract_id and nulled.place = 1
