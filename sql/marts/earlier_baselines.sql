-- Hospital use and cost of each person in months -24 to -7 from the index date: a baseline without crisis.
-- grain: one row per person_id
-- contract: data_contracts/marts/earlier_baselines.odcs.yaml
-- decision: docs/decisions/0014-comparison.md
-- kind: view
select
    use_by_period.person_id,
    use_by_period.person_days,
    use_by_period.emergency_admissions,
    use_by_period.emergency_admissions_zero_night,
    use_by_period.emergency_admissions_overnight,
    use_by_period.elective_admissions,
    use_by_period.elective_admissions_excluding_chemotherapy,
    use_by_period.regular_attendances,
    use_by_period.outpatient_attendances,
    use_by_period.outpatient_tele_attendances,
    use_by_period.outpatient_did_not_attend,
    use_by_period.ae_attendances,
    use_by_period.emergency_bed_days,
    use_by_period.elective_bed_days,
    use_by_period.emergency_readmissions_30_days,
    use_by_period.ambulatory_care_sensitive_admissions,
    use_by_period.cost_gbp
from use_by_period
inner join comparable_people on use_by_period.person_id = comparable_people.person_id
where use_by_period.period = 'earlier'
