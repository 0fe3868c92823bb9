-- Hospital use, deaths and observed people of each area and each practice by calendar month.
-- grain: one row per unit_level, unit_code, month_start_date
-- contract: data_contracts/marts/area_months.odcs.yaml
-- decision: docs/decisions/0020-area-designs.md
-- Everybody who lives or is registered there counts, enrolled or not, on observed days. A count is null,
-- never 0, where its extract does not cover the month. A practice belongs to the area in which most of its
-- people live.
with pilot_areas as (
    select
        area,
        case when count(*) = count(go_live_date) then min(go_live_date) end as go_live_date
    from sites
    where area is not null
    group by area
),

pilot as (
    select
        count(*) > 0 as has_pilot_areas,
        cast(date_trunc('month', min(go_live_date)) as date) as first_month
    from pilot_areas
),

programmes as (
    select
        area,
        practice,
        min(start_date) as start_date
    from other_programmes
    group by area, practice
),

people_of_practices as (
    select
        practice_code,
        area,
        row_number() over (
            partition by practice_code
            order by
                case when area is null then 1 else 0 end asc nulls last,
                count(*) desc nulls last,
                area asc nulls last
        ) as area_rank
    from observed_people
    where practice_code is not null
    group by practice_code, area
),

units as (
    select distinct
        'area' as unit_level,
        area as unit_code,
        area
    from observed_people
    where area is not null
    union all
    select
        'practice' as unit_level,
        practice_code as unit_code,
        area
    from people_of_practices
    where area_rank = 1
),

unit_days as (
    select
        case when grouping(practice_code) = 1 then 'area' else 'practice' end as unit_level,
        case when grouping(practice_code) = 1 then area else practice_code end as unit_code,
        month_start_date,
        sum(person_days) as person_days,
        sum(enrolled_person_days) as enrolled_person_days,
        sum(deaths) as deaths
    from area_person_days
    group by grouping sets ((area, month_start_date), (practice_code, month_start_date))
),

since_go_live as (
    select
        unit_days.unit_level,
        unit_days.unit_code,
        sum(unit_days.enrolled_person_days) > 0.01 * sum(unit_days.person_days) as has_enrolled_residents
    from unit_days
    inner join pilot on unit_days.month_start_date >= pilot.first_month
    group by unit_days.unit_level, unit_days.unit_code
),

described as (
    select
        units.unit_level,
        units.unit_code,
        units.area,
        pilot_areas.go_live_date,
        least(of_area.start_date, of_practice.start_date) as other_programme_start_date,
        case
            when not pilot.has_pilot_areas or units.area is null then 'unknown'
            when pilot_areas.area is not null and pilot_areas.go_live_date is null then 'pilot_undated'
            when pilot_areas.area is not null then 'pilot'
            when least(of_area.start_date, of_practice.start_date) <= study_design.data_until
                then 'other_programme'
            when coalesce(since_go_live.has_enrolled_residents, false) then 'enrolled_residents'
            else 'comparison'
        end as unit_role
    from units
    cross join pilot
    cross join study_design
    left outer join pilot_areas on units.area = pilot_areas.area
    left outer join programmes as of_area on units.area = of_area.area
    left outer join programmes as of_practice
        on units.unit_level = 'practice' and units.unit_code = of_practice.practice
    left outer join since_go_live
        on units.unit_level = since_go_live.unit_level and units.unit_code = since_go_live.unit_code
)

select
    described.unit_level,
    described.unit_code,
    described.area,
    described.unit_role,
    described.go_live_date,
    described.other_programme_start_date,
    calendar_months.month_start_date,
    cast(coalesce(unit_days.person_days, 0) as bigint) as person_days,
    cast(coalesce(unit_days.enrolled_person_days, 0) as bigint) as enrolled_person_days,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.emergency_admissions, 0) as bigint)
    end as emergency_admissions,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.emergency_admissions_zero_night, 0) as bigint)
    end as emergency_admissions_zero_night,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.emergency_admissions_overnight, 0) as bigint)
    end as emergency_admissions_overnight,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.elective_admissions, 0) as bigint)
    end as elective_admissions,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.elective_admissions_excluding_chemotherapy, 0) as bigint)
    end as elective_admissions_excluding_chemotherapy,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.regular_attendances, 0) as bigint)
    end as regular_attendances,
    case
        when month_coverage.outpatients
            then cast(coalesce(area_activity.outpatient_attendances, 0) as bigint)
    end as outpatient_attendances,
    case
        when month_coverage.outpatients
            then cast(coalesce(area_activity.outpatient_tele_attendances, 0) as bigint)
    end as outpatient_tele_attendances,
    case
        when month_coverage.outpatients
            then cast(coalesce(area_activity.outpatient_did_not_attend, 0) as bigint)
    end as outpatient_did_not_attend,
    case
        when month_coverage.emergency_care
            then cast(coalesce(area_activity.ae_attendances, 0) as bigint)
    end as ae_attendances,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.emergency_bed_days, 0) as bigint)
    end as emergency_bed_days,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.elective_bed_days, 0) as bigint)
    end as elective_bed_days,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.emergency_readmissions_30_days, 0) as bigint)
    end as emergency_readmissions_30_days,
    case
        when month_coverage.admissions
            then cast(coalesce(area_activity.ambulatory_care_sensitive_admissions, 0) as bigint)
    end as ambulatory_care_sensitive_admissions,
    cast(coalesce(unit_days.deaths, 0) as bigint) as deaths,
    case
        when month_coverage.all_costs and coalesce(area_activity.unpriced_activities, 0) = 0
            then cast(coalesce(area_activity.cost_gbp, 0) as double)
    end as cost_gbp
from described
cross join calendar_months
left outer join month_coverage on calendar_months.month_start_date = month_coverage.month
left outer join unit_days
    on
        described.unit_level = unit_days.unit_level
        and described.unit_code = unit_days.unit_code
        and calendar_months.month_start_date = unit_days.month_start_date
left outer join area_activity
    on
        described.unit_level = area_activity.unit_level
        and described.unit_code = area_activity.unit_code
        and calendar_months.month_start_date = area_activity.month_start_date
