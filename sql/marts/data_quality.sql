-- The outcome of every rule in every run: what was counted, judged by the contracts' limits of today.
-- grain: one row per run_id, contract_id, table_name, rule_id, column_name
-- contract: data_contracts/marts/data_quality.odcs.yaml
-- kind: view
select
    data_quality_counts.run_id,
    data_quality_counts.contract_id,
    data_quality_counts.table_name,
    data_quality_counts.rule_id,
    data_quality_counts.column_name,
    data_quality_limits.severity,
    data_quality_limits.dimension,
    data_quality_counts.evaluated_rows,
    data_quality_counts.failed_rows,
    data_quality_limits.threshold,
    case
        when data_quality_counts.is_engine_fault then 'error'
        when data_quality_counts.evaluated_rows = 0 then 'not_evaluated'
        when
            cast(data_quality_counts.failed_rows as double) / data_quality_counts.evaluated_rows
            > data_quality_limits.threshold
            then 'fail'
        else 'pass'
    end as status
from data_quality_counts
inner join data_quality_limits
    on
        data_quality_counts.contract_id = data_quality_limits.contract_id
        and data_quality_counts.table_name = data_quality_limits.table_name
        and data_quality_counts.rule_id = data_quality_limits.rule_id
        and data_quality_counts.column_name = data_quality_limits.column_name
