"""What is looked at after a run was killed or has ended: the published tables, the ledger, alerts, what lies about."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.alerts.state import read_state
from pipelines.run_log import read_runs

# These tables tell of runs: they differ from run to run as they should; of the rules, this run's outcomes are compared.
OF_RUNS = ("runs", "data_quality", "data_quality_counts")
TABLES = """
select table_name, string_agg('"' || column_name || '"', ', ' order by column_index)
from duckdb_columns() where schema_name = 'main' and not internal and column_name <> 'run_id' group by table_name
"""
MESSAGE = re.compile(r"^\[\S+\] (New|Cleared) \(\w+\): ([^\n]+)$.*?^Reference: (\w+)$", re.MULTILINE | re.DOTALL)
LEFTOVERS = ("lake/*/.aside", "published/.*", "quality/.*.part")
Contents = Mapping[str, tuple[int, ...]]


def published_contents(output: Path) -> Contents | None:
    """Rows and a checksum of each published table, whatever the order of its rows; None where nothing is published.

    Raises duckdb.Error where the published file is torn.
    """
    path = output / "published/evaluation.duckdb"
    if not path.is_symlink():
        return None
    with duckdb.connect(path, read_only=True) as connection:
        found = {
            table: _summed(connection, table, columns)
            for table, columns in connection.execute(TABLES).fetchall()
            if table not in OF_RUNS
        }
        rules = "(select * from data_quality where run_id = (select run_id from schema_version))"
        columns = [name for name, *_ in connection.execute("describe data_quality").fetchall() if name != "run_id"]
        found["data_quality"] = _summed(connection, rules, ", ".join(columns))
    return found


def left_behind(output: Path) -> list[str]:
    """What a run that ended well leaves behind although it should not: half-written files, runs without an end."""
    found = [str(path.relative_to(output)) for pattern in LEFTOVERS for path in output.glob(pattern)]
    return found + [f"a run is {run.status}" for run in read_runs(output) if run.status == "running"]


def wrong_alerts(output: Path, told: Path) -> list[str]:
    """Problems that were not told, or not taken back, or told twice; `told` is the file that messages went to.

    After a run that ended well, what is open was told once more than it was taken back, and whatever else was told
    was taken back as often. A message that repeats an earlier one carries its reference; one that waits for the next
    run, because the channel was slow, is as good as told.
    """
    state = read_state(output / "alerts.json", say=lambda _line: None)
    waiting = [message for channel in state.channels.values() for message in channel.messages]
    texts = [told.read_text(encoding="utf-8") if told.exists() else "", *(f"{m.subject}\n{m.text}" for m in waiting)]
    messages = {reference: (event, title) for text in texts for event, title, reference in MESSAGE.findall(text)}
    standing = Counter(title for event, title in messages.values() if event == "New")
    standing.subtract(title for event, title in messages.values() if event == "Cleared")
    expected = Counter(problem.title for problem in state.problems.values())
    return [title for title in standing.keys() | expected.keys() if standing[title] != expected[title]]


def _summed(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> tuple[int, ...]:
    return connection.execute(f"select count(*), coalesce(sum(hash({columns})), 0) from {table}").fetchall()[0]
