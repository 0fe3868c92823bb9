-- Hospital use, death and cost of each person by month from the index date.
-- grain: one row per person_id, index_date, month_from_index
-- contract: data_contracts/marts/person_months.odcs.yaml
-- kind: view
-- A count is null, never 0, where its extract is missing or does not cover every calendar month of the
-- observed days; after the last observed day it is 0. Most months of most people are empty and are stored
-- nowhere.
with extracts as (
    select
        coalesce(bool_or(admissions), false) as admissions,
        coalesce(bool_or(outpatients), false) as outpatients,
        coalesce(bool_or(emergency_care), false) as emergency_care,
        coalesce(bool_or(all_costs), false) as all_costs
    from month_coverage
),

windows as (
    select
        people.person_id,
        people.is_pilot,
        people.site_id,
        people.index_date,
        people.date_of_death,
        index_months.month_from_index,
        index_months.month_start_date,
        index_months.month_end_date,
        index_months.period,
        greatest(index_months.month_start_date, people.observed_from_date) as observed_from_date,
        least(index_months.month_end_date, people.observed_until_date) as observed_until_date
    from people
    inner join index_months on people.index_date = index_months.index_date
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
        case
            when observed.person_days = 0 then extracts.admissions
            else coalesce(first_months.admissions and last_months.admissions, false)
        end as covers_admissions,
        case
            when observed.person_days = 0 then extracts.outpatients
            else coalesce(first_months.outpatients and last_months.outpatients, false)
        end as covers_outpatients,
        case
            when observed.person_days = 0 then extracts.emergency_care
            else coalesce(first_months.emergency_care and last_months.emergency_care, false)
        end as covers_emergency_care,
        case
            when observed.person_days = 0 then extracts.all_costs
            else coalesce(first_months.all_costs and last_months.all_costs, false)
        end as covers_costs
    from observed
    cross join extracts
    left outer join month_coverage as first_months on observed.first_calendar_month = first_months.month
    left outer join month_coverage as last_months on observed.last_calendar_month = last_months.month
)

select
    covered.person_id,
    covered.is_pilot,
    covered.site_id,
    covered.index_date,
    covered.month_from_index,
    covered.month_start_date,
    covered.period,
    covered.person_days,
    case
        when covered.covers_admissions then coalesce(activity_by_month.emergency_admissions, 0)
    end as emergency_admissions,
    case
        when covered.covers_admissions then coalesce(activity_by_month.emergency_admissions_zero_night, 0)
    end as emergency_admissions_zero_night,
    case
        when covered.covers_admissions then coalesce(activity_by_month.emergency_admissions_overnight, 0)
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
        when covered.covers_outpatients then coalesce(activity_by_month.outpatient_tele_attendances, 0)
    end as outpatient_tele_attendances,
    case
        when covered.covers_outpatients then coalesce(activity_by_month.outpatient_did_not_attend, 0)
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
        when covered.covers_admissions then coalesce(activity_by_month.emergency_readmissions_30_days, 0)
    end as emergency_readmissions_30_days,
    case
        when covered.covers_admissions
            then coalesce(activity_by_month.ambulatory_care_sensitive_admissions, 0)
    end as ambulatory_care_sensitive_admissions,
    coalesce(
        covered.date_of_death >= covered.month_start_date and covered.date_of_death < covered.month_end_date,
        false
    ) as died,
    case
        when covered.covers_costs and coalesce(activity_by_month.unpriced_activities, 0) = 0
            then cast(coalesce(activity_by_month.cost_gbp, 0) as double)
    end as cost_gbp
from covered
left outer join activity_by_month
    on
        covered.person_id = activity_by_month.person_id
        and covered.month_from_index = activity_by_month.month_from_index
