"""`icp results`: what changed, from the published file, as a table to read, CSV or JSON."""

import csv
import difflib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import StudyError
from pipelines.results_table import results_table
from pipelines.results_withholding import (
    withheld_bracket,
    withheld_comparison,
    withheld_estimate,
    withheld_horizon,
    withheld_pooling,
    withheld_statement,
    withheld_survey,
)

Row = dict[str, Any]
EVERY_POPULATION = "all"
EARLIER_FILE = "next: icp run STUDY, which computes it anew"
PARTS = ("run", "estimates", "horizons", "survey", "comparison", "across_sites", "statements")


@dataclass(frozen=True, kw_only=True)
class Results:
    """Published estimates of one or all populations; whatever rests on 1 to 7 people is withheld."""

    run: Row
    estimates: tuple[Row, ...]
    horizons: tuple[Row, ...]
    survey: tuple[Row, ...]
    comparison: tuple[Row, ...]
    across_sites: tuple[Row, ...]
    statements: tuple[Row, ...]


def results(path: Path, *, output_format: str, population: str | None = "all_sites") -> str:
    """The published results as `table`, `csv` (estimates only) or `json`, for one population or for `all`.

    Raises `StudyError` if nothing is published at `path`, or by another version, or no estimate is about `population`.
    """
    found = read_results(path, population=population or EVERY_POPULATION)
    formats: dict[str, Callable[[Results], str]] = {"table": _as_table, "csv": _as_csv, "json": _as_json}
    return formats[output_format](found)


def read_results(path: Path, *, population: str) -> Results:
    """Reads the analysts' file, read-only; `population` as in `metric_estimates`, or `all`."""
    if not path.exists():
        raise StudyError(f"nothing is published yet: {path} is not there", "first: icp run STUDY")
    with duckdb.connect(path, read_only=True, config={"autoinstall_known_extensions": "false"}) as published:
        run = _rows(published, "from runs order by started_at desc nulls last, run_id limit 1")
        estimates = _rows(published, "from metric_estimates order by metric_id, population, design, estimator")
        horizons = _rows(published, "from estimates_by_horizon order by metric_id, population, horizon_months")
        survey = _rows(
            published, "from survey_estimates where group_name = 'all' order by extract, measure_id, population"
        )
        comparison = _rows(published, "from comparison_with_published order by result_id")
        pooling = _rows(published, "from site_pooling order by metric_id")
        statements = _rows(published, "from effect_statements order by metric_id, population")
    _refuse_unknown(population, [*estimates, *survey])
    estimates, survey, comparison = (_about(rows, population) for rows in (estimates, survey, comparison))
    printed = tuple(withheld_estimate(row, survey=survey) for row in estimates)
    return Results(
        run=run[0] if run else {},
        estimates=tuple(withheld_bracket(row, printed=printed) for row in printed),
        horizons=tuple(withheld_horizon(row, printed=printed) for row in _about(horizons, population)),
        survey=tuple(withheld_survey(row) for row in survey),
        comparison=tuple(withheld_comparison(row, survey=survey) for row in comparison),
        across_sites=tuple(withheld_pooling(row) for row in pooling if population in (EVERY_POPULATION, "all_sites")),
        statements=tuple(withheld_statement(row, printed=printed) for row in _about(statements, population)),
    )


def _rows(published: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    try:
        answer = published.execute(query)
    except (duckdb.CatalogException, duckdb.BinderException) as fault:
        raise StudyError("the published file was made by another version of this program", EARLIER_FILE) from fault
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, values, strict=True)) for values in answer.fetchall()]


def _about(rows: list[Row], population: str) -> list[Row]:
    return [row for row in rows if population in (EVERY_POPULATION, row["population"])]


def _refuse_unknown(population: str, rows: list[Row]) -> None:
    known = list(dict.fromkeys(row["population"] for row in rows))
    if not known or population in (EVERY_POPULATION, *known):
        return
    nearest = difflib.get_close_matches(population, known, n=1, cutoff=0.0)
    raise StudyError(
        f"no results for population {population}",
        f"known populations: {', '.join(known)}, {EVERY_POPULATION}",
        *(f"did you mean: {match}" for match in nearest),
    )


def _as_table(found: Results) -> str:
    return results_table(**{part: getattr(found, part) for part in PARTS})


def _as_csv(found: Results) -> str:
    text = io.StringIO()
    names = list(found.estimates[0]) if found.estimates else []
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in found.estimates)
    return text.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _as_json(found: Results) -> str:
    return json.dumps({part: getattr(found, part) for part in PARTS}, indent=2, default=str, ensure_ascii=False)
