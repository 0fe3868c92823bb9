"""A study of a few rows: lake and parameter tables in memory, and the SQL models run as far as a question needs."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from itertools import count
from typing import Any

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp

from pipelines.code_lists import load_code_lists
from pipelines.models import SqlModel, in_dependency_order, load_models
from pipelines.protocol import EXTRACT_CONTRACTS

Row = Mapping[str, Any]

LAKE = {
    "admissions": "epikey varchar, epistart date, epiend date, epiorder bigint, epistat varchar, admidate date, "
    "disdate date, admimeth varchar, admisorc varchar, dismeth varchar, disdest varchar, classpat varchar, "
    "procode3 varchar, transit varchar, sex varchar, startage bigint, ethnos varchar, lsoa11 varchar, "
    "gpprac varchar, mainspef varchar, tretspef varchar, diag_01 varchar, diag_secondary varchar[], "
    "opertn varchar[], hrg varchar, fyear varchar, partyear varchar",
    "outpatients": "attendkey varchar, apptdate date, attended varchar, firstatt varchar, procode3 varchar, "
    "tretspef varchar, mainspef varchar, sex varchar, apptage bigint, gpprac varchar, fyear varchar, "
    "partyear varchar",
    "emergency_care": "aekey varchar, arrivaldate date, arrivaltime varchar, aeattendcat varchar, "
    "aeattenddisp varchar, procode3 varchar, aedepttype varchar, fyear varchar, partyear varchar",
    "population": "dob date, sex varchar, imd_quintile bigint, lsoa11 varchar, gpprac varchar, area varchar, "
    "date_of_death date, reg_start date, reg_end date, care_home boolean, ethnos varchar",
    "enrolments": "site varchar, index_date date, end_date date, referral_date date, eligible_date date, "
    "route varchar, tier varchar, status varchar",
    "opt_outs": "",
    "surveys": "extract varchar, instrument varchar, staff_id varchar, wave varchar, site varchar, role varchar, "
    '"group" varchar, age_band varchar, design_weight double, involved varchar, knew_contact varchar',
}
BOOKS = "delivery_id varchar, record bigint, person_id varchar, nulled_fields varchar, repaired_fields varchar"
LAKE_COLUMNS = {name: f"{BOOKS}, {columns}".rstrip(", ") for name, columns in LAKE.items()}

PARAMETERS = {
    "study_design": "study varchar, title varchar, synthetic boolean, look_back_months bigint, "
    "baseline_months bigint, follow_up_months bigint, longest_horizon_months bigint, data_until date, "
    "continuous_rule varchar, comparison_seed bigint, comparison_is_of_one_pool boolean, volume_change_pct double, "
    "late_after_days bigint, is_design_stage boolean",
    "study_extracts": "extract varchar, contract_id varchar",
    "current_run": "run_id varchar, started_at timestamp",
    "deliveries_read": "delivery_id varchar, extract varchar, file_name varchar, received_at timestamp, "
    "period varchar, status varchar, position bigint, rows_read bigint, rows_quarantined bigint",
    "sites": "site_id varchar, area varchar, go_live_date date, models varchar",
    "other_programmes": "area varchar, practice varchar, programme varchar, start_date date",
    "control_totals": "extract varchar, provider_code varchar, month date, admissions_or_rows bigint",
    "data_quality_counts": "run_id varchar, contract_id varchar, table_name varchar, rule_id varchar, "
    "column_name varchar, evaluated_rows bigint, failed_rows bigint, is_engine_fault boolean",
    "data_quality_limits": "contract_id varchar, table_name varchar, rule_id varchar, column_name varchar, "
    "severity varchar, dimension varchar, threshold double",
    "delivery_order": "delivery_id varchar, extract varchar, position bigint",
    "lake_quarantine": "delivery_id varchar, extract varchar, record bigint, rule_id varchar, "
    "person_id varchar, provider_code varchar, activity_date date",
    "extract_coverage": "extract varchar, month date",
    "prices": "price_set varchar, price_year varchar, activity varchar, unit_cost_gbp double",
    "imd": "lsoa11 varchar, imd_decile bigint, release varchar",
    "provider_successions": "provider_code varchar, successor_code varchar, from_date date",
    "instrument_items": "instrument_id varchar, item_id varchar, item_column varchar",
    "instrument_answers": "instrument_id varchar, item_id varchar, answer varchar, is_valid boolean, "
    "is_positive boolean, is_not_counted boolean",
    "design_people": "person_id varchar, is_treated boolean, site_id varchar, index_date date",
    "comparison_designs": "population varchar, pilot_people bigint, comparison_people bigint, "
    "sampled_people bigint, has_weights boolean, exact varchar",
    "comparison_weights": "population varchar, person_id varchar, weight double",
    "matched_pairs": "pilot_person_id varchar, comparison_person_id varchar",
    "frozen_index_dates": "person_id varchar, index_date date",
    "instrument_waves": "instrument_id varchar, wave varchar, period varchar",
}
DESIGN = {
    "study": "small",
    "title": "A small study",
    "synthetic": True,
    "look_back_months": 12,
    "baseline_months": 6,
    "follow_up_months": 6,
    "data_until": "2014-12-31",
    "continuous_rule": "nhs_digital_2014",
    "comparison_seed": 1,
    "comparison_is_of_one_pool": True,
    "volume_change_pct": 20.0,
    "late_after_days": 40,
    "is_design_stage": False,
}
MODELS = in_dependency_order(load_models())
NUMBERS = count()


class SmallStudy:
    """Rows in, tables out: `query` first runs the models that the asked tables are made of.

    Rows are dicts of lake columns; a column not given is null, a delivery not given is `d1`, a record number not given
    is the row's place in its delivery. Everyone who appears in a row is in the population, born in 1940, unless the
    population is given. All months of 2006 to 2014 are covered by all three extracts unless `coverage` is given.
    """

    def __init__(
        self,
        *,
        deliveries: Iterable[str] | None = None,
        coverage: Mapping[str, Iterable[date]] | None = None,
        design: Row | None = None,
        **tables: Iterable[Row],
    ) -> None:
        self.connection = _schema_of_its_own()
        self._done: set[str] = set()
        lake = {name: list(tables.pop(name, ())) for name in LAKE if name != "population"}
        lake["population"] = list(tables.pop("population", _everyone(lake.values())))
        for name, rows in lake.items():
            self._fill(f"lake_{name}", LAKE_COLUMNS[name], _numbered(rows, name))
        tables["delivery_order"] = _delivery_order(lake, deliveries)
        asked = {**DESIGN, **(design or {})}
        tables["study_design"] = [{"longest_horizon_months": asked["follow_up_months"], **asked}]
        if coverage is not None:
            tables["extract_coverage"] = [
                {"extract": extract, "month": month} for extract, months in coverage.items() for month in months
            ]
        for name, rows in tables.items():
            self._fill(name, PARAMETERS[name], list(rows))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query over any tables of the study."""
        tables = {table.name for table in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)}
        for model in _needed(tables):
            if model.name not in self._done:
                self.connection.execute(f"create table {model.name} as {model.sql}")
                self._done.add(model.name)
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The one value of a query that has one row and one column."""
        ((value,),) = self.query(sql)
        return value

    def change(self, code_list: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Adds rows to a code list, in this study only."""
        self.connection.execute(f"create table {code_list} as from main.{code_list}")
        for row in rows:
            self.connection.execute(f"insert into {code_list} values ({', '.join('?' * len(row))})", row)

    def _fill(self, table: str, columns: str, rows: list[Row]) -> None:
        self.connection.execute(f"create table {table} ({columns})")
        names = [name for (name, *_) in self.connection.execute(f"describe {table}").fetchall()]
        for row in rows:
            unknown = set(row) - set(names)
            if unknown:
                raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        if rows:
            frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
            self.connection.register("rows_of_table", frame)
            self.connection.execute(f"insert into {table} select * from rows_of_table")


