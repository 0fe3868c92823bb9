-- Hospital use, death and cost of each person in each period around the index date.
-- grain: one row per person_id, index_date, period
-- contract: none
-- decision: docs/decisions/0014-comparison.md
-- The sum of the person's months, null where any month of the period is null. People join after a bad spell
-- of some months: `earlier`, months -24 to -7, ends before it. Where the look-back is shorter, it is the
-- months there are; where it ends before month -7, nobody has a row of it.
with extracts as (
    select
        coalesce(bool_or(admissions), false) as admissions,
        coalesce(bool_or(outpatients), false) as outpatients,
        coalesce(bool_or(emergency_care), false) as emergency_care,
        coalesce(bool_or(all_costs), false) as all_costs
    from month_coverage
),

months_of_periods as (
    select
        index_date,
        month_from_index,
        month_start_date,
        month_end_date,
        period
    from index_months
    where period in ('baseline', 'follow_up')
    union all
    select
        index_date,
        month_from_index,
        month_start_date,
        month_end_date,
        'earlier' as period
    from index_months
    where month_from_index between -24 and -7
),

periods as (
    select
        index_date,
        period,
        min(month_start_date) as period_start_date,
        max(month_end_date) as period_end_date
    from months_of_periods
    group by index_date, period
),

windows as (
    select
        index_dates.person_id,
        index_dates.is_pilot,
        index_dates.site_id,
        index_dates.index_date,
        index_dates.date_of_death,
        periods.period,
        periods.period_start_date,
        periods.period_end_date,
        greatest(periods.period_start_date, index_dates.observed_from_date) as observed_from_date,
        least(periods.period_end_date, index_dates.observed_until_date) as observed_until_date
    from index_dates
    inner join periods on index_dates.index_date = periods.index_date
),

observed as (
    select
        *,
        greatest(cast(date_diff('day', observed_from_date, observed_until_date) as bigint), 0) as person_days,
        cast(date_trunc('month', observed_from_date) as date) as first_calendar_month,
        cast(date_trunc('month', observed_until_date - interval 1 day) as date) as last_calendar_month
    from windows
),

spans as (
    select distinct
        first_calendar_month,
        last_calendar_month
    from observed
    where person_days > 0
),

covered_months as (
    select
        spans.first_calendar_month,
        spans.last_calendar_month,
        date_diff('month', spans.first_calendar_month, spans.last_calendar_month) + 1 as months,
        count(*) filter (where month_coverage.admissions) as admissions,
        count(*) filter (where month_coverage.outpatients) as outpatients,
        count(*) filter (where month_coverage.emergency_care) as emergency_care,
        count(*) filter (where month_coverage.all_costs) as all_costs
    from spans
    inner join month_coverage
        on month_coverage.month between spans.first_calendar_month and spans.last_calendar_month
    group by spans.first_calendar_month, spans.last_calendar_month
),

covered as (
    select
        observed.*,
        case
            when observed.person_days = 0 then extracts.admissions
            else coalesce(covered_months.admissions = covered_months.months, false)
        end as covers_admissions,
        case
            when observed.person_days = 0 then extracts.outpatients
            else coalesce(covered_months.outpatients = covered_months.months, false)
        end as covers_outpatients,
        case
            when observed.person_days = 0 then extracts.emergency_care
            else coalesce(covered_months.emergency_care = covered_months.months, false)
        end as covers_emergency_care,
        case
            when observed.person_days = 0 then extracts.all_costs
            else coalesce(covered_months.all_costs = covered_months.months, false)
        end as covers_costs
    from observed
    cross join extracts
    left outer join covered_months
        on
            observed.first_calendar_month = covered_months.first_calendar_month
            and observed.last_calendar_month = covered_months.last_calendar_month
),

numbered_months as (
    select distinct
        month_from_index,
        period
    from months_of_periods
),

