-- Key fields of each provider's records in each covered month: how many are filled, and whether that will do.
-- grain: one row per extract, provider_code, month, column_name
-- contract: data_contracts/marts/provider_month_completeness.odcs.yaml
-- Key fields are those of which the source contract limits the share without a value (rule `not_null`).
-- Incomplete: more are missing than the limit allows, and than five errors of counting add to it. Null
-- verdict: fewer than 50 records, or a column without a value in all of the extract, which was not
-- delivered. Providers taken over stand under their successor. An admission date that was assumed is none.
with marked as (
    select
        study_extracts.extract,
        study_extracts.contract_id,
        data_quality_limits.column_name,
        data_quality_limits.threshold
    from data_quality_limits
    inner join study_extracts on data_quality_limits.contract_id = study_extracts.contract_id
    where data_quality_limits.rule_id = 'not_null'
),

counted_admissions as (
    select
        provider_code,
        cast(date_trunc('month', coalesce(episode_end_date, episode_start_date)) as date) as record_month,
        count(*) as records,
        count(episode_order) as epiorder_filled,
        count(episode_status_code) as epistat_filled,
        count(case when not is_admission_date_assumed then admission_date end) as admidate_filled,
        count(admission_method_code) as admimeth_filled,
        count(admission_source_code) as admisorc_filled,
        count(discharge_method_code) as dismeth_filled,
        count(discharge_destination_code) as disdest_filled,
        count(patient_classification_code) as classpat_filled,
        count(sex) as sex_filled,
        count(start_age_years) as startage_filled,
        count(ethnic_category_code) as ethnos_filled,
        count(lsoa_code) as lsoa11_filled,
        count(practice_code) as gpprac_filled,
        count(main_specialty_code) as mainspef_filled,
        count(treatment_specialty_code) as tretspef_filled,
        count(primary_diagnosis_code) as diag_01_filled
    from admission_records
    where fate = 'accepted'
    group by provider_code, cast(date_trunc('month', coalesce(episode_end_date, episode_start_date)) as date)
),

counted_appointments as (
    select
        provider_code,
        cast(date_trunc('month', appointment_date) as date) as record_month,
        count(*) as records,
        count(attendance_status_code) as attended_filled,
        count(first_attendance_code) as firstatt_filled,
        count(treatment_specialty_code) as tretspef_filled,
        count(main_specialty_code) as mainspef_filled,
        count(sex) as sex_filled,
        count(appointment_age_years) as apptage_filled,
        count(practice_code) as gpprac_filled
    from appointment_records
    where fate = 'accepted'
    group by provider_code, cast(date_trunc('month', appointment_date) as date)
),

counted_attendances as (
    select
        provider_code,
        cast(date_trunc('month', arrival_date) as date) as record_month,
        count(*) as records,
        count(arrival_time) as arrivaltime_filled,
        count(attendance_category_code) as aeattendcat_filled,
        count(disposal_code) as aeattenddisp_filled,
        count(department_type_code) as aedepttype_filled
    from attendance_records
    where fate = 'accepted'
    group by provider_code, cast(date_trunc('month', arrival_date) as date)
),

fields as (
    select
        marked.extract,
        marked.contract_id,
        counted_admissions.provider_code,
        counted_admissions.record_month,
        marked.column_name,
        marked.threshold,
        counted_admissions.records,
        case marked.column_name
            when 'epiorder' then counted_admissions.epiorder_filled
            when 'epistat' then counted_admissions.epistat_filled
            when 'admidate' then counted_admissions.admidate_filled
            when 'admimeth' then counted_admissions.admimeth_filled
            when 'admisorc' then counted_admissions.admisorc_filled
            when 'dismeth' then counted_admissions.dismeth_filled
            when 'disdest' then counted_admissions.disdest_filled
            when 'classpat' then counted_admissions.classpat_filled
            when 'sex' then counted_admissions.sex_filled
            when 'startage' then counted_admissions.startage_filled
            when 'ethnos' then counted_admissions.ethnos_filled
            when 'lsoa11' then counted_admissions.lsoa11_filled
            when 'gpprac' then counted_admissions.gpprac_filled
            when 'mainspef' then counted_admissions.mainspef_filled
            when 'tretspef' then counted_admissions.tretspef_filled
            when 'diag_01' then counted_admissions.diag_01_filled
        end as filled_records
    from counted_admissions
    inner join marked on marked.extract = 'admissions'
    union all
    select
        marked.extract,
        marked.contract_id,
        counted_appointments.provider_code,
        counted_appointments.record_month,
        marked.column_name,
        marked.threshold,
        counted_appointments.records,
        case marked.column_name
            when 'attended' then counted_appointments.attended_filled
            when 'firstatt' then counted_appointments.firstatt_filled
            when 'tretspef' then counted_appointments.tretspef_filled
            when 'mainspef' then counted_appointments.mainspef_filled
            when 'sex' then counted_appointments.sex_filled
            when 'apptage' then counted_appointments.apptage_filled
            when 'gpprac' then counted_appointments.gpprac_filled
        end as filled_records
    from counted_appointments
    inner join marked on marked.extract = 'outpatients'
    union all
    select
        marked.extract,
        marked.contract_id,
        counted_attendances.provider_code,
        counted_attendances.record_month,
        marked.column_name,
        marked.threshold,
        counted_attendances.records,
        case marked.column_name
            when 'arrivaltime' then counted_attendances.arrivaltime_filled
            when 'aeattendcat' then counted_attendances.aeattendcat_filled
            when 'aeattenddisp' then counted_attendances.aeattenddisp_filled
            when 'aedepttype' then counted_attendances.aedepttype_filled
        end as filled_records
    from counted_attendances
    inner join marked on marked.extract = 'emergency_care'
),

delivered as (
    select
        fields.extract,
        fields.contract_id,
        fields.provider_code,
        extract_coverage.month,
        fields.column_name,
        fields.threshold,
        fields.records,
        fields.filled_records,
        sum(fields.filled_records) over (partition by fields.extract, fields.column_name) > 0 as is_delivered
    from fields
    inner join extract_coverage
        on fields.extract = extract_coverage.extract and fields.record_month = extract_coverage.month
    where fields.filled_records is not null and fields.provider_code is not null
)

select
    extract,
    contract_id,
    provider_code,
    month,
    column_name,
    records,
    filled_records,
    case
        when records >= 50 and is_delivered
            then
                records - filled_records
                <= records * threshold + 5 * sqrt(records * threshold * (1 - threshold))
    end as is_complete
from delivered
