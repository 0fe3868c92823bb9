-- Covered months of each extract: providers judged by their volume, and those that are not as expected.
-- grain: one row per extract, month
-- contract: none
-- decision: docs/decisions/0024-end-of-data.md
select
    extract,
    contract_id,
    month,
    cast(month + interval 1 month as date) - 1 as month_end_date,
    count(is_expected) as providers_judged,
    count(case when not is_expected then 1 end) as providers_not_as_expected
from provider_month_expectations
group by extract, contract_id, month
