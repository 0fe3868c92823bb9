-- The price of each activity; one that stands twice would be ambiguous and counts as missing.
-- grain: one row per activity
-- contract: none
select
    activity,
    max(unit_cost_gbp) as unit_cost_gbp
from prices
group by activity
having count(*) = 1
