-- How far the change of coding depth from baseline to follow-up differs between the arms.
-- grain: one row per contract_id
-- contract: none
-- Diagnoses recorded an episode that starts in the period. Null verdict: fewer than 100 episodes in an arm
-- and period. Of a comparison person who enrols later, up to the enrolment. Beyond 10 per cent it would
-- show as an effect in any metric made from diagnoses.
with depths as (
    select
        index_dates.is_pilot,
        index_days.period,
        count(*) as episodes,
        avg(
            cast(episodes.primary_diagnosis_code is not null as integer)
            + coalesce(array_length(episodes.secondary_diagnosis_codes), 0)
        ) as diagnoses_per_episode
    from episodes
    inner join index_dates on episodes.person_id = index_dates.record_person_id
    inner join index_days
        on
            index_dates.index_date = index_days.index_date
            and episodes.episode_start_date = index_days.activity_date
    where
        index_days.period in ('baseline', 'follow_up')
        and coalesce(episodes.episode_start_date < index_dates.later_enrolment_date, true)
    group by index_dates.is_pilot, index_days.period
),

cells as (
    select
        min(episodes) as smallest_cell,
        count(*) as filled_cells,
        max(case when is_pilot and period = 'baseline' then diagnoses_per_episode end) as pilot_baseline,
        max(case when is_pilot and period = 'follow_up' then diagnoses_per_episode end) as pilot_follow_up,
        max(case when not is_pilot and period = 'baseline' then diagnoses_per_episode end)
            as comparison_baseline,
        max(case when not is_pilot and period = 'follow_up' then diagnoses_per_episode end)
            as comparison_follow_up
    from depths
)

select
    'hes_apc' as contract_id,
    pilot_baseline,
    pilot_follow_up,
    comparison_baseline,
    comparison_follow_up,
    case
        when filled_cells = 4 and smallest_cell >= 100 and pilot_baseline > 0 and comparison_baseline > 0
            then
                abs(
                    (pilot_follow_up / pilot_baseline)
                    / nullif(comparison_follow_up / comparison_baseline, 0)
                    - 1
                ) <= 0.1
    end as is_alike
from cells
