-- Hospital use of the people of each area and of each practice by calendar month, on observed days only.
-- grain: one row per unit_level, unit_code, month_start_date
-- contract: none
-- A month without activity has no row. Counts of months that an extract does not cover are what arrived.
with stays as (
    select
        observed_people.area,
        observed_people.practice_code,
        overnight_stays.is_new_emergency_admission,
        greatest(overnight_stays.admission_date, observed_people.observed_from_date) as first_night_date,
        least(overnight_stays.discharge_date, observed_people.observed_until_date) as end_date
    from overnight_stays
    inner join observed_people on overnight_stays.person_id = observed_people.person_id
),

-- A stay may last over several months: its nights fall where they were spent.
nights as (
    select
        stays.area,
        stays.practice_code,
        calendar_months.month_start_date,
        stays.is_new_emergency_admission,
        date_diff(
            'day',
            greatest(stays.first_night_date, calendar_months.month_start_date),
            least(stays.end_date, calendar_months.month_end_date)
        ) as nights
    from stays
    inner join calendar_months
        on
            stays.first_night_date < calendar_months.month_end_date
            and stays.end_date > calendar_months.month_start_date
    where stays.first_night_date < stays.end_date
),

placed as (
    select
        observed_people.area,
        observed_people.practice_code,
        cast(date_trunc('month', activity_events.activity_date) as date) as month_start_date,
        activity_events.emergency_admissions,
        activity_events.emergency_admissions_zero_night,
        activity_events.emergency_admissions_overnight,
        activity_events.elective_admissions,
        activity_events.elective_admissions_excluding_chemotherapy,
        activity_events.regular_attendances,
        activity_events.outpatient_attendances,
        activity_events.outpatient_tele_attendances,
        activity_events.outpatient_did_not_attend,
        activity_events.ae_attendances,
        0 as emergency_bed_days,
        0 as elective_bed_days,
        activity_events.emergency_readmissions_30_days,
        activity_events.ambulatory_care_sensitive_admissions,
        activity_events.cost_gbp,
        activity_events.unpriced_activities
    from activity_events
    inner join observed_people on activity_events.person_id = observed_people.person_id
    where
        activity_events.activity_date >= observed_people.observed_from_date
        and activity_events.activity_date < observed_people.observed_until_date
    union all
    select
        area,
        practice_code,
        month_start_date,
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
    from nights
)

select
    case when grouping(practice_code) = 1 then 'area' else 'practice' end as unit_level,
    case when grouping(practice_code) = 1 then area else practice_code end as unit_code,
    month_start_date,
    sum(emergency_admissions) as emergency_admissions,
    sum(emergency_admissions_zero_night) as emergency_admissions_zero_night,
    sum(emergency_admissions_overnight) as emergency_admissions_overnight,
    sum(elective_admissions) as elective_admissions,
    sum(elective_admissions_excluding_chemotherapy) as elective_admissions_excluding_chemotherapy,
    sum(regular_attendances) as regular_attendances,
    sum(outpatient_attendances) as outpatient_attendances,
    sum(outpatient_tele_attendances) as outpatient_tele_attendances,
    sum(outpatient_did_not_attend) as outpatient_did_not_attend,
    sum(ae_attendances) as ae_attendances,
    sum(emergency_bed_days) as emergency_bed_days,
    sum(elective_bed_days) as elective_bed_days,
    sum(emergency_readmissions_30_days) as emergency_readmissions_30_days,
    sum(ambulatory_care_sensitive_admissions) as ambulatory_care_sensitive_admissions,
    -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
    sum(cast(cost_gbp as decimal(18, 4))) as cost_gbp,
    sum(unpriced_activities) as unpriced_activities
from placed
group by grouping sets ((area, month_start_date), (practice_code, month_start_date))
