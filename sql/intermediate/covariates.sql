-- What was known of each person of the cohort on the day before the index date: whom to compare with whom.
-- grain: one row per person_id
-- contract: none
-- The cohort: born, alive, registered and within the data on the index date. A count is null, never 0, where
-- the extract is missing or a calendar month of its window is. Nothing from the index date on enters, but
-- that a stay begun before goes on. Area and practice are as in the latest population file; care home and
-- deprivation as in the latest one by the index date, if there is one.
with pilot_areas as (
    select distinct area
    from sites
    where area is not null
),

-- Where a site without an area lies nobody knows: no area is known to be outside the pilot then.
known_areas as (
    select count(*) > 0 and count(*) = count(area) as has_pilot_areas
    from sites
),

pilot_practices as (
    select distinct population.practice_code
    from enrolments
    inner join population on enrolments.person_id = population.person_id
    where population.practice_code is not null
),

known_practices as (
    select count(*) > 0 as has_pilot_practices
    from pilot_practices
),

cohort as (
    select *
    from index_dates
    where observed_from_date <= index_date and observed_until_date > index_date
),

-- A stay that is not known to have ended goes on if it is the person's last one.
stays as (
    select
        stays_before_index.person_id,
        max(stays_before_index.admission_date) as last_admission_date,
        max(
            case when stays_before_index.end_date is null then stays_before_index.admission_date end
        ) as last_open_admission_date,
        max(stays_before_index.end_date) as last_end_date,
        max(
            case
                when
                    stays_before_index.is_new_emergency_admission
                    and stays_before_index.end_date < stays_before_index.index_date
                    and stays_before_index.end_date >= windows.start_24_months_date
                    then stays_before_index.end_date
            end
        ) as last_emergency_discharge_date,
        sum(
            case
                when
                    stays_before_index.is_new_emergency_admission
                    and stays_before_index.end_date > windows.start_12_months_date
                    then date_diff(
                        'day',
                        greatest(stays_before_index.admission_date, windows.start_12_months_date),
                        stays_before_index.end_date
                    )
                else 0
            end
        ) as emergency_bed_days
    from stays_before_index
    inner join look_back_windows as windows on stays_before_index.index_date = windows.index_date
    group by stays_before_index.person_id
),

stays_at_index as (
    select
        cohort.person_id,
        coalesce(
            stays.last_end_date = cohort.index_date
            or stays.last_open_admission_date = stays.last_admission_date,
            false
        ) as is_in_hospital,
        coalesce(stays.emergency_bed_days, 0) as emergency_bed_days,
        cast(
            date_diff('day', stays.last_emergency_discharge_date, cohort.index_date) as bigint
        ) as days_since_emergency_discharge
    from cohort
    left outer join stays on cohort.person_id = stays.person_id
)

