-- Whose use of care is kept for comparison: pilot people, today's pool, whoever stands in a frozen design.
-- grain: one row per person_id
-- contract: none
-- kind: view
-- decision: docs/decisions/0016-design-before-outcome.md
-- Pools are found anew with every delivery: a practice, an area or a programme that changes takes people out
-- of today's. Under a frozen design they are compared all the same.
select index_dates.person_id
from index_dates
left outer join comparison_cohort on index_dates.person_id = comparison_cohort.person_id
left outer join frozen_index_dates on index_dates.record_person_id = frozen_index_dates.person_id
where
    index_dates.is_pilot
    or comparison_cohort.person_id is not null
    or frozen_index_dates.person_id is not null
