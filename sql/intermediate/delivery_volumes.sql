-- Records a month in each delivery beside the median of up to twelve earlier deliveries of its extract.
-- grain: one row per extract, file_name
-- contract: none
-- Deliveries that count, and earlier snapshots for comparison; not files that a later one of their period
-- replaced. Null verdict: replaced, or fewer than three earlier deliveries.
with deliveries as (
    select
        deliveries_read.extract,
        study_extracts.contract_id,
        deliveries_read.delivery_id,
        deliveries_read.file_name,
        deliveries_read.period,
        deliveries_read.status,
        deliveries_read.received_at,
        cast(deliveries_read.rows_read as double) / case
            when deliveries_read.period is null then 1
            else
                12 * (
                    cast(substr(right(deliveries_read.period, 7), 1, 4) as integer)
                    - cast(substr(deliveries_read.period, 1, 4) as integer)
                )
                + cast(right(deliveries_read.period, 2) as integer)
                - cast(substr(deliveries_read.period, 6, 2) as integer)
                + 1
        end as records_per_month
    from deliveries_read
    inner join study_extracts on deliveries_read.extract = study_extracts.extract
    left outer join deliveries_read as replacements
        on
            deliveries_read.extract = replacements.extract
            and deliveries_read.period = replacements.period
            and deliveries_read.status = 'superseded'
            and replacements.status = 'accepted'
    where deliveries_read.status in ('accepted', 'superseded') and replacements.extract is null
),

ranked as (
    select
        *,
        row_number() over (
            partition by extract
            order by period asc nulls first, received_at asc nulls last, file_name asc nulls last
        ) as delivery_rank
    from deliveries
),

usual as (
    select
        ranked.extract,
        ranked.delivery_rank,
        count(*) as earlier_deliveries,
        median(earlier.records_per_month) as median_records_per_month
    from ranked
    inner join ranked as earlier
        on
            ranked.extract = earlier.extract
            and ranked.delivery_rank > earlier.delivery_rank
            and ranked.delivery_rank <= earlier.delivery_rank + 12
            and (ranked.period is null) = (earlier.period is null)
    group by ranked.extract, ranked.delivery_rank
)

select
    ranked.extract,
    ranked.contract_id,
    ranked.delivery_id,
    ranked.file_name,
    ranked.period,
    ranked.records_per_month,
    coalesce(usual.earlier_deliveries, 0) as earlier_deliveries,
    usual.median_records_per_month,
    case
        when ranked.status = 'accepted' and usual.earlier_deliveries >= 3
            then
                abs(ranked.records_per_month - usual.median_records_per_month)
                <= usual.median_records_per_month * study_design.volume_change_pct / 100
    end as is_volume_expected
from ranked
cross join study_design
left outer join usual on ranked.extract = usual.extract and ranked.delivery_rank = usual.delivery_rank