select
    cohort.person_id,
    cohort.record_person_id,
    cohort.is_pilot as is_treated,
    cohort.site_id,
    cohort.index_date,
    cast(date_trunc('month', cohort.index_date) as date) as index_month,
    case
        when cohort.is_pilot then null
        when pilot_areas.area is not null then 'local'
        when population.area is not null and known_areas.has_pilot_areas then 'outside'
        else 'unknown'
    end as pool,
    case
        when
            not cohort.is_pilot
            and population.practice_code is not null
            and known_practices.has_pilot_practices
            then pilot_practices.practice_code is not null
    end as is_in_pilot_practice,
    population.sex,
    cohort.age_at_index,
    case
        when cohort.age_at_index >= 90 then '90+'
        else
            lpad(cast(cohort.age_at_index - cohort.age_at_index % 5 as varchar), 2, '0')
            || '-'
            || lpad(cast(cohort.age_at_index - cohort.age_at_index % 5 + 4 as varchar), 2, '0')
    end as age_band,
    registers_at_index.imd_quintile,
    registers_at_index.deprivation_as_of_date,
    ethnic_categories.ethnic_group,
    registers_at_index.is_care_home_resident,
    registers_at_index.care_home_as_of_date,
    cast(
        date_diff(
            'day', greatest(cohort.observed_from_date, windows.start_24_months_date), cohort.index_date
        ) as bigint
    ) as days_registered_24_months,
    case
        when windows.admissions_from_date <= windows.start_1_month_date
            then coalesce(uses.emergency_admissions_1_month, 0)
    end as emergency_admissions_1_month,
    case
        when windows.admissions_from_date <= windows.start_3_months_date
            then coalesce(uses.emergency_admissions_3_months, 0)
    end as emergency_admissions_3_months,
    case
        when windows.admissions_from_date <= windows.start_6_months_date
            then coalesce(uses.emergency_admissions_6_months, 0)
    end as emergency_admissions_6_months,
    case
        when windows.admissions_from_date <= windows.start_12_months_date
            then coalesce(uses.emergency_admissions_12_months, 0)
    end as emergency_admissions_12_months,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(uses.emergency_admissions_24_months, 0)
    end as emergency_admissions_24_months,
    case
        when windows.admissions_from_date <= windows.start_1_month_date
            then coalesce(uses.elective_admissions_1_month, 0)
    end as elective_admissions_1_month,
    case
        when windows.admissions_from_date <= windows.start_3_months_date
            then coalesce(uses.elective_admissions_3_months, 0)
    end as elective_admissions_3_months,
    case
        when windows.admissions_from_date <= windows.start_6_months_date
            then coalesce(uses.elective_admissions_6_months, 0)
    end as elective_admissions_6_months,
    case
        when windows.admissions_from_date <= windows.start_12_months_date
            then coalesce(uses.elective_admissions_12_months, 0)
    end as elective_admissions_12_months,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(uses.elective_admissions_24_months, 0)
    end as elective_admissions_24_months,
    case
        when windows.outpatients_from_date <= windows.start_1_month_date
            then coalesce(uses.outpatient_attendances_1_month, 0)
    end as outpatient_attendances_1_month,
    case
        when windows.outpatients_from_date <= windows.start_3_months_date
            then coalesce(uses.outpatient_attendances_3_months, 0)
    end as outpatient_attendances_3_months,
    case
        when windows.outpatients_from_date <= windows.start_6_months_date
            then coalesce(uses.outpatient_attendances_6_months, 0)
    end as outpatient_attendances_6_months,
    case
        when windows.outpatients_from_date <= windows.start_12_months_date
            then coalesce(uses.outpatient_attendances_12_months, 0)
    end as outpatient_attendances_12_months,
    case
        when windows.outpatients_from_date <= windows.start_24_months_date
            then coalesce(uses.outpatient_attendances_24_months, 0)
    end as outpatient_attendances_24_months,
    case
        when windows.emergency_care_from_date <= windows.start_1_month_date
            then coalesce(uses.ae_attendances_1_month, 0)
    end as ae_attendances_1_month,
    case
        when windows.emergency_care_from_date <= windows.start_3_months_date
            then coalesce(uses.ae_attendances_3_months, 0)
    end as ae_attendances_3_months,
    case
        when windows.emergency_care_from_date <= windows.start_6_months_date
            then coalesce(uses.ae_attendances_6_months, 0)
    end as ae_attendances_6_months,
    case
        when windows.emergency_care_from_date <= windows.start_12_months_date
            then coalesce(uses.ae_attendances_12_months, 0)
    end as ae_attendances_12_months,
    case
        when windows.emergency_care_from_date <= windows.start_24_months_date
            then coalesce(uses.ae_attendances_24_months, 0)
    end as ae_attendances_24_months,
    case
        when windows.admissions_from_date <= windows.start_12_months_date
            then cast(stays_at_index.emergency_bed_days as bigint)
    end as emergency_bed_days_12_months,
    case
        when windows.admissions_from_date <= windows.start_1_month_date then stays_at_index.is_in_hospital
    end as is_in_hospital,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then stays_at_index.days_since_emergency_discharge
    end as days_since_emergency_discharge,
    case
        when windows.admissions_from_date > windows.start_24_months_date then null
        when stays_at_index.days_since_emergency_discharge is null then 'none'
        when stays_at_index.days_since_emergency_discharge <= 7 then '0-7'
        when stays_at_index.days_since_emergency_discharge <= 30 then '8-30'
        when stays_at_index.days_since_emergency_discharge <= 90 then '31-90'
        else 'more'
    end as emergency_discharge_class,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.episodes, 0)
    end as episodes_24_months,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.diagnoses, 0)
    end as diagnoses_24_months,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.long_term_conditions, 0)
    end as long_term_conditions,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.charlson_score, 0)
    end as charlson_score,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.charlson_score_updated, 0)
    end as charlson_score_updated,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.elixhauser_score, 0)
    end as elixhauser_score,
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then coalesce(comorbidity.hospital_frailty_score, 0)
    end as hospital_frailty_score,
    -- Null for somebody without episodes: how they are coded is not known.
    case
        when windows.admissions_from_date <= windows.start_24_months_date
            then cast(comorbidity.diagnoses as double) / comorbidity.episodes
    end as diagnoses_per_episode
from cohort
inner join population on cohort.record_person_id = population.person_id
inner join registers_at_index on cohort.person_id = registers_at_index.person_id
inner join look_back_windows as windows on cohort.index_date = windows.index_date
inner join stays_at_index on cohort.person_id = stays_at_index.person_id
cross join known_areas
cross join known_practices
left outer join pilot_areas on population.area = pilot_areas.area
left outer join pilot_practices on population.practice_code = pilot_practices.practice_code
left outer join code_list__ethnic_category as ethnic_categories
    on substr(population.ethnic_category_code, 1, 1) = ethnic_categories.code
left outer join use_before_index as uses on cohort.person_id = uses.person_id
left outer join comorbidity_before_index as comorbidity on cohort.person_id = comorbidity.person_id
