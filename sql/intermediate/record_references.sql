-- Accepted records that name a person or a site, and those whose person or site is not known.
-- grain: one row per contract_id
-- contract: none
-- People who opted out are in neither count. Sites are checked where the study registers any.
with people as (
    select
        study_extracts.contract_id,
        cast(sum(record_fates.rows) as bigint) as rows_with_person,
        cast(sum(case when record_fates.is_unlinked then record_fates.rows else 0 end) as bigint)
            as rows_of_unknown_people
    from record_fates
    inner join study_extracts on record_fates.extract = study_extracts.extract
    where
        record_fates.fate = 'accepted'
        and not record_fates.is_opted_out
        and record_fates.extract not in ('population', 'opt_outs')
    group by study_extracts.contract_id
),

records_with_site as (
    select
        'enrolments' as extract,
        site_id
    from enrolment_records
    where fate = 'accepted' and not is_opted_out
    union all
    select
        extract,
        site_id
    from survey_records
    where fate = 'accepted' and not is_opted_out
),

registered as (
    select count(*) as registered_sites
    from sites
),

places as (
    select
        study_extracts.contract_id,
        count(*) as rows_with_site,
        count(*) filter (where sites.site_id is null) as rows_of_unknown_sites
    from records_with_site
    inner join study_extracts on records_with_site.extract = study_extracts.extract
    cross join registered
    left outer join sites on records_with_site.site_id = sites.site_id
    where records_with_site.site_id is not null and registered.registered_sites > 0
    group by study_extracts.contract_id
),

contracts as (
    select distinct contract_id
    from study_extracts
)

select
    contracts.contract_id,
    coalesce(people.rows_with_person, 0) as rows_with_person,
    coalesce(people.rows_of_unknown_people, 0) as rows_of_unknown_people,
    coalesce(places.rows_with_site, 0) as rows_with_site,
    coalesce(places.rows_of_unknown_sites, 0) as rows_of_unknown_sites
from contracts
left outer join people on contracts.contract_id = people.contract_id
left outer join places on contracts.contract_id = places.contract_id
