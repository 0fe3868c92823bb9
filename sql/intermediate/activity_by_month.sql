-- Hospital use of each person by month from the index date, on observed days only.
-- grain: one row per person_id, month_from_index
-- contract: none
-- Admissions are counted under the study's rule for continuous spells. A month without activity has no row.
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
),

windows as (
    select
        index_date,
        min(month_start_date) as window_start_date,
        max(month_end_date) as window_end_date
    from index_months
    group by index_date
),

stays as (
    select
        admissions.person_id,
        admissions.is_new_emergency_admission,
        greatest(admissions.admission_date, windows.window_start_date) as first_night_date,
        least(admissions.discharge_date, windows.window_end_date) as end_date
    from admissions
    inner join index_dates on admissions.person_id = index_dates.person_id
    inner join windows on index_dates.index_date = windows.index_date
    where
        (admissions.is_new_emergency_admission or admissions.is_elective_admission)
        and admissions.discharge_date > admissions.admission_date
),

nights as (
    select
        person_id,
        is_new_emergency_admission,
        cast(
            unnest(generate_series(first_night_date, end_date - interval 1 day, interval 1 day)) as date
        ) as night_date
    from stays
    where first_night_date < end_date
),

events as (
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
        0 as emergency_bed_days,
        0 as elective_bed_days,
        cast(is_emergency_readmission as integer) as emergency_readmissions_30_days,
        cast(is_ambulatory_care_sensitive as integer) as ambulatory_care_sensitive_admissions,
        coalesce(cost_gbp, 0) as cost_gbp,
        cast((is_new_emergency_admission or is_elective_admission) and cost_gbp is null as integer)
            as unpriced_activities
    from admissions
    union all
    select
        person_id,
        night_date as activity_date,
        0 as emergency_admissions,
        0 as emergency_admissions_zero_night,
        0 as emergency_admissions_overnight,
        0 as elective_admissions,
        0 as elective_admissions_excluding_chemotherapy,
        0 as regular_attendances,
        0 as outpatient_attendances,
        0 as outpatient_tele_attendances,
        0 as outpatient_did_not_attend,
        0 as ae_attendances,
        cast(is_new_emergency_admission as integer) as emergency_bed_days,
        cast(not is_new_emergency_admission as integer) as elective_bed_days,
        0 as emergency_readmissions_30_days,
        0 as ambulatory_care_sensitive_admissions,
        0 as cost_gbp,
        0 as unpriced_activities
    from nights
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
        0 as emergency_bed_days,
        0 as elective_bed_days,
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
        0 as emergency_bed_days,
        0 as elective_bed_days,
        0 as emergency_readmissions_30_days,
        0 as ambulatory_care_sensitive_admissions,
        coalesce(unit_costs.unit_cost_gbp, 0) as cost_gbp,
        cast(unit_costs.unit_cost_gbp is null as integer) as unpriced_activities
    from attendances
    left outer join unit_costs on unit_costs.activity = 'ae_attendance'
    where attendances.is_unplanned
)

select
    events.person_id,
    index_days.month_from_index,
    cast(sum(events.emergency_admissions) as bigint) as emergency_admissions,
    cast(sum(events.emergency_admissions_zero_night) as bigint) as emergency_admissions_zero_night,
    cast(sum(events.emergency_admissions_overnight) as bigint) as emergency_admissions_overnight,
    cast(sum(events.elective_admissions) as bigint) as elective_admissions,
    cast(sum(events.elective_admissions_excluding_chemotherapy) as bigint)
        as elective_admissions_excluding_chemotherapy,
    cast(sum(events.regular_attendances) as bigint) as regular_attendances,
    cast(sum(events.outpatient_attendances) as bigint) as outpatient_attendances,
    cast(sum(events.outpatient_tele_attendances) as bigint) as outpatient_tele_attendances,
    cast(sum(events.outpatient_did_not_attend) as bigint) as outpatient_did_not_attend,
    cast(sum(events.ae_attendances) as bigint) as ae_attendances,
    cast(sum(events.emergency_bed_days) as bigint) as emergency_bed_days,
    cast(sum(events.elective_bed_days) as bigint) as elective_bed_days,
    cast(sum(events.emergency_readmissions_30_days) as bigint) as emergency_readmissions_30_days,
    cast(sum(events.ambulatory_care_sensitive_admissions) as bigint) as ambulatory_care_sensitive_admissions,
    -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
    sum(cast(events.cost_gbp as decimal(18, 4))) as cost_gbp,
    cast(sum(events.unpriced_activities) as bigint) as unpriced_activities
from events
inner join index_dates on events.person_id = index_dates.person_id
inner join index_days
    on index_dates.index_date = index_days.index_date and events.activity_date = index_days.activity_date
where
    events.activity_date >= index_dates.observed_from_date
    and events.activity_date < index_dates.observed_until_date
group by events.person_id, index_days.month_from_index
