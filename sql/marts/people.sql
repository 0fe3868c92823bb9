-- The people of both arms, with what was known of them at their index date.
-- grain: one row per person_id
-- contract: data_contracts/marts/people.odcs.yaml
select
    index_dates.person_id,
    index_dates.is_pilot,
    index_dates.site_id,
    index_dates.index_date,
    index_dates.age_at_index,
    population.sex,
    population.imd_quintile,
    population.imd_decile,
    population.practice_code,
    population.area,
    population.is_care_home_resident,
    population.ethnic_category_code,
    index_dates.date_of_death,
    doubtful_deaths.person_id is not null as is_death_link_doubtful,
    population.registration_start_date,
    population.registration_end_date,
    nullif(index_dates.observed_from_date, date '1800-01-01') as observed_from_date,
    index_dates.observed_until_date,
    enrolments.enrolment_end_date,
    enrolments.referral_date,
    enrolments.eligible_date,
    enrolments.enrolment_route,
    enrolments.enrolment_tier,
    enrolments.enrolment_status,
    index_dates.record_person_id,
    index_dates.later_enrolment_date
from index_dates
inner join population on index_dates.record_person_id = population.person_id
left outer join doubtful_deaths on index_dates.record_person_id = doubtful_deaths.person_id
left outer join enrolments on index_dates.person_id = enrolments.person_id
