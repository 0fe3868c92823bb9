-- The provider spell that each episode belongs to.
-- grain: one row per episode_key
-- contract: none
-- decision: docs/decisions/0004-spells.md
-- An episode continues the previous one of that person and provider if it has the same admission date, or
-- the same start, or starts where one ended whose discharge method is 8 or 9. Regular attenders are compared
-- with regular attenders only. A chain of episodes inside an earlier one (it starts before that ended and
-- ends no later) is nested: it belongs to the outer spell, and the chain after it is compared with the outer
-- one.
with compared as (
    select
        person_id,
        provider_code,
        is_regular_attender,
        episode_key,
        episode_start_date,
        episode_end_date,
        admission_date,
        is_spell_open,
        greatest(
            coalesce(episode_end_date, discharge_date), coalesce(discharge_date, episode_end_date)
        ) as end_date,
        coalesce(admission_date = lag(admission_date) over episode_sequence, false)
        or coalesce(episode_start_date = lag(episode_start_date) over episode_sequence, false)
        or coalesce(
            lag(is_spell_open) over episode_sequence
            and episode_start_date = lag(episode_end_date) over episode_sequence,
            false
        ) as is_continued,
        row_number() over episode_sequence as episode_number
    from episodes
    window episode_sequence as (
        partition by person_id, provider_code, is_regular_attender
        order by
            episode_start_date asc nulls last,
            episode_end_date asc nulls last,
            episode_order asc nulls last,
            transit_code asc nulls last,
            episode_key asc nulls last
    )
),

chained as (
    select
        *,
        cast(
            sum(case when is_continued then 0 else 1 end) over (
                partition by person_id, provider_code, is_regular_attender
                order by episode_number asc nulls last
                rows between unbounded preceding and current row
            ) as bigint
        ) as chain_number,
        not coalesce(
            lead(is_continued) over (
                partition by person_id, provider_code, is_regular_attender
                order by episode_number asc nulls last
            ),
            false
        ) as is_last
    from compared
),

chains as (
    select
        person_id,
        provider_code,
        is_regular_attender,
        chain_number,
        min(episode_start_date) as first_start_date,
        max(episode_start_date) as last_start_date,
        max(end_date) as end_date,
        max(case when not is_continued then admission_date end) as first_admission_date,
        max(case when is_last then admission_date end) as last_admission_date,
        max(case when is_last then episode_end_date end) as last_end_date,
        max(case when is_last and is_spell_open then 1 else 0 end) as is_open
    from chained
    group by person_id, provider_code, is_regular_attender, chain_number
),

reached as (
    select
        *,
        max(end_date) over (
            partition by person_id, provider_code, is_regular_attender
            order by chain_number asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as latest_end_date
    from chains
),

nested as (
    select
        *,
        coalesce(
            not is_regular_attender
            and first_start_date < latest_end_date
            and end_date <= latest_end_date,
            false
        ) as is_nested
    from reached
),

outer_chains as (
    select
        *,
        coalesce(first_admission_date = lag(last_admission_date) over chain_sequence, false)
        or coalesce(first_start_date = lag(last_start_date) over chain_sequence, false)
        or coalesce(
            lag(is_open) over chain_sequence = 1
            and first_start_date = lag(last_end_date) over chain_sequence,
            false
        ) as is_joined
    from nested
    where not is_nested
    window chain_sequence as (
        partition by person_id, provider_code, is_regular_attender
        order by chain_number asc nulls last
    )
),

counted as (
    select
        *,
        case
            when not is_joined then cast(
                sum(case when is_joined then 0 else 1 end) over (
                    partition by person_id, provider_code
                    order by
                        first_start_date asc nulls last,
                        is_regular_attender asc nulls last,
                        chain_number asc nulls last
                    rows between unbounded preceding and current row
                ) as bigint
            )
        end as new_spell_number
    from outer_chains
),

numbered as (
    select
        person_id,
        provider_code,
        is_regular_attender,
        chain_number,
        end_date,
        last_value(new_spell_number ignore nulls) over (
            partition by person_id, provider_code, is_regular_attender
            order by chain_number asc nulls last
            rows between unbounded preceding and current row
        ) as spell_number
    from counted
),

placed as (
    select
        nested.person_id,
        nested.provider_code,
        nested.is_regular_attender,
        nested.chain_number,
        nested.is_nested,
        coalesce(
            numbered.spell_number,
            last_value(
                case when numbered.end_date is not null then numbered.spell_number end ignore nulls
            ) over (
                partition by nested.person_id, nested.provider_code, nested.is_regular_attender
                order by nested.chain_number asc nulls last
                rows between unbounded preceding and current row
            )
        ) as spell_number
    from nested
    left outer join numbered
        on
            nested.person_id = numbered.person_id
            and nested.provider_code = numbered.provider_code
            and nested.is_regular_attender = numbered.is_regular_attender
            and nested.chain_number = numbered.chain_number
),

members as (
    select
        chained.episode_key,
        chained.person_id,
        chained.provider_code,
        chained.episode_number,
        chained.chain_number,
        placed.spell_number,
        placed.is_nested
    from chained
    inner join placed
        on
            chained.person_id = placed.person_id
            and chained.provider_code = placed.provider_code
            and chained.is_regular_attender = placed.is_regular_attender
            and chained.chain_number = placed.chain_number
)

select
    episode_key,
    person_id,
    provider_code,
    spell_number,
    is_nested,
    case when is_nested then chain_number end as nested_stay_number,
    not is_nested and episode_number = min(episode_number) over (
        partition by person_id, provider_code, spell_number, is_nested
    ) as is_first_episode,
    not is_nested and episode_number = max(episode_number) over (
        partition by person_id, provider_code, spell_number, is_nested
    ) as is_last_episode
from members
