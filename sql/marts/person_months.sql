-- Hospital use, death and cost of each person by month from the index date.
-- grain: one row per person_id, index_date, month_from_index
-- contract: data_contracts/marts/person_months.odcs.yaml
-- A count is null, never 0, where its extract is missing or does not cover every calendar month of the
-- observed days; after the last observed day it is 0.
with coverage as (
    select
        month,
        bool_or(extract = 'admissions') as admissions,
        bool_or(extract = 'outpatients') as outpatients,
        bool_or(extract = 'emergency_care') as emergency_care
    from extract_coverage
    group by month
),

extracts as (
    select
        count(*) filter (where admissions) > 0 as admissions,
        count(*) filter (where outpatients) > 0 as outpatients,
        count(*) filter (where emergency_care) > 0 as emergency_care
    from coverage
),

priced as (
    select
        count(*) > 0 as has_prices,
        count(*) filter (where activity = 'outpatient_attendance') > 0 as outpatients,
        count(*) filter (where activity = 'ae_attendance') > 0 as emergency_care
    from prices
),

windows as (
    select
        index_dates.person_id,
        index_dates.is_pilot,
        index_dates.site_id,
        index_dates.index_date,
        index_dates.date_of_death,
        index_months.month_from_index,
        index_months.month_start_date,
        index_months.month_end_date,
        index_months.period,
        greatest(index_months.month_start_date, index_dates.observed_from_date) as observed_from_date,
        least(index_months.month_end_date, index_dates.observed_until_date) as observed_until_date
    from index_dates
    inner join index_months on index_dates.index_date = index_months.index_date
),

observed as (
    select
        *,
        greatest(cast(date_diff('day', observed_from_date, observed_until_date) as bigint), 0) as person_days,
        cast(date_trunc('month', observed_from_date) as date) as first_calendar_month,
        cast(date_trunc('month', observed_until_date - interval 1 day) as date) as last_calendar_month
    from windows
),

-- A month from an index date touches at most two calendar months.
covered as (
    select
        observed.*,
        extracts.admissions and (
            observed.person_days = 0
            or (coalesce(first_months.admissions, false) and coalesce(last_months.admissions, false))
        ) as covers_admissions,
        extracts.outpatients and (
            observed.person_days = 0
            or (coalesce(first_months.outpatients, false) and coalesce(last_months.outpatients, false))
        ) as covers_outpatients,
        extracts.emergency_care and (
            observed.person_days = 0
            or (coalesce(first_months.emergency_care, false) and coalesce(last_months.emergency_care, false))
        ) as covers_emergency_care,
        priced.has_prices,
        priced.outpatients or extracts.outpatients as costs_need_outpatients,
        priced.emergency_care or extracts.emergency_care as costs_need_emergency_care
    from observed
    cross join extracts
    cross join priced
    left outer join coverage as first_months on observed.first_calendar_month = first_months.month
    left outer join coverage as last_months on observed.last_calendar_month = last_months.month
)

select
    covered.person_id,
    covered.is_pilot,
    covered.site_id,
    covered.index_date,
    cast(covered.month_from_index as bigint) as month_from_index,
    covered.month_start_date,
    covered.period,
    covered.person_days,
    case
        when covered.covers_admissions then coalesce(activity_by_month.emergency_admissions, 0)
    end as emergency_admissions,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.emergency_admissions_zero_night, 0)
    end as emergency_admissions_zero_night,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.emergency_admissions_overnight, 0)
    end as emergency_admissions_overnight,
    case
        when covered.covers_admissions then coalesce(activity_by_month.elective_admissions, 0)
    end as elective_admissions,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.elective_admissions_excluding_chemotherapy, 0)
    end as elective_admissions_excluding_chemotherapy,
    case
        when covered.covers_admissions then coalesce(activity_by_month.regular_attendances, 0)
    end as regular_attendances,
    case
        when covered.covers_outpatients then coalesce(activity_by_month.outpatient_attendances, 0)
    end as outpatient_attendances,
    case
        when covered.covers_outpatients
            then coalesce(activity_by_month.outpatient_tele_attendances, 0)
    end as outpatient_tele_attendances,
    case
        when covered.covers_outpatients
            then coalesce(activity_by_month.outpatient_did_not_attend, 0)
    end as outpatient_did_not_attend,
    case
        when covered.covers_emergency_care then coalesce(activity_by_month.ae_attendances, 0)
    end as ae_attendances,
    case
        when covered.covers_admissions then coalesce(activity_by_month.emergency_bed_days, 0)
    end as emergency_bed_days,
    case
        when covered.covers_admissions then coalesce(activity_by_month.elective_bed_days, 0)
    end as elective_bed_days,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.emergency_readmissions_30_days, 0)
    end as emergency_readmissions_30_days,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.ambulatory_care_sensitive_admissions, 0)
    end as ambulatory_care_sensitive_admissions,
    coalesce(
        covered.date_of_death >= covered.month_start_date
        and covered.date_of_death < covered.month_end_date,
        false
    ) as died,
    case
        when
            covered.has_prices
            and covered.covers_admissions
            and (covered.covers_outpatients or not covered.costs_need_outpatients)
            and (covered.covers_emergency_care or not covered.costs_need_emergency_care)
            and coalesce(activity_by_month.unpriced_activities, 0) = 0
            then cast(coalesce(activity_by_month.cost_gbp, 0) as double)
    end as cost_gbp
from covered
left outer join activity_by_month
    on
        covered.person_id = activity_by_month.person_id
        and covered.month_from_index = activity_by_month.month_from_index
