-- What counts as hospital use, each event once: admissions, outpatient appointments, A&E attendances.
-- grain: one row per admission, appointment or attendance
-- contract: none
-- kind: view
-- Admissions are counted under the study's rule for continuous spells, on their first day; nights are not
-- here. Nobody's observed days are asked for yet.
with admissions as (
    select
        continuous_spells.*,
        emergency_readmissions.person_id is not null as is_emergency_readmission
    from continuous_spells
    inner join study_design on continuous_spells.continuous_rule = study_design.continuous_rule
    left outer join emergency_readmissions
        on
            continuous_spells.continuous_rule = emergency_readmissions.continuous_rule
            and continuous_spells.person_id = emergency_readmissions.person_id
            and continuous_spells.continuous_spell_number = emergency_readmissions.continuous_spell_number
)

select
    person_id,
    admission_date as activity_date,
    cast(is_new_emergency_admission as integer) as emergency_admissions,
    cast(is_new_emergency_admission and coalesce(length_of_stay_days = 0, false) as integer)
        as emergency_admissions_zero_night,
    cast(is_new_emergency_admission and coalesce(length_of_stay_days >= 1, false) as integer)
        as emergency_admissions_overnight,
    cast(is_elective_admission as integer) as elective_admissions,
    cast(is_elective_admission and not is_chemotherapy as integer)
        as elective_admissions_excluding_chemotherapy,
    cast(is_regular_attendance as integer) as regular_attendances,
    0 as outpatient_attendances,
    0 as outpatient_tele_attendances,
    0 as outpatient_did_not_attend,
    0 as ae_attendances,
    cast(is_emergency_readmission as integer) as emergency_readmissions_30_days,
    cast(is_ambulatory_care_sensitive as integer) as ambulatory_care_sensitive_admissions,
    coalesce(cost_gbp, 0) as cost_gbp,
    cast((is_new_emergency_admission or is_elective_admission) and cost_gbp is null as integer)
        as unpriced_activities
from admissions
union all
select
    appointments.person_id,
    appointments.appointment_date as activity_date,
    0 as emergency_admissions,
    0 as emergency_admissions_zero_night,
    0 as emergency_admissions_overnight,
    0 as elective_admissions,
    0 as elective_admissions_excluding_chemotherapy,
    0 as regular_attendances,
    cast(appointments.is_attended as integer) as outpatient_attendances,
    cast(appointments.is_tele_attended as integer) as outpatient_tele_attendances,
    cast(appointments.is_did_not_attend as integer) as outpatient_did_not_attend,
    0 as ae_attendances,
    0 as emergency_readmissions_30_days,
    0 as ambulatory_care_sensitive_admissions,
    case when appointments.is_attended then coalesce(unit_costs.unit_cost_gbp, 0) else 0 end as cost_gbp,
    cast(appointments.is_attended and unit_costs.unit_cost_gbp is null as integer) as unpriced_activities
from appointments
left outer join unit_costs on unit_costs.activity = 'outpatient_attendance'
where appointments.is_attended or appointments.is_did_not_attend
union all
select
    attendances.person_id,
    attendances.arrival_date as activity_date,
    0 as emergency_admissions,
    0 as emergency_admissions_zero_night,
    0 as emergency_admissions_overnight,
    0 as elective_admissions,
    0 as elective_admissions_excluding_chemotherapy,
    0 as regular_attendances,
    0 as outpatient_attendances,
    0 as outpatient_tele_attendances,
    0 as outpatient_did_not_attend,
    1 as ae_attendances,
    0 as emergency_readmissions_30_days,
    0 as ambulatory_care_sensitive_admissions,
    coalesce(unit_costs.unit_cost_gbp, 0) as cost_gbp,
    cast(unit_costs.unit_cost_gbp is null as integer) as unpriced_activities
from attendances
left outer join unit_costs on unit_costs.activity = 'ae_attendance'
where attendances.is_unplanned
