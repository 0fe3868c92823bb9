"""The data manager's view: every quarantined record with its place, its rule and its original text."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.contracts import source_contract
from pipelines.errors import StudyError
from pipelines.masking import masked_count
from pipelines.reading.rules import record_rule
from pipelines.reading.withholding import WITHHELD
from pipelines.study import Study
from pipelines.text_tables import text_table

SENSITIVE = "SENSITIVE: original text from the extracts. For the data manager alone; do not pass it on."
HEADER = ("delivery", "extract", "file", "record", "line", "rule", "also failed", "column", "original text")
MOST_SHOWN = 200
QUERY = """
    select delivery_id, extract, file_name, record, line, rule_id, also_failed, column_name, original_text
    from read_parquet($file)
    where $delivery is null or delivery_id = $delivery
    order by extract, file_name, record
"""


def quarantine(study: Study, *, delivery: str | None = None) -> str:
    """The quarantined records of the deliveries that count, or of one of them, as a table; then what each rule says.

    At most `MOST_SHOWN` are shown, all are in the Parquet file that the text names. StudyError if nothing was read
    yet or there is no such delivery.
    """
    path = study.quarantine_file
    if not path.exists():
        raise StudyError("nothing has been read yet", f"first: icp run {study.root.name}")
    if delivery is not None:
        _require_known(study, delivery)
    rows = duckdb.execute(QUERY, {"file": str(path), "delivery": delivery}).fetchall()
    lines = [SENSITIVE, ""]
    if rows:
        shown = [tuple("" if value is None else _one_line(str(value)) for value in row) for row in rows[:MOST_SHOWN]]
        lines += [text_table(HEADER, shown), ""]
        lines += ["Rules", *_told(study, rows), ""]
    more = f", the first {MOST_SHOWN} shown" if len(rows) > MOST_SHOWN else ""
    lines.append(f"{masked_count(len(rows))} records quarantined{more}; all are in {path}")
    if any(WITHHELD in str(row[-1]) for row in rows):
        lines.append(f"{WITHHELD} stands for what may be an NHS number; the file itself has it")
    lines.append("Where each rule holds, and what becomes of other bad values: docs/rules.md")
    return "\n".join(lines)


def _told(study: Study, rows: Sequence[Sequence[object]]) -> list[str]:
    """What each rule expects and what to do, once a rule, those that are only in `also failed` too."""
    found: dict[str, str] = {}
    for _, extract, _, _, _, first, others, *_ in rows:
        contract = source_contract(study.protocol.extracts[str(extract)].contract)
        for rule_id in [str(first), *str(others or "").split()]:
            found.setdefault(rule_id, record_rule(rule_id, contract).told(rule_id))
    return [f"  {told}" for _, told in sorted(found.items())]


def _require_known(study: Study, delivery: str) -> None:
    known = sorted(path.stem for path in Path(study.lake).glob("*/*.json"))
    if delivery not in known:
        raise StudyError(
            f"--delivery {delivery}: no such delivery",
            "delivery ids stand in the table deliveries of the published file",
        )


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
