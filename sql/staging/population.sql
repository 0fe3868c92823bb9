-- The people of the study, those who opted out removed: everyone who can be in either arm.
-- grain: one row per person_id
-- contract: none
select
    population_records.person_id,
    population_records.date_of_birth,
    population_records.sex,
    coalesce(
        population_records.imd_quintile, cast(ceil(imd.imd_decile / 2.0) as bigint)
    ) as imd_quintile,
    imd.imd_decile,
    population_records.practice_code,
    population_records.area,
    population_records.date_of_death,
    population_records.registration_start_date,
    population_records.registration_end_date,
    population_records.is_care_home_resident,
    population_records.ethnic_category_code
from population_records
left outer join imd on population_records.lsoa_code = imd.lsoa11
where population_records.fate = 'accepted' and not population_records.is_opted_out
