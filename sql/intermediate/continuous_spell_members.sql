-- The continuous inpatient spell that each provider spell belongs to, under each published rule set.
-- grain: one row per continuous_rule, person_id, provider_code, spell_number
-- contract: none
-- decision: docs/decisions/0004-spells.md
-- A spell joins the person's previous one if it starts at most max_gap_days after that ended (an overlap is
-- a negative gap) with any of the rule's `join` codes, unless all of its `keep_apart` codes hold. Regular
-- attenders join nothing.
with rules as (
    select
        continuous_rule,
        max(max_gap_days) as max_gap_days,
        list(code) filter (
            where role = 'join' and field = 'previous_discharge_destination'
        ) as joining_destinations,
        list(code) filter (where role = 'join' and field = 'admission_source') as joining_sources,
        list(code) filter (where role = 'join' and field = 'admission_method') as joining_methods,
        list(code) filter (
            where role = 'keep_apart' and field = 'previous_discharge_destination'
        ) as apart_destinations,
        list(code) filter (where role = 'keep_apart' and field = 'admission_source') as apart_sources,
        list(code) filter (where role = 'keep_apart' and field = 'admission_method') as apart_methods,
        count(*) filter (where role = 'keep_apart') > 0 as has_keep_apart
    from code_list__continuous_spell_rules
    group by continuous_rule
),

compared as (
    select
        person_id,
        provider_code,
        spell_number,
        is_regular_attender,
        admission_method_code,
        admission_source_code,
        last_known_date,
        nested_spells,
        is_cancer,
        is_obstetric,
        row_number() over spell_sequence as sequence_number,
        date_diff('day', lag(last_known_date) over spell_sequence, admission_date) as gap_days,
        lag(discharge_destination_code) over spell_sequence as previous_destination_code,
        row_number() over (
            partition by person_id
            order by
                admission_date asc nulls last,
                last_known_date asc nulls last,
                is_regular_attender asc nulls last,
                transit_code asc nulls last,
                is_transferred_in asc nulls last,
                provider_code asc nulls last,
                spell_number asc nulls last
        ) as person_sequence_number
    from provider_spells
    window spell_sequence as (
        partition by person_id, is_regular_attender
        order by
            admission_date asc nulls last,
            last_known_date asc nulls last,
            transit_code asc nulls last,
            is_transferred_in asc nulls last,
            provider_code asc nulls last,
            spell_number asc nulls last
    )
),

judged as (
    select
        rules.continuous_rule,
        compared.person_id,
        compared.provider_code,
        compared.spell_number,
        compared.is_regular_attender,
        compared.last_known_date,
        compared.nested_spells,
        compared.is_cancer,
        compared.is_obstetric,
        compared.sequence_number,
        compared.person_sequence_number,
        compared.gap_days,
        coalesce(compared.gap_days <= rules.max_gap_days, false)
        and not compared.is_regular_attender
        and (
            coalesce(list_contains(rules.joining_destinations, compared.previous_destination_code), false)
            or coalesce(list_contains(rules.joining_sources, compared.admission_source_code), false)
            or coalesce(list_contains(rules.joining_methods, compared.admission_method_code), false)
        )
        and not (
            rules.has_keep_apart
            and (
                rules.apart_destinations is null
                or coalesce(
                    list_contains(rules.apart_destinations, compared.previous_destination_code), false
                )
            )
            and (
                rules.apart_sources is null
                or coalesce(list_contains(rules.apart_sources, compared.admission_source_code), false)
            )
            and (
                rules.apart_methods is null
                or coalesce(list_contains(rules.apart_methods, compared.admission_method_code), false)
            )
        ) as is_joined
    from compared
    cross join rules
),

counted as (
    select
        *,
        case
            when not is_joined then cast(
                sum(case when is_joined then 0 else 1 end) over (
                    partition by continuous_rule, person_id
                    order by person_sequence_number asc nulls last
                    rows between unbounded preceding and current row
                ) as bigint
            )
        end as new_continuous_spell_number
    from judged
),

numbered as (
    select
        *,
        last_value(new_continuous_spell_number ignore nulls) over (
            partition by continuous_rule, person_id, is_regular_attender
            order by sequence_number asc nulls last
            rows between unbounded preceding and current row
        ) as continuous_spell_number
    from counted
)

select
    continuous_rule,
    person_id,
    provider_code,
    spell_number,
    continuous_spell_number,
    new_continuous_spell_number is not null as is_first_spell,
    row_number() over (
        partition by continuous_rule, person_id, continuous_spell_number
        order by last_known_date desc nulls first, sequence_number desc nulls last
    ) = 1 as is_last_spell,
    not is_regular_attender and not is_joined and coalesce(gap_days < 0, false) as is_overlapping,
    nested_spells,
    is_cancer,
    is_obstetric
from numbered
