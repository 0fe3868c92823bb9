"""The facts of the literature, mapped to our metrics by hand, as the table `published_results`."""

from pathlib import Path

import polars as pl

from pipelines.contracts import contract_by_table
from pipelines.contracts.catalogue import CONTRACTS_FOLDER

PUBLISHED_RESULTS = CONTRACTS_FOLDER / "published" / "published_results.csv"
_DTYPES = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}


def published_results(path: Path = PUBLISHED_RESULTS) -> pl.DataFrame:
    """One row per published result, with the columns and types of the table's contract.

    Empty cells are null. Raises polars' `ColumnNotFoundError` or `ComputeError` if the file lacks a column
    or a cell is not of its type: the file is ours, so that is a fault and not a user's mistake.
    """
    columns = contract_by_table("published_results").columns
    texts = pl.read_csv(path, infer_schema=False)
    return texts.select(_typed(column.name, column.sql_type) for column in columns)


def _typed(name: str, sql_type: str) -> pl.Expr:
    if sql_type == "BOOLEAN":
        return pl.col(name).replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    return pl.col(name).cast(_DTYPES[sql_type])
