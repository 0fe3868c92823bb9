-- Who is compared with whom: the pilot people, and the comparison people who may stand beside them.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0014-comparison.md
-- Comparison people come from one pool, the first with at least as many people as the pilot has. With too few
-- in each, or where pairs need not be of one pool, all are taken.
with pool_sizes as (
    select
        pool_number,
        count(*) as people
    from comparison_pools
    group by pool_number
),

pilot as (
    select count(*) as people
    from covariates
    where is_treated
),

-- Null where no pool is large enough.
chosen as (
    select min(pool_sizes.pool_number) as pool_number
    from pool_sizes
    cross join pilot
    where pool_sizes.pool_number > 0 and pool_sizes.people >= pilot.people
)

select
    comparison_pools.person_id,
    comparison_pools.is_treated,
    comparison_pools.comparison_pool,
    comparison_pools.index_day,
    comparison_pools.index_quarter
from comparison_pools
cross join chosen
where
    comparison_pools.is_treated
    or chosen.pool_number is null
    or not comparison_pools.comparison_is_of_one_pool
    or comparison_pools.pool_number = chosen.pool_number
