-- New emergency admissions 0 to 29 days after the discharge that went before, under each rule set.
-- grain: one row per continuous_rule, person_id, continuous_spell_number
-- contract: none
-- Neither stay may be for cancer or obstetric; the earlier one is an ordinary stay or a day case that did
-- not end in death.
with events as (
    select
        continuous_rule,
        person_id,
        continuous_spell_number,
        admission_date as event_date,
        0 as is_discharge
    from continuous_spells
    where is_new_emergency_admission and not is_cancer and not is_obstetric
    union all
    select
        continuous_rule,
        person_id,
        continuous_spell_number,
        discharge_date as event_date,
        1 as is_discharge
    from continuous_spells
    where
        discharge_date is not null
        and is_ordinary_or_day_case
        and not is_ended_by_death
        and not is_cancer
        and not is_obstetric
),

followed as (
    select
        *,
        max(case when is_discharge = 1 then event_date end) over (
            partition by continuous_rule, person_id
            -- On one day a stay's own discharge comes after its admission, that of an earlier stay before it.
            order by
                event_date asc nulls last,
                continuous_spell_number asc nulls last,
                is_discharge asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as previous_discharge_date
    from events
)

select
    continuous_rule,
    person_id,
    continuous_spell_number,
    previous_discharge_date
from followed
where
    is_discharge = 0
    and date_diff('day', previous_discharge_date, event_date) between 0 and 29
