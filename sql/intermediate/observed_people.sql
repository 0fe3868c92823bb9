-- The people of the study with the days on which they can be observed.
-- grain: one row per person_id
-- contract: none
-- kind: view
-- decision: docs/decisions/0007-observed-days.md
-- Observed: born, alive, registered and within the data.
select
    population.person_id,
    population.date_of_birth,
    population.date_of_death,
    population.practice_code,
    population.area,
    greatest(
        coalesce(population.date_of_birth, date '1800-01-01'),
        coalesce(population.registration_start_date, date '1800-01-01')
    ) as observed_from_date,
    -- The first day that is not observed any more.
    cast(
        least(
            study_design.data_until,
            coalesce(population.date_of_death, study_design.data_until),
            coalesce(population.registration_end_date, study_design.data_until)
        ) + interval 1 day as date
    ) as observed_until_date
from population
cross join study_design