activity_by_period as (
    select
        activity_by_month.person_id,
        numbered_months.period,
        cast(sum(activity_by_month.emergency_admissions) as bigint) as emergency_admissions,
        cast(sum(activity_by_month.emergency_admissions_zero_night) as bigint)
            as emergency_admissions_zero_night,
        cast(sum(activity_by_month.emergency_admissions_overnight) as bigint)
            as emergency_admissions_overnight,
        cast(sum(activity_by_month.elective_admissions) as bigint) as elective_admissions,
        cast(sum(activity_by_month.elective_admissions_excluding_chemotherapy) as bigint)
            as elective_admissions_excluding_chemotherapy,
        cast(sum(activity_by_month.regular_attendances) as bigint) as regular_attendances,
        cast(sum(activity_by_month.outpatient_attendances) as bigint) as outpatient_attendances,
        cast(sum(activity_by_month.outpatient_tele_attendances) as bigint) as outpatient_tele_attendances,
        cast(sum(activity_by_month.outpatient_did_not_attend) as bigint) as outpatient_did_not_attend,
        cast(sum(activity_by_month.ae_attendances) as bigint) as ae_attendances,
        cast(sum(activity_by_month.emergency_bed_days) as bigint) as emergency_bed_days,
        cast(sum(activity_by_month.elective_bed_days) as bigint) as elective_bed_days,
        cast(sum(activity_by_month.emergency_readmissions_30_days) as bigint)
            as emergency_readmissions_30_days,
        cast(sum(activity_by_month.ambulatory_care_sensitive_admissions) as bigint)
            as ambulatory_care_sensitive_admissions,
        sum(activity_by_month.unpriced_activities) as unpriced_activities,
        -- Decimal: a sum of floating-point numbers would depend on the order of the rows.
        sum(cast(activity_by_month.cost_gbp as decimal(18, 4))) as cost_gbp
    from activity_by_month
    inner join numbered_months on activity_by_month.month_from_index = numbered_months.month_from_index
    group by activity_by_month.person_id, numbered_months.period
)

select
    covered.person_id,
    covered.is_pilot,
    covered.site_id,
    covered.index_date,
    covered.period,
    covered.person_days,
    case
        when covered.covers_admissions then coalesce(activity_by_period.emergency_admissions, 0)
    end as emergency_admissions,
    case
        when covered.covers_admissions then coalesce(activity_by_period.emergency_admissions_zero_night, 0)
    end as emergency_admissions_zero_night,
    case
        when covered.covers_admissions then coalesce(activity_by_period.emergency_admissions_overnight, 0)
    end as emergency_admissions_overnight,
    case
        when covered.covers_admissions then coalesce(activity_by_period.elective_admissions, 0)
    end as elective_admissions,
    case
        when covered.covers_admissions
            then coalesce(activity_by_period.elective_admissions_excluding_chemotherapy, 0)
    end as elective_admissions_excluding_chemotherapy,
    case
        when covered.covers_admissions then coalesce(activity_by_period.regular_attendances, 0)
    end as regular_attendances,
    case
        when covered.covers_outpatients then coalesce(activity_by_period.outpatient_attendances, 0)
    end as outpatient_attendances,
    case
        when covered.covers_outpatients then coalesce(activity_by_period.outpatient_tele_attendances, 0)
    end as outpatient_tele_attendances,
    case
        when covered.covers_outpatients then coalesce(activity_by_period.outpatient_did_not_attend, 0)
    end as outpatient_did_not_attend,
    case
        when covered.covers_emergency_care then coalesce(activity_by_period.ae_attendances, 0)
    end as ae_attendances,
    case
        when covered.covers_admissions then coalesce(activity_by_period.emergency_bed_days, 0)
    end as emergency_bed_days,
    case
        when covered.covers_admissions then coalesce(activity_by_period.elective_bed_days, 0)
    end as elective_bed_days,
    case
        when covered.covers_admissions then coalesce(activity_by_period.emergency_readmissions_30_days, 0)
    end as emergency_readmissions_30_days,
    case
        when covered.covers_admissions
            then coalesce(activity_by_period.ambulatory_care_sensitive_admissions, 0)
    end as ambulatory_care_sensitive_admissions,
    coalesce(
        covered.date_of_death >= covered.period_start_date
        and covered.date_of_death < covered.period_end_date,
        false
    ) as died,
    case
        when covered.covers_costs and coalesce(activity_by_period.unpriced_activities, 0) = 0
            then cast(coalesce(activity_by_period.cost_gbp, 0) as double)
    end as cost_gbp
from covered
left outer join activity_by_period
    on
        covered.person_id = activity_by_period.person_id
        and covered.period = activity_by_period.period
