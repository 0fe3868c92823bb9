-- Hospital use, death and cost of each person in the baseline and the follow-up period.
-- grain: one row per person_id, index_date, period
-- contract: data_contracts/marts/person_periods.odcs.yaml
-- kind: view
select
    person_id,
    is_pilot,
    site_id,
    index_date,
    period,
    person_days,
    emergency_admissions,
    emergency_admissions_zero_night,
    emergency_admissions_overnight,
    elective_admissions,
    elective_admissions_excluding_chemotherapy,
    regular_attendances,
    outpatient_attendances,
    outpatient_tele_attendances,
    outpatient_did_not_attend,
    ae_attendances,
    emergency_bed_days,
    elective_bed_days,
    emergency_readmissions_30_days,
    ambulatory_care_sensitive_admissions,
    died,
    cost_gbp
from use_by_period
where period in ('baseline', 'follow_up')
