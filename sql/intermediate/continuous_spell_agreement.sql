-- Emergency admissions under the study's rule for continuous spells, and by how many the other rule differs.
-- grain: one row per contract_id
-- contract: none
-- The larger of the differences, where there are more than two rules.
with admissions as (
    select
        continuous_rule,
        count(*) filter (where is_new_emergency_admission) as admissions
    from continuous_spells
    group by continuous_rule
),

own as (
    select admissions.admissions
    from admissions
    inner join study_design on admissions.continuous_rule = study_design.continuous_rule
)

select
    'hes_apc' as contract_id,
    own.admissions,
    max(abs(admissions.admissions - own.admissions)) as admissions_that_differ
from own
cross join admissions
group by own.admissions
