-- Hospital use of each person by month from the index date, on observed days only.
-- grain: one row per person_id, month_from_index
-- contract: data_contracts/marts/activity_by_month.odcs.yaml
-- Admissions are counted under the study's rule for continuous spells. A month without activity has no row.
with stays as (
    select
        index_dates.person_id,
        overnight_stays.is_new_emergency_admission,
        index_dates.index_date,
        greatest(overnight_stays.admission_date, index_dates.observed_from_date) as first_night_date,
        least(overnight_stays.discharge_date, index_dates.observed_until_date) as end_date
    from overnight_stays
    inner join index_dates on overnight_stays.person_id = index_dates.record_person_id
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

placed as (
    select
        index_dates.person_id,
        index_days.month_from_index,
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
    inner join index_dates on activity_events.person_id = index_dates.record_person_id
    inner join index_days
        on
            index_dates.index_date = index_days.index_date
            and activity_events.activity_date = index_days.activity_date
    where
        activity_events.activity_date >= index_dates.observed_from_date
        and activity_events.activity_date < index_dates.observed_until_date
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
