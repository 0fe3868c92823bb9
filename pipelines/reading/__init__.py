"""Reading: from files as suppliers send them to typed records in the lake, each refused one with its reason."""

from pipelines.reading.coverage import coverage
from pipelines.reading.delivery import Delivery, Period, RefusedDeliveryError
from pipelines.reading.lake import remove_leftovers
from pipelines.reading.ledger import current, period_text, require_one_person_column, resolve
from pipelines.reading.pseudonym import PseudonymKey
from pipelines.reading.quarantine import create_quarantine_view, summarise_quarantine, write_quarantine_file
from pipelines.reading.reader import read_extract
from pipelines.reading.views import create_lake_view, lake_columns

__all__ = [
    "Delivery",
    "Period",
    "PseudonymKey",
    "RefusedDeliveryError",
    "coverage",
    "create_lake_view",
    "create_quarantine_view",
    "current",
    "lake_columns",
    "period_text",
    "read_extract",
    "remove_leftovers",
    "require_one_person_column",
    "resolve",
    "summarise_quarantine",
    "write_quarantine_file",
]
