"""Splitting a file's raw records into the accepted and the refused, in the engine, and writing both aside."""

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from pipelines.contracts import Contract
from pipelines.reading.intake import Taken
from pipelines.reading.lake import Place
from pipelines.reading.layout import Layout
from pipelines.reading.typing_sql import NHS_NUMBER, Typing, raw_cell
from pipelines.reading.value import lake_name, literal, quoted
from pipelines.reading.withholding import TEN_DIGITS_SQL, without_numbers

LONGEST_TEXT = 4000
# Columns of more different values than that are not worth a dictionary.
_KEPT = "compression zstd, compression_level 1, dictionary_size_limit 8000"


def write_accepted(connection: duckdb.DuckDBPyConnection, typing: Typing, taken: Taken, place: Place) -> int:
    """Write the accepted records aside; returns their number."""
    _note_states(connection, taken)
    parameters = {"raw": str(taken.raw), "delivery_id": place.delivery_id}
    target = literal(str(place.aside(place.records)))
    sql = f"copy ({typing.accepted_sql()}) to {target} (format parquet, {_KEPT})"
    # Pushed below the typing, the rules would compute each value again.
    connection.execute("set disabled_optimizers = 'filter_pushdown'")
    try:
        written = connection.execute(sql, parameters).fetchone()
    finally:
        connection.execute("reset disabled_optimizers")
    return int(written[0]) if written else 0


def collect_rejected(
    connection: duckdb.DuckDBPyConnection, typing: Typing, taken: Taken, place: Place, *, accepted: int
) -> set[int]:
    """Make the table `rejected_records` (see `Typing.rejected_sql`); returns the numbers of records that fail a rule.

    Needs the accepted records written. Only what is not among them is typed again; where all are, nothing is.
    """
    connection.execute(
        "create or replace temp table not_accepted as select record from range(1, $after) as records(record) "
        "where $any and record not in (select record from read_parquet($records))",
        {"after": taken.rows + 1, "any": accepted < taken.rows, "records": str(place.aside(place.records))},
    )
    connection.execute(
        f"create or replace temp table rejected_records as {typing.rejected_sql()}", {"raw": str(taken.raw)}
    )
    return {number for (number,) in connection.execute("select record from rejected_records").fetchall()}


def write_quarantine(connection: duckdb.DuckDBPyConnection, taken: Taken, place: Place, rejected: set[int]) -> int:
    """Write the refused records aside with line, rules, column and original text; returns their number.

    No valid NHS number is written. Of a file with NHS numbers neither that cell nor a long number in a broken line is.
    """
    _note_lines(connection, taken, rejected)
    _note_cells(connection, taken.layout)
    target = literal(str(place.aside(place.quarantine)))
    sql = f"""copy (
        with failed as (
            select *, string_split(failed[1], ' ') as first_rule,
                   list_transform(failed[2:], lambda rule: string_split(rule, ' ')[1]) as others
            from rejected_records
            where len(failed) > 0
        )
        select {literal(place.delivery_id)} as delivery_id, failed.record, refused_lines.line,
               first_rule[1] as rule_id, nullif(array_to_string(others, ' '), '') as also_failed,
               first_rule[2] as column_name,
               left(refused_cells.original_text, {LONGEST_TEXT}) as original_text,
               failed.person_id, failed.provider_code, failed.activity_date
        from failed
        left join refused_lines using (record)
        left join refused_cells using (record)
        union all
        select {literal(place.delivery_id)}, record, line, rule_id, null, '*', original_text, null, null, null
        from refused_lines
        where rule_id is not null
        order by record
    ) to {target} (format parquet, compression zstd)"""
    written = connection.execute(sql).fetchone()
    return int(written[0]) if written else 0


def late_dates(connection: duckdb.DuckDBPyConnection, contract: Contract, place: Place) -> tuple[date | None, bool]:
    """Latest accepted date of the columns that must not be in the future, and whether any was refused for it."""
    names = [quoted(lake_name(column)) for column in contract.columns if column.options.get("not_after_data")]
    latest = f"greatest({', '.join(f'max({name})' for name in names)})" if names else "null::date"
    found = connection.execute(
        f"select {latest}, coalesce(bool_or(contains(nulled_fields, 'future_date')), false) "
        "from read_parquet($records)",
        {"records": str(place.aside(place.records))},
    ).fetchone()
    refused = connection.execute(
        "select count(*) from read_parquet($quarantine) "
        "where rule_id = 'future_date' or contains(also_failed, 'future_date')",
        {"quarantine": str(place.aside(place.quarantine))},
    ).fetchone()
    if found is None or refused is None:
        return None, False
    return found[0], bool(found[1] or refused[0])


def _note_states(connection: duckdb.DuckDBPyConnection, taken: Taken) -> None:
    """Make the tables that `Typing` needs beside the raw records."""
    states = {"dropped_records": [broken.record for broken in taken.split], "decoded_records": taken.decoded}
    for table, records in states.items():
        numbers = pl.DataFrame({"record": records}, schema={"record": pl.Int64})
        _insert(connection, numbers, f"create or replace temp table {table} as select * from incoming")


def _note_lines(connection: duckdb.DuckDBPyConnection, taken: Taken, rejected: set[int]) -> None:
    """Make the table `refused_lines`: the text line of each refused record, and what is known of broken ones."""
    has_numbers = NHS_NUMBER in taken.layout.header
    lines: Mapping[int, int] = taken.lines_of(rejected) if rejected else {}
    rows: list[tuple[int, int, str | None, str | None]] = [(n, line, None, None) for n, line in lines.items()]
    for broken in taken.split:
        text = without_numbers(broken.text, has_numbers=has_numbers)
        rows.append((broken.record, broken.line, broken.rule_id, text[:LONGEST_TEXT]))
    schema = {"record": pl.Int64, "line": pl.Int64, "rule_id": pl.String, "original_text": pl.String}
    refused = pl.DataFrame(rows, schema=schema, orient="row")
    _insert(connection, refused, "create or replace temp table refused_lines as select * from incoming")


def _note_cells(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Make the table `refused_cells`: the text that stood in the column of each record's first rule."""
    connection.execute(
        f"create or replace temp table refused_cells as select record, {_original(layout)} as original_text "
        "from (select *, string_split(failed[1], ' ') as first_rule from rejected_records where len(failed) > 0)"
    )
    suspicious = connection.execute(
        f"select record, original_text from refused_cells where regexp_matches(original_text, {TEN_DIGITS_SQL})"
    ).pl()
    texts = [without_numbers(text, has_numbers=False) for text in suspicious["original_text"]]
    _insert(
        connection,
        suspicious.with_columns(withheld=pl.Series(texts, dtype=pl.String)),
        "update refused_cells set original_text = withheld from incoming where refused_cells.record = incoming.record",
    )


def _insert(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame, sql: str) -> None:
    connection.register("incoming", frame)
    try:
        connection.execute(sql)
    finally:
        connection.unregister("incoming")


def _original(layout: Layout) -> str:
    """SQL of the text that stood in the column of the first rule; several cells are joined by commas."""
    cases = []
    for column, cells in layout.cells.items():
        if layout.header[cells[0]] == NHS_NUMBER:
            continue
        text = raw_cell(cells[0]) if len(cells) == 1 else f"concat_ws(',', {', '.join(map(raw_cell, cells))})"
        cases.append(f"when {literal(column)} then {text}")
    return f"case first_rule[2] {' '.join(cases)} end" if cases else "null::varchar"
