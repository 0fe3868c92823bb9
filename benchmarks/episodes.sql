-- Made-up hospital episodes as text, as a supplier writes them; $dirt spoils one record of 200, each kind in turn.
-- grain: one row per episode; `number` is its place in the file, `behind` is text behind its last cell
-- contract: data_contracts/sources/hes_apc.odcs.yaml
with candidates as (
    select 999000000 + i as digits
    from range(0, 300000) as numbers(i)
),

weighted as (
    select
        digits,
        11 - list_sum(list_transform(range(1, 10), lambda p: (digits // (10 ** (9 - p))::bigint) % 10 * (11 - p))) % 11
            as remainder
    from candidates
),

people as (
    select
        row_number() over (order by digits) - 1 as person,
        digits::varchar || case when remainder = 11 then '0' else remainder::bigint::varchar end as nhs_number,
        'MADEUP' || left(md5(digits::varchar), 26) as pseudonym,
        draw(digits) % 95 as age,
        draw(digits + 1) % 2 + 1 as sex,
        'E0100' || lpad((draw(digits + 2) % 6000)::varchar, 4, '0') as small_area,
        'Y' || lpad((draw(digits + 3) % 800)::varchar, 5, '0') as practice,
        ['A', 'B', 'C', 'H', 'Z', 'A', 'A', 'A'][draw(digits + 4) % 8 + 1] as ethnic_group
    from weighted
    where remainder <> 10
),

drawn as (
    select
        i as number,
        draw(i * 31 + 7) % 250000 as person,
        draw(i * 31 + 8) as chance,
        date '2008-04-01' + (draw(i * 31 + 9) % 1080)::integer as admitted,
        (draw(i * 31 + 10) % 9 * (draw(i * 31 + 11) % 3))::integer as nights,
        (draw(i * 31 + 12) % 4)::integer as secondary,
        case when $dirt and i % 200 = 77 then i // 200 % 20 else -1 end as dirt
    from range(0, $rows::bigint) as numbers(i)
),

codes as (
    select
        *,
        list_transform(
            range(0, 8),
            lambda p: case
                when p = 0 or p <= secondary * 2
                    then chr((65 + draw(number * 97 + p) % 20)::integer)
                        || lpad((draw(number * 89 + p) % 40)::varchar, 2, '0')
                        || ['X', '0', '9', '1', '8'][draw(number * 83 + p) % 5 + 1]
                else ''
            end
        ) as diagnoses,
        list_transform(
            range(0, 4),
            lambda p: case
                when p <= chance % 6 - 3 then 'X' || (100 + draw(number * 79 + p) % 400)::varchar
                when p = 0 then '-'
                else ''
            end
        ) as procedures
    from drawn
)

select
    number,
    (500000000000 + number)::varchar as "EPIKEY",
    case dirt when 0 then '' when 1 then pseudonym || ' ' else pseudonym end as "PSEUDO_HESID",
    nhs_number as "NHSNO",
    case dirt
        when 2 then strftime(admitted, '%d/%m/%Y')
        when 3 then '1801-01-01'
        else admitted::varchar
    end as "EPISTART",
    case dirt when 4 then (admitted - 9)::varchar else (admitted + nights)::varchar end as "EPIEND",
    case dirt when 5 then '1.0' else '1' end as "EPIORDER",
    '3' as "EPISTAT",
    admitted::varchar as "ADMIDATE",
    case dirt when 6 then '1582-10-15' else (admitted + nights)::varchar end as "DISDATE",
    case dirt when 7 then '2a' when 8 then '99X' else ['21', '22', '11', '12', '13', '2A'][chance % 6 + 1] end
        as "ADMIMETH",
    ['19', '19', '19', '51', '54'][chance % 5 + 1] as "ADMISORC",
    ['1', '1', '1', '4'][chance % 4 + 1] as "DISMETH",
    ['19', '19', '19', '79'][chance % 4 + 1] as "DISDEST",
    case when chance % 6 in (2, 3) and nights = 0 then '2' else '1' end as "CLASSPAT",
    case dirt when 9 then '' else 'R' || lpad((chance % 40)::varchar, 2, '0') end as "PROCODE3",
    '0' as "TRANSIT",
    case dirt when 10 then '7' else sex::varchar end as "SEX",
    case dirt when 11 then '7003' when 12 then age::varchar || '.0' when 13 then '430' else age::varchar end
        as "STARTAGE",
    ethnic_group as "ETHNOS",
    small_area as "LSOA11",
    case dirt
        when 14 then '"' || practice || '"'
        when 15 then practice || chr(1)
        when 16 then '"' || practice || chr(10) || '"'
        else practice
    end as "GPPRAC",
    ['300', '100', '110', '430'][chance % 4 + 1] as "MAINSPEF",
    ['300', '100', '110', '430', '320'][chance % 5 + 1] as "TRETSPEF",
    diagnoses[1] as "DIAG_01",
    case dirt when 17 then 'i10.x' else diagnoses[2] end as "DIAG_02",
    diagnoses[3] as "DIAG_03",
    diagnoses[4] as "DIAG_04",
    diagnoses[5] as "DIAG_05",
    diagnoses[6] as "DIAG_06",
    diagnoses[7] as "DIAG_07",
    diagnoses[8] as "DIAG_08",
    procedures[1] as "OPERTN_01",
    procedures[2] as "OPERTN_02",
    procedures[3] as "OPERTN_03",
    procedures[4] as "OPERTN_04",
    chr((65 + chance % 8)::integer) || 'A' || lpad((chance % 60)::varchar, 2, '0') || 'Z' as "SUSHRG",
    case when admitted + nights < date '2009-04-01' then '0809'
        when admitted + nights < date '2010-04-01' then '0910' else '1011' end as "FYEAR",
    strftime(admitted + nights, '%Y%m') as "PARTYEAR",
    case dirt when 18 then ',one too many' when 19 then chr(10) else '' end as behind
from codes
inner join people using (person)
order by number
