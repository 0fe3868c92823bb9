-- Stays whose nights are bed days: emergency and elective admissions of a night or more.
-- grain: one row per admission
-- contract: none
-- kind: view
-- Under the study's rule for continuous spells. Nobody's observed days are asked for yet.
select
    continuous_spells.person_id,
    continuous_spells.is_new_emergency_admission,
    continuous_spells.admission_date,
    continuous_spells.discharge_date
from continuous_spells
inner join study_design on continuous_spells.continuous_rule = study_design.continuous_rule
where
    (continuous_spells.is_new_emergency_admission or continuous_spells.is_elective_admission)
    and continuous_spells.discharge_date > continuous_spells.admission_date
