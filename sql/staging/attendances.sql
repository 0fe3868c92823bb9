-- A&E attendances of the people of the study: accepted records, decoded.
-- grain: one row per attendance_key
-- contract: none
select
    attendance_records.person_id,
    attendance_records.attendance_key,
    attendance_records.arrival_date,
    attendance_records.provider_code,
    coalesce(categories.is_unplanned, true) as is_unplanned,
    coalesce(disposals.is_left_untreated, false) as is_left_untreated,
    coalesce(attendance_records.arrival_date > population.date_of_death, false) as is_after_death
from attendance_records
inner join population on attendance_records.person_id = population.person_id
left outer join code_list__ae_attendance_category as categories
    on attendance_records.attendance_category_code = categories.code
left outer join code_list__ae_disposal as disposals
    on attendance_records.disposal_code = disposals.code
where attendance_records.fate = 'accepted'
