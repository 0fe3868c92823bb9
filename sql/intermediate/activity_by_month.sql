-- Hospital use of each person by month from the index date, on observed days only.
-- grain: one row per person_id, month_from_index
-- contract: data_contracts/marts/activity_by_month.odcs.yaml
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

stays as (
    select
        admissions.person_id,
        admissions.is_new_emergency_admission,
        index_dates.index_date,
        greatest(admissions.admission_date, index_dates.observed_from_date) as first_night_date,
        least(admissions.discharge_date, index_dates.observed_until_date) as end_date
    from admissions
    inner join index_dates on admissions.person_id = index_dates.person_id
    where
        (admissions.is_new_emergency_admission or admissions.is_elective_admission)
        and admissions.discharge_date > admissions.admission_date
),

-- A stay may last over several months: its nights fall where they were spent.
bed_days as (
    select
        stays.person_id,
        index_months.month_from_index,
        stays.is_new_emergency_admission,
        date_diff(
            'day',
            greatest(stays.first_night_date, index_months.month_start_date),
            least(stays.end_date, index_months.month_end_date)
        ) as nights
    from stays
    inner join index_months
        on
            stays.index_date = index_months.index_date
            and stays.first_night_date < index_months.month_end_date
            and stays.end_date > index_months.month_start_date
    where stays.first_night_date < stays.end_date
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
),

placed as (
    select
        events.person_id,
        index_days.month_from_index,
        events.emergency_admissions,
        events.emergency_admissions_zero_night,
        events.emergency_admissions_overnight,
        events.elective_admissions,
        events.elective_admissions_excluding_chemotherapy,
        events.regular_attendances,
        events.outpatient_attendances,
        events.outpatient_tele_attendances,
        events.outpatient_did_not_attend,
        events.ae_attendances,
        0 as emergency_bed_days,
        0 as elective_bed_days,
        events.emergency_readmissions_30_days,
        events.ambulatory_care_sensitive_admissions,
        events.cost_gbp,
        events.unpriced_activities
    from events
    inner join index_dates on events.person_id = index_dates.person_id
    inner join index_days
        on index_dates.index_date = index_days.index_date and events.activity_date = index_days.activity_date
    where
        events.activity_date >= index_dates.observed_from_date
        and events.activity_date < index_dates.observed_until_date
    union all
    select
        person_id,
        month_from_index,
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
        case when is_new_emergency_admission then nights else 0 end as emergency_bed_days,
        case when is_new_emergency_admission then 0 else nights end as elective_bed_days,
        0 as emergency_readmissions_30_days,
        0 as ambulatory_care_sensitive_admissions,
        0 as cost_gbp,
        0 as unpriced_activities
    from bed_days
)

select
    person_id,
    month_from_index,
    cast(sum(emergency_admissions) as bigint) as emergency_admissions,
    cast(sum(emergency_admissions_zero_night) as bigint) as emergency_admissions_zero_night,
    cast(sum(emergency_admissions_overnight) as bigint) as emergency_admissions_overnight,
    cast(sum(elective_admissions) as bigint) as elective_admissions,
    cast(sum(elective_admissions_excluding_chemotherapy) as bigint)
        as elective_admissions_excluding_chemotherapy,
    cast(sum(regular_attendances) as bigint) as regular_attendances,
    cast(sum(outpatient_attendances) as bigint) as outpatient_attendances,
    cast(sum(outpatient_tele_attendances) as bigint) as outpatient_tele_attendances,
    cast(sum(outpatient_did_not_attend) as bigint) as outpatient_did_not_attend,
    cast(sum(ae_attendances) as bigint) as ae_attendances,
    cast(sum(emergency_bed_days) as bigint) as emergency_bed_days,
    cast(sum(elective_bed_days) as bigint) as elective_bed_days,
    cast(sum(emergency_readmissions_30_days) as bigint) as emergency_readmissions_30_days,
    cast(sum(ambulatory_care_sensitive_admissions) as bigint) as ambulatory_care_sensitive_admissions,
    -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
    cast(sum(cast(cost_gbp as decimal(18, 4))) as double) as cost_gbp,
    cast(sum(unpriced_activities) as bigint) as unpriced_activities
from placed
group by person_id, month_from_index
