-- New emergency admissions in the observed days of each person's periods, under each published rule set.
-- grain: one row per person_id, period, continuous_rule
-- contract: none
-- Only those with any: whether none is zero or unknown is said where people stand beside them.
select
    index_dates.person_id,
    index_dates.is_pilot,
    index_days.period,
    continuous_spells.continuous_rule,
    count(*) as emergency_admissions
from continuous_spells
inner join index_dates on continuous_spells.person_id = index_dates.record_person_id
inner join index_days
    on
        index_dates.index_date = index_days.index_date
        and continuous_spells.admission_date = index_days.activity_date
where
    continuous_spells.is_new_emergency_admission
    and continuous_spells.admission_date >= index_dates.observed_from_date
    and continuous_spells.admission_date < index_dates.observed_until_date
group by index_dates.person_id, index_dates.is_pilot, index_days.period, continuous_spells.continuous_rule
