-- Continuous inpatient spells that began before the index date, as they were known on the day before it.
-- grain: one row per person_id, continuous_spell_number
-- contract: none
-- Provider spells that begin on the index date or later are left out, so that nothing that happens then can
-- change what a stay counts as. A stay that goes on at the index date ends, here, on that date; null: not
-- known to have ended. Regular attendances are no stays.
with members as (
    select
        index_dates.person_id,
        members.continuous_spell_number,
        index_dates.index_date,
        provider_spells.admission_date,
        provider_spells.discharge_date,
        provider_spells.last_known_date,
        members.is_first_spell and provider_spells.is_new_emergency_admission as is_new_emergency_admission,
        members.is_first_spell and provider_spells.is_elective_admission as is_elective_admission,
        row_number() over (
            partition by index_dates.person_id, members.continuous_spell_number
            order by
                provider_spells.last_known_date desc nulls first,
                provider_spells.admission_date desc nulls last,
                provider_spells.provider_code desc nulls last,
                provider_spells.spell_number desc nulls last
        ) as number_from_last
    from continuous_spell_members as members
    inner join study_design on members.continuous_rule = study_design.continuous_rule
    inner join provider_spells
        on
            members.person_id = provider_spells.person_id
            and members.provider_code = provider_spells.provider_code
            and members.spell_number = provider_spells.spell_number
    inner join index_dates on members.person_id = index_dates.record_person_id
    where provider_spells.admission_date < index_dates.index_date and not provider_spells.is_regular_attender
)

select
    person_id,
    continuous_spell_number,
    index_date,
    min(admission_date) as admission_date,
    max(
        case
            when number_from_last > 1 then null
            when last_known_date >= index_date then index_date
            else discharge_date
        end
    ) as end_date,
    bool_or(is_new_emergency_admission) as is_new_emergency_admission,
    bool_or(is_elective_admission) as is_elective_admission
from members
group by person_id, continuous_spell_number, index_date
