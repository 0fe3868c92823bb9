-- Hospital use and cost of the people compared in the months after their placebo index date.
-- grain: one row per person_id
-- contract: none
-- decision: docs/decisions/0017-sensitivity.md
-- As many months as follow-up has, at most the six from month -12 to -7 before the index date: what led
-- people to join came after them. The sum of the person's months, null where any of them is.
select
    person_months.person_id,
    cast(sum(person_months.person_days) as bigint) as person_days,
    case
        when count(person_months.emergency_admissions) = count(*)
            then cast(sum(person_months.emergency_admissions) as bigint)
    end as emergency_admissions,
    case
        when count(person_months.emergency_admissions_zero_night) = count(*)
            then cast(sum(person_months.emergency_admissions_zero_night) as bigint)
    end as emergency_admissions_zero_night,
    case
        when count(person_months.emergency_admissions_overnight) = count(*)
            then cast(sum(person_months.emergency_admissions_overnight) as bigint)
    end as emergency_admissions_overnight,
    case
        when count(person_months.elective_admissions) = count(*)
            then cast(sum(person_months.elective_admissions) as bigint)
    end as elective_admissions,
    case
        when count(person_months.elective_admissions_excluding_chemotherapy) = count(*)
            then cast(sum(person_months.elective_admissions_excluding_chemotherapy) as bigint)
    end as elective_admissions_excluding_chemotherapy,
    case
        when count(person_months.regular_attendances) = count(*)
            then cast(sum(person_months.regular_attendances) as bigint)
    end as regular_attendances,
    case
        when count(person_months.outpatient_attendances) = count(*)
            then cast(sum(person_months.outpatient_attendances) as bigint)
    end as outpatient_attendances,
    case
        when count(person_months.outpatient_tele_attendances) = count(*)
            then cast(sum(person_months.outpatient_tele_attendances) as bigint)
    end as outpatient_tele_attendances,
    case
        when count(person_months.outpatient_did_not_attend) = count(*)
            then cast(sum(person_months.outpatient_did_not_attend) as bigint)
    end as outpatient_did_not_attend,
    case
        when count(person_months.ae_attendances) = count(*)
            then cast(sum(person_months.ae_attendances) as bigint)
    end as ae_attendances,
    case
        when count(person_months.emergency_bed_days) = count(*)
            then cast(sum(person_months.emergency_bed_days) as bigint)
    end as emergency_bed_days,
    case
        when count(person_months.elective_bed_days) = count(*)
            then cast(sum(person_months.elective_bed_days) as bigint)
    end as elective_bed_days,
    case
        when count(person_months.emergency_readmissions_30_days) = count(*)
            then cast(sum(person_months.emergency_readmissions_30_days) as bigint)
    end as emergency_readmissions_30_days,
    case
        when count(person_months.ambulatory_care_sensitive_admissions) = count(*)
            then cast(sum(person_months.ambulatory_care_sensitive_admissions) as bigint)
    end as ambulatory_care_sensitive_admissions,
    case
        when count(person_months.cost_gbp) = count(*)
            -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
            then cast(sum(cast(person_months.cost_gbp as decimal(18, 4))) as double)
    end as cost_gbp
from person_months
inner join placebo_index_dates on person_months.person_id = placebo_index_dates.person_id
cross join study_design
where
    person_months.month_from_index >= -12
    and person_months.month_from_index < -12 + least(study_design.follow_up_months, 6)
group by person_months.person_id
