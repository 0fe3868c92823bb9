-- Every questionnaire's answers to the items of its instrument, blank items included.
-- grain: one row per extract, respondent_id, wave, item_id
-- contract: data_contracts/marts/survey_answers.odcs.yaml
-- Answers of people who opted out are left out. Of a person in both arms they are the pilot person's.
-- Those of people who are not in the population are kept.
with answered as (
    select
        survey_records.extract,
        survey_records.instrument_id,
        survey_records.respondent_id,
        survey_records.wave,
        instrument_items.item_id,
        survey_records.person_id,
        survey_records.site_id,
        survey_records.role,
        survey_records.respondent_group,
        survey_records.age_band,
        survey_records.design_weight,
        json_extract_string(survey_records.answers, '$."' || instrument_items.item_column || '"') as answer
    from survey_records
    inner join instrument_items on survey_records.instrument_id = instrument_items.instrument_id
    where survey_records.fate = 'accepted' and not survey_records.is_opted_out
)

select
    answered.extract,
    answered.instrument_id,
    answered.respondent_id,
    answered.wave,
    answered.item_id,
    instrument_waves.period,
    index_dates.person_id,
    answered.site_id,
    answered.role,
    answered.respondent_group,
    answered.age_band,
    answered.design_weight,
    answered.answer,
    coalesce(instrument_answers.is_valid, false) as is_valid,
    coalesce(instrument_answers.is_positive, false) as is_positive,
    coalesce(instrument_answers.is_not_counted, false) as is_not_counted
from answered
left outer join index_dates on answered.person_id = index_dates.person_id
left outer join instrument_waves
    on answered.instrument_id = instrument_waves.instrument_id and answered.wave = instrument_waves.wave
left outer join instrument_answers
    on
        answered.instrument_id = instrument_answers.instrument_id
        and answered.item_id = instrument_answers.item_id
        and answered.answer = instrument_answers.answer
