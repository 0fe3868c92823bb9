-- Outpatient appointments of the people of the study: accepted records, decoded.
-- grain: one row per appointment_key
-- contract: none
-- An administrative event is neither an attendance nor a failure to attend.
select
    appointment_records.person_id,
    appointment_records.appointment_key,
    appointment_records.appointment_date,
    appointment_records.provider_code,
    appointment_records.treatment_specialty_code,
    coalesce(statuses.is_attended, false) and coalesce(kinds.is_counted, true) as is_attended,
    coalesce(statuses.is_attended, false) and coalesce(kinds.is_tele, false) as is_tele_attended,
    coalesce(statuses.is_did_not_attend, false) and coalesce(kinds.is_counted, true) as is_did_not_attend,
    coalesce(appointment_records.appointment_date > population.date_of_death, false) as is_after_death
from appointment_records
inner join population on appointment_records.person_id = population.person_id
left outer join code_list__attendance_status as statuses
    on appointment_records.attendance_status_code = statuses.code
left outer join code_list__first_attendance as kinds
    on appointment_records.first_attendance_code = kinds.code
where appointment_records.fate = 'accepted'
