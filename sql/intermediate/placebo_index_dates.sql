-- The people compared, with a placebo index date twelve months before their own: nobody was treated then.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0017-sensitivity.md
-- Columns as in `index_dates`. Who was observed on both dates was alive and registered in all the months
-- between, in both arms alike. Nobody where the look-back leaves fewer than six months before the placebo
-- date, or where a frozen design knows the person by another index date.
select
    index_dates.person_id,
    index_dates.record_person_id,
    index_dates.is_pilot,
    index_dates.site_id,
    cast(date_add(index_dates.index_date, to_months(-12)) as date) as index_date,
    index_dates.observed_from_date,
    index_dates.observed_until_date,
    index_dates.age_at_index - 1 as age_at_index,
    index_dates.date_of_death,
    index_dates.later_enrolment_date
from index_dates
inner join design_people
    on
        index_dates.person_id = design_people.person_id
        and index_dates.index_date = design_people.index_date
cross join study_design
where
    study_design.look_back_months >= 18
    and index_dates.observed_from_date <= cast(date_add(index_dates.index_date, to_months(-12)) as date)
    and index_dates.observed_until_date > index_dates.index_date
