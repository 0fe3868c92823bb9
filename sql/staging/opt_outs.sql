-- People who opted out of the use of their records: one list for both periods and both arms.
-- grain: one row per person_id
-- contract: none
select person_id
from opt_out_records
where fate = 'accepted'
