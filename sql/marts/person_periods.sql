-- Hospital use, death and cost of each person in the baseline and the follow-up period.
-- grain: one row per person_id, index_date, period
-- contract: data_contracts/marts/person_periods.odcs.yaml
-- The sum of the person's months, null where any month of the period is null.
select
    person_id,
    is_pilot,
    site_id,
    index_date,
    period,
    cast(sum(person_days) as bigint) as person_days,
    case
        when count(emergency_admissions) = count(*)
            then cast(sum(emergency_admissions) as bigint)
    end as emergency_admissions,
    case
        when count(emergency_admissions_zero_night) = count(*)
            then cast(sum(emergency_admissions_zero_night) as bigint)
    end as emergency_admissions_zero_night,
    case
        when count(emergency_admissions_overnight) = count(*)
            then cast(sum(emergency_admissions_overnight) as bigint)
    end as emergency_admissions_overnight,
    case
        when count(elective_admissions) = count(*)
            then cast(sum(elective_admissions) as bigint)
    end as elective_admissions,
    case
        when count(elective_admissions_excluding_chemotherapy) = count(*)
            then cast(sum(elective_admissions_excluding_chemotherapy) as bigint)
    end as elective_admissions_excluding_chemotherapy,
    case
        when count(regular_attendances) = count(*)
            then cast(sum(regular_attendances) as bigint)
    end as regular_attendances,
    case
        when count(outpatient_attendances) = count(*)
            then cast(sum(outpatient_attendances) as bigint)
    end as outpatient_attendances,
    case
        when count(outpatient_tele_attendances) = count(*)
            then cast(sum(outpatient_tele_attendances) as bigint)
    end as outpatient_tele_attendances,
    case
        when count(outpatient_did_not_attend) = count(*)
            then cast(sum(outpatient_did_not_attend) as bigint)
    end as outpatient_did_not_attend,
    case
        when count(ae_attendances) = count(*)
            then cast(sum(ae_attendances) as bigint)
    end as ae_attendances,
    case
        when count(emergency_bed_days) = count(*)
            then cast(sum(emergency_bed_days) as bigint)
    end as emergency_bed_days,
    case
        when count(elective_bed_days) = count(*)
            then cast(sum(elective_bed_days) as bigint)
    end as elective_bed_days,
    case
        when count(emergency_readmissions_30_days) = count(*)
            then cast(sum(emergency_readmissions_30_days) as bigint)
    end as emergency_readmissions_30_days,
    case
        when count(ambulatory_care_sensitive_admissions) = count(*)
            then cast(sum(ambulatory_care_sensitive_admissions) as bigint)
    end as ambulatory_care_sensitive_admissions,
    bool_or(died) as died,
    -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
    case
        when count(cost_gbp) = count(*) then cast(sum(cast(cost_gbp as decimal(18, 4))) as double)
    end as cost_gbp
from person_months
where period in ('baseline', 'follow_up')
group by person_id, is_pilot, site_id, index_date, period