def episode(start: str, end: str | None, **fields: Any) -> dict[str, Any]:
    """A finished emergency admission of one episode, person p1 at provider RAA, home to home; `fields` overrides."""
    return {
        "person_id": "p1", "epistart": start, "epiend": end, "epiorder": 1, "epistat": "3", "admidate": start,
        "disdate": end, "admimeth": "21", "admisorc": "19", "dismeth": "1", "disdest": "19", "classpat": "1",
        "procode3": "RAA", "transit": "0", **fields,
    }  # fmt: skip


def appointment(day: str, **fields: Any) -> dict[str, Any]:
    """An attended first appointment of person p1 at provider RAA in specialty 300; `fields` overrides."""
    return {
        "person_id": "p1", "apptdate": day, "attended": "5", "firstatt": "1", "procode3": "RAA", "tretspef": "300",
        "mainspef": "300", **fields,
    }  # fmt: skip


def attendance(day: str, **fields: Any) -> dict[str, Any]:
    """An unplanned first A&E attendance of person p1 at provider RAA; `fields` overrides."""
    return {
        "person_id": "p1", "arrivaldate": day, "aeattendcat": "1", "aeattenddisp": "03", "procode3": "RAA", **fields
    }  # fmt: skip


def enrolment(index_date: str, **fields: Any) -> dict[str, Any]:
    """The enrolment of person p1 at site s1; `fields` overrides."""
    return {"person_id": "p1", "site": "s1", "index_date": index_date, **fields}


