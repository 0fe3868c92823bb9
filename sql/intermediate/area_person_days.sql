-- Days on which the people of an area and practice were observed in a calendar month, and who died in it.
-- grain: one row per area, practice_code, month_start_date
-- contract: none
-- Everybody counts, enrolled or not; `enrolled_person_days` are the days since enrolment of those who joined.
-- People observed over the same days are counted together: most are, from the first day to the last.
with bounds as (
    select
        min(month_start_date) as first_date,
        max(month_end_date) as end_date
    from calendar_months
),

everybody as (
    select
        observed_people.area,
        observed_people.practice_code,
        enrolments.index_date,
        greatest(observed_people.observed_from_date, bounds.first_date) as from_date,
        least(observed_people.observed_until_date, bounds.end_date) as until_date,
        case
            when
                observed_people.date_of_death >= observed_people.observed_from_date
                and observed_people.date_of_death < observed_people.observed_until_date
                then cast(date_trunc('month', observed_people.date_of_death) as date)
        end as month_of_death
    from observed_people
    cross join bounds
    left outer join enrolments on observed_people.person_id = enrolments.person_id
),

spans as (
    select
        area,
        practice_code,
        index_date,
        from_date,
        until_date,
        month_of_death,
        count(*) as people
    from everybody
    where from_date < until_date
    group by area, practice_code, index_date, from_date, until_date, month_of_death
)

select
    spans.area,
    spans.practice_code,
    calendar_months.month_start_date,
    cast(
        sum(
            spans.people * date_diff(
                'day',
                greatest(spans.from_date, calendar_months.month_start_date),
                least(spans.until_date, calendar_months.month_end_date)
            )
        ) as bigint
    ) as person_days,
    cast(
        sum(
            spans.people * greatest(
                date_diff(
                    'day',
                    greatest(spans.from_date, spans.index_date, calendar_months.month_start_date),
                    least(spans.until_date, calendar_months.month_end_date)
                ),
                0
            )
        ) filter (where spans.index_date is not null) as bigint
    ) as enrolled_person_days,
    cast(
        sum(spans.people) filter (where spans.month_of_death = calendar_months.month_start_date) as bigint
    ) as deaths
from spans
inner join calendar_months
    on
        spans.from_date < calendar_months.month_end_date
        and spans.until_date > calendar_months.month_start_date
group by spans.area, spans.practice_code, calendar_months.month_start_date