def person(person_id: str = "p1", **fields: Any) -> dict[str, Any]:
    """A person of the population, born in 1940 and registered ever since; `fields` overrides."""
    return {"person_id": person_id, "dob": "1940-01-01", "sex": "2", **fields}


def _everyone(tables: Iterable[list[Row]]) -> list[Row]:
    people = {row["person_id"] for rows in tables for row in rows if row.get("person_id")}
    return [person(person_id) for person_id in sorted(people)]


def _numbered(rows: list[Row], extract: str) -> list[Row]:
    keys = {"admissions": "epikey", "outpatients": "attendkey", "emergency_care": "aekey"}
    last: dict[str, int] = {}
    numbered = []
    for place, row in enumerate(rows):
        delivery_id = row.get("delivery_id", "d1")
        last[delivery_id] = row.get("record", last.get(delivery_id, 0) + 1)
        key = {keys[extract]: f"key{place + 1:04d}"} if extract in keys else {}
        numbered.append({**key, **row, "delivery_id": delivery_id, "record": last[delivery_id]})
    return numbered


def _delivery_order(lake: Mapping[str, list[Row]], deliveries: Iterable[str] | None) -> list[Row]:
    return [
        {"delivery_id": delivery_id, "extract": extract, "position": position}
        for table, rows in lake.items()
        for extract in ({row["extract"] for row in rows} if table == "surveys" else {table})
        for position, delivery_id in enumerate(
            deliveries or sorted({row.get("delivery_id", "d1") for row in rows}), start=1
        )
    ]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """What all small studies share: code lists, empty parameters, and every month covered."""
    connection = duckdb.connect(config={"threads": 1})
    for name, columns in PARAMETERS.items():
        connection.execute(f"create table {name} ({columns})")
    for extract in ("admissions", "outpatients", "emergency_care"):
        connection.execute(
            f"""insert into extract_coverage
            select '{extract}', unnest(generate_series(date '2006-01-01', date '2014-12-01', interval 1 month))"""
        )
    for extract, contract_id in EXTRACT_CONTRACTS.items():
        connection.execute("insert into study_extracts values (?, ?)", [extract, contract_id])
    for code_list in load_code_lists():
        connection.register("rows_of_list", code_list.frame())
        connection.execute(f"create table {code_list.table} as from rows_of_list")
    return connection


def _schema_of_its_own() -> duckdb.DuckDBPyConnection:
    connection = _database().cursor()
    schema = f"study_{next(NUMBERS)}"
    connection.execute(f"create schema {schema}")
    connection.execute(f"set search_path = '{schema},main'")
    return connection


def _needed(tables: set[str]) -> list[SqlModel]:
    needed: list[SqlModel] = []
    for model in reversed(MODELS):
        if model.name in tables:
            needed.append(model)
            tables = tables | set(model.depends_on)
    return needed[::-1]
